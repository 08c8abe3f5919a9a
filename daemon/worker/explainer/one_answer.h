// How a site answers one request, step by step.
//
// Runs in: explainer.
#pragma once

#include <string_view>

#include "daemon/worker/explanation.h"
#include "daemon/worker/served_site.h"

namespace perchild {

struct AskedRequest {
  AddressBytes client;
  bool over_tls;
  std::string_view head;  // a whole one, as the client would send it
};

void explain(ServedSite& site, const AskedRequest& asked, Explanation& explanation);

}  // namespace perchild
