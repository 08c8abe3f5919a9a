// The meta-variables of a request (RFC 3875, 4.1), and those that PHP and others want besides. For
// FastCGI parameters and for the environment of a script alike: they are given one by one.
//
// Does not trust: the client. It chooses values, never names but for those that begin with HTTP_.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vhosts/gateway/variable_sink.h"
#include "vhosts/http1/request_head.h"

namespace perchild::gateway {

struct CgiRequest {
  const http1::RequestHead& head;
  std::string_view bytes;          // that `head` was parsed from
  std::string_view document_root;  // absolute, without a last '/', as the program sees it
  std::string_view script_name;    // decoded, with its first '/'; empty if there is no script
  std::string_view path_info;      // decoded, with its first '/'; empty if absent
  std::string_view query;          // as it is after rewrites
  std::string_view server_name;    // where the request names no host
  std::string_view server_address;
  std::uint16_t server_port = 0;
  std::string_view remote_address;
  std::uint16_t remote_port = 0;  // 0 if it is not known
  std::string_view remote_user;   // of who has entered with a password; else empty
  bool https = false;
  // Of the body as the program gets it, whatever framing it came by; none if there is no body.
  std::optional<std::uint64_t> content_length;
};

// False if a value had a NUL in it, which no environment can hold: the request is to be refused.
[[nodiscard]] bool write_cgi_variables(const CgiRequest& request, VariableSink& sink);

// As an environment: "NAME=value".
class EnvironmentSink final : public VariableSink {
 public:
  explicit EnvironmentSink(std::vector<std::string>& environment) : environment_(environment) {}
  void put(std::string_view name, std::string_view value) override;

 private:
  std::vector<std::string>& environment_;
};

}  // namespace perchild::gateway
