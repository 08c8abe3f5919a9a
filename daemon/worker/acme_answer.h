// The challenges of certificate authorities (RFC 8555, 8.3), whose answers the operator keeps in
// one folder for all sites.
//
// Runs in: worker.
// Does not trust: the client. What it names is one file of the folder, or nothing.
#pragma once

#include "daemon/worker/request.h"
#include "daemon/worker/response.h"

namespace perchild {

// False if the request is not for a token that is there: the site may have a folder of its own.
[[nodiscard]] bool answer_acme(const Request& request, Response& response);

}  // namespace perchild
