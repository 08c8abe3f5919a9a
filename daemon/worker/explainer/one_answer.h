// How a site answers one request, step by step.
//
// Runs in: explainer.
#pragma once

#include <string_view>

#include "daemon/worker/explanation.h"
#include "daemon/worker/served_site.h"

namespace perchild {

// `request_head`: a whole one, as a client at this address would send it.
void explain(ServedSite& site, const AddressBytes& client, std::string_view request_head,
             Explanation& explanation);

}  // namespace perchild
