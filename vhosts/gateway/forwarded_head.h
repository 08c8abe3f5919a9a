// The head of a request as a proxy sends it on to a backend: the client's fields, less what is
// about the client's connection, and with its framing written anew, so that nothing can be smuggled
// through it.
//
// Does not trust: the client.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "vhosts/gateway/connection_options.h"
#include "vhosts/http1/request_head.h"

namespace perchild::gateway {

struct ForwardedRequest {
  const http1::RequestHead& head;
  std::string_view bytes;     // that `head` was parsed from
  std::string_view target;    // in origin form: what the backend is asked for, percent-encoded
  std::string_view own_host;  // where the request names no host
  std::string_view client;    // its address, for X-Forwarded-For
  // The peer is a trusted proxy: what it says in X-Forwarded-For is kept, and goes before `client`,
  // which is the peer's own address then.
  bool from_proxy = false;
  bool https = false;
  bool keep_alive = false;   // the connection to the backend is to be kept
  std::string_view upgrade;  // see wanted_upgrade(); empty to pass none on
  // How the body is sent to the backend, and its length with BodyFraming::content_length.
  http1::BodyFraming body = http1::BodyFraming::none;
  std::uint64_t content_length = 0;
};

// Appends the head to `out`, its empty line included. False if its Connection fields name more than
// max_connection_options.
[[nodiscard]] bool write_forwarded_head(const ForwardedRequest& request, std::string& out);

// The protocol that the client wants to change to, if it says so as RFC 9110, 7.8 has it, without a
// body: one token, such as "websocket". Empty if it does not. HTTP/2 ("h2c") is never passed on:
// its requests would go past every rule of the site.
std::string_view wanted_upgrade(const http1::RequestHead& head, std::string_view bytes);

}  // namespace perchild::gateway
