#include "daemon/command/control/control_client.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "privsep/local_socket.h"

namespace perchild {
namespace {

constexpr int patience_ms = 10'000;
constexpr int try_again_ms = 50;
constexpr int most_tries = 100;

SysError no_server(const std::string& runtime_dir, const SysError& error) {
  const bool nobody = error.error == ENOENT || error.error == ECONNREFUSED;
  return nobody ? SysError{"reach", "a server in " + runtime_dir + ": none is running", 0} : error;
}

// Whatever either kind of caller is told, as root is: that is the larger set.
template <typename... All, typename Answer>
void widen(const std::variant<All...>& message, Answer& answer) {
  std::visit([&](const auto& each) { answer = each; }, message);
}

}  // namespace

Result<ControlClient> ControlClient::connect(const std::string& runtime_dir, Versions versions) {
  const bool as_root = ::geteuid() == 0;
  auto socket = connect_local(runtime_dir, as_root ? control_socket_name : status_socket_name);
  if (!socket) return failure(no_server(runtime_dir, socket.error()));
  ControlClient client = as_root ? ControlClient(OfRoot(std::move(*socket)))
                                 : ControlClient(OfUser(std::move(*socket)));
  const auto first = client.receive();
  if (!first) return failure(first.error());
  const auto* greeting = std::get_if<Greeting>(&*first);
  const bool is_other = greeting != nullptr && greeting->protocol != control_protocol;
  if (greeting == nullptr || (is_other && versions == Versions::same)) {
    const std::string version = greeting == nullptr ? "" : std::string(greeting->version.view());
    return failure({"talk to",
                    "the running server: it is of version " + version +
                        ", this command of " PERCHILD_VERSION
                        "; restart the server, or use the command that it came with",
                    0});
  }
  client.greeting_ = *greeting;
  return client;
}

template <typename M>
Result<void> ControlClient::send(const M& message) {
  const SendStatus status = std::visit(
      [&](auto& channel) {
        if constexpr (requires { channel.send(message); }) {
          return channel.send(message);
        } else {
          return SendStatus::failed;
        }
      },
      channel_);
  if (status == SendStatus::failed) return failure({"ask", "the server: only root may", 0});
  if (status != SendStatus::sent) return failure({"ask", "the server: it has gone", 0});
  return {};
}

Result<ControlClient::Answer> ControlClient::receive() {
  Answer answer;
  for (;;) {
    ::pollfd polled{fd().get(), POLLIN, 0};
    const int ready = ::poll(&polled, 1, patience_ms);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return failure({"wait", "for the server: it does not answer", 0});
    enum class Got : std::uint8_t { message, nothing, end };
    const Got got = std::visit(
        [&]<typename C>(C& channel) {
          auto received = channel.receive();
          if (received.status == C::Status::would_block) return Got::nothing;
          if (received.status != C::Status::message) return Got::end;
          widen(*received.message, answer);
          received_fd_ = std::move(received.fd);
          return Got::message;
        },
        channel_);
    if (got == Got::message) return answer;
    if (got == Got::end) {
      return failure({"ask", "the server: it has closed the connection; try again", 0});
    }
  }
}

template <typename Query>
Result<StatusEnd> ControlClient::ask(const Query& query,
                                     const std::function<void(const SiteStatus&)>& on_site) {
  if (auto sent = send(query); !sent) return failure(sent.error());
  for (;;) {
    const auto answer = receive();
    if (!answer) return failure(answer.error());
    if (const auto* end = std::get_if<StatusEnd>(&*answer)) return *end;
    if (const auto* site = std::get_if<SiteStatus>(&*answer)) on_site(*site);
  }
}

template <typename Reply, typename Question>
Result<Reply> ControlClient::ask_for(const Question& question) {
  if (auto sent = send(question); !sent) return failure(sent.error());
  const auto answer = receive();
  if (!answer) return failure(answer.error());
  const auto* reply = std::get_if<Reply>(&*answer);
  if (reply == nullptr) return failure({"ask", "the server: it answers another question", 0});
  return *reply;
}

Result<ServerStatus> ControlClient::server_status() {
  return ask_for<ServerStatus>(ServerQuery{0});
}

Result<LogsReopened> ControlClient::reopen_logs() {
  return ask_for<LogsReopened>(ReopenLogs{0});
}

Result<void> ControlClient::only_ask() {
  return send(OnlyAsk{0});
}

Result<void> ControlClient::for_each_site(const std::function<void(const SiteStatus&)>& on_site) {
  SiteId next{0};
  for (;;) {
    const auto end = ask(StatusQuery{next}, on_site);
    if (!end) return failure(end.error());
    if (end->is_last != 0) return {};
    next = end->next;
  }
}

Result<std::optional<SiteStatus>> ControlClient::find_site(const std::string& name) {
  std::optional<SiteStatus> found;
  const auto end =
      ask(FindSite{FixedText<256>::of(name)}, [&](const SiteStatus& site) { found = site; });
  if (!end) return failure(end.error());
  return found;
}

template <typename M, typename... Fd>
Result<void> ControlClient::send_as_root(const M& message, Fd... fd) {
  auto* channel = std::get_if<OfRoot>(&channel_);
  if (channel == nullptr) return failure({"ask", "the server: only root may", 0});
  for (int tries = 0;; ++tries) {
    const SendStatus status = channel->send(message, fd...);
    if (status == SendStatus::sent) return {};
    if (status == SendStatus::peer_gone) return failure({"ask", "the server: it has gone", 0});
    if (status != SendStatus::would_block || tries == most_tries) {
      return failure({"ask", "the server: it does not listen", 0});
    }
    ::pollfd polled{channel->fd().get(), POLLOUT, 0};
    ::poll(&polled, 1, try_again_ms);
  }
}

Result<UniqueFd> ControlClient::running_table() {
  if (auto sent = send_as_root(AskTable{0}); !sent) return failure(sent.error());
  const auto answer = receive();
  if (!answer) return failure(answer.error());
  if (!std::holds_alternative<RunningTable>(*answer)) {
    return failure({"ask", "the server for its table: it says something else", 0});
  }
  return std::move(received_fd_);
}

Result<ReloadOutcome> ControlClient::reload(Generation based_on, std::span<const Offer> tables,
                                            std::span<const OfferedListener> listeners) {
  for (const Offer& offer : tables) {
    if (auto sent = send_as_root(OfferTable{offer.kind}, offer.memory); !sent) {
      return failure(sent.error());
    }
  }
  for (const OfferedListener& listener : listeners) {
    auto sent = send_as_root(OfferListener{listener.index}, listener.socket.borrow());
    if (!sent) return failure(sent.error());
  }
  if (auto sent = send_as_root(Reload{based_on.value}); !sent) return failure(sent.error());
  const auto answer = receive();
  if (!answer) return failure(answer.error());
  const auto* done = std::get_if<ReloadDone>(&*answer);
  if (done == nullptr) return failure({"ask", "the server to reload: it says something else", 0});
  return done->outcome;
}

Result<TakeOverAnswer> ControlClient::take_over() {
  return ask_for<TakeOverAnswer>(TakeOver{0});
}

Result<UniqueFd> ControlClient::ask_held(HeldKind kind, std::uint32_t index) {
  if (auto sent = send_as_root(AskHeld{kind, index}); !sent) return failure(sent.error());
  const auto answer = receive();
  if (!answer) return failure(answer.error());
  if (std::holds_alternative<NotHeld>(*answer)) return UniqueFd();
  if (!std::holds_alternative<Held>(*answer)) {
    return failure({"ask", "the server for what it holds: it says something else", 0});
  }
  return std::move(received_fd_);
}

Result<void> ControlClient::give_way() {
  const auto answer = ask_for<GivingWay>(GiveWay{0});
  if (!answer) return failure(answer.error());
  return {};
}

}  // namespace perchild
