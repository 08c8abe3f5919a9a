// TLS as the rest of the worker sees it. What speaks it is linked into perchild-tls-worker alone: a
// site without a certificate has no cryptography in its address space, nor waits for its loading.
//
// Runs in: worker.
// Does not trust: the client.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/worker/task.h"
#include "policy/host_name.h"
#include "privsep/result.h"
#include "privsep/unique_fd.h"
#include "vhosts/sites/site_settings.h"

namespace perchild {

class Connection;
struct SessionContext;
enum class Afterwards : std::uint8_t;

// How far a call has come.
enum class TlsStep : std::uint8_t {
  done,
  want_read,
  want_write,
  want_answer,  // from the keeper
  want_job,     // too many handshakes wait for the keeper, or it is not there: stand in line
  closed,       // by the client, in an orderly way or not
  failed,       // problem() says why
};

// What is known of the keeper by its channel.
enum class KeeperState : std::uint8_t { serves, has_gone, sent_nonsense };
constexpr const char* text_of(KeeperState state) {
  return state == KeeperState::sent_nonsense
             ? "the keeper sent what is no message: ending"
             : "the keeper has gone: handshakes wait for the next one";
}

// TLS on one connection.
class TlsStream {
 public:
  virtual ~TlsStream() = default;

  virtual TlsStep shake_hands() = 0;
  // After want_job: the connection is resumed when that changes.
  virtual void stand_in_line() = 0;
  virtual std::string problem() const = 0;

  // Bytes to `into`, and how many to `count`.
  virtual TlsStep read(std::span<char> into, std::size_t& count) = 0;
  // Whether there can be more to read without a word from epoll.
  virtual bool has_more() const = 0;
  // All of it, unless there is no room: then what was not taken is to be given again. `more`: other
  // bytes follow at once.
  virtual TlsStep write(std::string_view bytes, bool more, std::size_t& count) = 0;
  // Says that nothing more will be sent (close_notify), if that is possible.
  virtual void end_sending() = 0;

  // epoll has said so.
  virtual void on_readable(bool peer_closed) = 0;

  // The name that the client asked for in its ClientHello.
  virtual const std::optional<HostName>& server_name() const = 0;
  // After the handshake: what the client and we speak (RFC 7301).
  virtual bool has_chosen_http2() const = 0;
};

// What all TLS connections of a worker share.
class TlsSite {
 public:
  // Before the lock-down. Nullptr where there is no certificate.
  static Result<std::unique_ptr<TlsSite>> make(const SiteSettings& settings);
  virtual ~TlsSite() = default;

  virtual std::unique_ptr<TlsStream> accept(Connection& connection) = 0;

  // A channel to the keeper, in place of the one before.
  virtual void attach_keeper(UniqueFd fd) = 0;
  virtual KeeperState on_keeper_readable() = 0;
  // Resumes whoever stood in line and can go on.
  virtual void end_turn() = 0;
};

}  // namespace perchild
