// What a site says of its response heads: headers, caching, CORS, entity tags.
//
// Runs in: worker.
// Does not trust: the client, whose Origin is compared, and repeated only where it is one that the
// configuration names.
#pragma once

#include "daemon/worker/request.h"
#include "daemon/worker/response.h"

namespace perchild {

// A browser asks, without a password, whether its page may ask (Fetch, 4.8), where the site has
// said who may.
bool is_cors_preflight(const Request& request);

// Edits the finished head of `response`. Whoever made it has not looked at these rules.
void apply_head_rules(const Request& request, Response& response);

}  // namespace perchild
