// Asks the worker's own code how a site would answer: in a process under the site's ids, locked
// down as a worker is.
//
// Runs in: command, as root.
// Does not trust: that process, which reads the site's files. What it says is bounded in length and
// time, and made printable.
#pragma once

#include <string>

#include "daemon/command/explain/url.h"
#include "policy/address_block.h"
#include "policy/configuration.h"
#include "privsep/result.h"

namespace perchild {

// How site number `site` would answer a request of `client` for `url`, in lines.
Result<std::string> ask_site(const Configuration& configuration, SiteId site,
                             const AddressBytes& client, const Url& url);

}  // namespace perchild
