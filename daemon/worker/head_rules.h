// What a site says of its response heads: headers, caching, CORS, entity tags.
//
// Runs in: worker.
// Does not trust: the client, whose Origin is compared, and repeated only where it is one that the
// configuration names.
#pragma once

#include "daemon/worker/request.h"
#include "daemon/worker/response.h"

namespace perchild {

// Edits the finished head of `response`. Whoever made it has not looked at these rules.
void apply_head_rules(const Request& request, Response& response);

}  // namespace perchild
