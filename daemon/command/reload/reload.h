// `perchild reload`: lets the running server go by another configuration, all of it or nothing.
//
// Runs in: command, as root.
// Trusts: the configuration's author, once it is certain that nobody else could have written it.
#pragma once

#include <iosfwd>
#include <string>

namespace perchild {

// The exit status: 0, 1 if it is refused, 2 if the configuration cannot be read. Says on `out`, a
// line each, which sites are added, changed and removed; on `errors` why it is refused.
[[nodiscard]] int run_reload(const std::string& configuration_path, std::ostream& out,
                             std::ostream& errors);

}  // namespace perchild
