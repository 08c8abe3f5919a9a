// What a worker asks its site's runner to start: one script, for one request.
//
// Does not trust: who packed it, in the runner, which looks at the script itself.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace perchild::gateway {

struct CgiCall {
  std::string script;                    // below the docroot, without a first '/'
  std::vector<std::string> environment;  // "NAME=value": RFC 3875, 4.1

  std::string pack() const;
  // None if it is too large, or not as pack() makes it.
  static std::optional<CgiCall> unpack(std::string_view bytes);
};

}  // namespace perchild::gateway
