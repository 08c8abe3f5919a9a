// `perchild explain URL`: which listener, site, user, rules and file would answer, and why.
//
// Runs in: command, as the caller. No server is asked, so a configuration can be tried before it is
// used.
// Trusts: the configuration.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>

#include "daemon/command/explain/url.h"
#include "policy/configuration.h"

namespace perchild {

// How a site would answer a request for it, in lines: see site_answer.h.
using SiteAnswer = std::function<std::string(SiteId site, const Url& url)>;

// The answer in lines; false if nobody would serve the URL, or it is none of ours.
[[nodiscard]] bool explain(const Configuration& configuration, const std::string& url,
                           const SiteAnswer& answer_of, std::ostream& out);

// The exit status: 0; 1 if nobody would serve it, or there are mistakes in the configuration; 2 if
// that cannot be read.
// `from`: the address that the request is to come from.
[[nodiscard]] int run_explain(const std::string& config_path, const std::string& url,
                              const std::string& from, std::ostream& out, std::ostream& errors);

}  // namespace perchild
