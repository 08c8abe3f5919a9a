// The first message of a TLS client, looked at for the name that it asks for (RFC 8446, 4.1.2;
// RFC 6066, 3). Strict about what delimits things, silent about what they mean: versions, ciphers
// and key shares are OpenSSL's matter, in the worker.
//
// Pure: no allocation, no I/O. The message may be cut into records, and these into segments,
// anywhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "policy/host_name.h"
#include "vhosts/tls/alert.h"

namespace perchild::tls {

// Of the message. Browsers send 500 bytes to 2 KiB with post-quantum key shares.
inline constexpr std::size_t max_client_hello = 16 * 1024;
// Of all that is looked at: the message and the headers of its records, however it is cut up.
inline constexpr std::size_t max_hello_bytes = max_client_hello + 4 * 1024;

struct ClientHello {
  std::optional<HostName> server_name;
};

class ClientHelloParser {
 public:
  enum class State : std::uint8_t {
    incomplete,
    complete,
    rejected,    // alert() and reason() say why
    plain_text,  // this is no TLS; it may well be HTTP
  };

  // `bytes`: all that has come until now, the earlier ones unchanged. Fills in `hello` once it is
  // complete. After that, or a rejection, reset() before the next one.
  State parse(std::string_view bytes, ClientHello& hello);

  // While incomplete: there is nothing more to see before so many bytes are there.
  std::size_t needed() const { return needed_; }
  Alert alert() const { return alert_; }
  const char* reason() const { return reason_; }
  void reset() { *this = ClientHelloParser(); }

 private:
  State next_record(std::string_view bytes, ClientHello& hello);
  State read_header(std::string_view header);
  State read_message(std::string_view bytes, ClientHello& hello);
  State reject(Alert alert, const char* reason);
  State wait_for(std::size_t bytes);

  const char* reason_ = "";
  std::uint32_t record_at_ = 0;  // the first record that is not complete
  std::uint32_t collected_ = 0;  // bytes of the message in the records before it
  std::uint32_t needed_ = 1;
  Alert alert_{};
};
static_assert(sizeof(ClientHelloParser) <= 24, "one for each connection that a router holds");

// The name in the data of a server_name extension; nullopt if there is none, or it is no host's.
std::optional<HostName> server_name_of(std::string_view extension);

}  // namespace perchild::tls
