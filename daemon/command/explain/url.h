// The addresses that `perchild explain` is asked about.
//
// Runs in: command.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace perchild {

struct Url {
  std::string host;
  std::uint16_t port = 80;
  bool tls = false;
  std::string authority{};   // host and port, as in Host
  std::string target = "/";  // path and query
};

// "http://host[:port][/path][?query]", or the same without its beginning; or with "https".
std::optional<Url> parse_url(std::string_view text);

// The head of a request for it.
std::string head_of(const Url& url);

}  // namespace perchild
