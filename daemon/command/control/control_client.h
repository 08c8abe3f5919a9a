// A command's connection to the running master: to `control` as root, else to `status`.
//
// Runs in: command, as the caller.
// Trusts: the master, whose sockets only root could have put there.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include "privsep/channel.h"
#include "privsep/control_messages.h"
#include "privsep/result.h"

namespace perchild {

inline constexpr const char* default_runtime_dir = "/run/perchild";

class ControlClient {
 public:
  enum class Versions : bool { same, any };

  // An error that says what to do: no server runs there, or one of another version. With one of any
  // version only an upgrade is spoken about.
  static Result<ControlClient> connect(const std::string& runtime_dir,
                                       Versions versions = Versions::same);

  const Greeting& server() const { return greeting_; }
  // Readable without a question: the server has gone.
  BorrowedFd fd() const {
    return std::visit([](const auto& channel) { return channel.fd(); }, channel_);
  }

  Result<ServerStatus> server_status();
  // Calls `on_site` with the status of each site that the caller may see.
  Result<void> for_each_site(const std::function<void(const SiteStatus&)>& on_site);
  // The site of this name; nullopt if there is none, or it is another's.
  Result<std::optional<SiteStatus>> find_site(const std::string& name);
  // Root's only.
  Result<LogsReopened> reopen_logs();
  // Of root's: gives up all but the questions above, and may then be silent for long.
  Result<void> only_ask();

  // Root's: the packed table that the server runs by, and a reload.
  Result<UniqueFd> running_table();
  struct Offer {
    TableKind kind;
    BorrowedFd memory;
  };
  struct OfferedListener {
    std::uint32_t index;
    UniqueFd socket;
  };
  Result<ReloadOutcome> reload(Generation based_on, std::span<const Offer> tables,
                               std::span<const OfferedListener> listeners);

  // An upgrade, root's too.
  Result<TakeOverAnswer> take_over();
  // What the server holds of this kind; none if there is no such thing.
  Result<UniqueFd> ask_held(HeldKind kind, std::uint32_t index = 0);
  Result<void> give_way();

 private:
  using OfRoot = Channel<Command, Master>;
  using OfUser = Channel<LocalUser, Master>;
  using Answer = Direction<Master, Command>::Messages;

  explicit ControlClient(std::variant<OfRoot, OfUser> channel) : channel_(std::move(channel)) {}

  template <typename M>
  Result<void> send(const M& message);
  template <typename Reply, typename Question>
  Result<Reply> ask_for(const Question& question);
  // The next message, waited for.
  Result<Answer> receive();
  // Sends a query, and hands on what is answered until it is complete.
  template <typename Query>
  Result<StatusEnd> ask(const Query& query, const std::function<void(const SiteStatus&)>& on_site);

  // What is root's alone to say.
  template <typename M, typename... Fd>
  Result<void> send_as_root(const M& message, Fd... fd);

  std::variant<OfRoot, OfUser> channel_;
  UniqueFd received_fd_;  // with the last message
  Greeting greeting_{};
};

}  // namespace perchild
