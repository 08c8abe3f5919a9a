// What a worker asks its site's runner to start: one script, for one request.
//
// Does not trust: who packed it, in the runner, which looks at the script itself.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace perchild::gateway {

struct CgiCall {
  static constexpr std::size_t max_script_bytes = 4096;  // PATH_MAX
  static constexpr std::size_t max_variables = 256;
  static constexpr std::size_t max_environment_bytes = 256 * 1024;
  static constexpr std::size_t max_body_bytes = 64 * 1024;

  std::string script;                    // below the docroot, without a first '/'
  std::vector<std::string> environment;  // "NAME=value": RFC 3875, 4.1
  // All of the request's, if it is here; else empty, and what there is comes by the connection.
  std::string body{};

  // Within the bounds, without a NUL but in the body, each variable with a name: what unpack()
  // gives.
  bool valid() const;

  std::string pack() const;
  // None if it is not valid(), or not as pack() makes it.
  static std::optional<CgiCall> unpack(std::string_view bytes);

  friend bool operator==(const CgiCall&, const CgiCall&) = default;
};

}  // namespace perchild::gateway
