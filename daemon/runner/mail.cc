#include "daemon/runner/mail.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sysexits.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "privsep/fd_passing.h"
#include "privsep/local_socket.h"

namespace perchild {
namespace {

using mail::MailAnswer;
using mail::MailCall;

constexpr std::uint32_t network_patience_s = 60;  // of the client, for each answer

void tell(BorrowedFd socket, int status, const std::string& sentence) {
  const std::string bytes =
      MailAnswer{status, sentence.substr(0, MailAnswer::max_bytes / 2)}.pack();
  // Whoever does not wait for it has gone.
  static_cast<void>(send_with_fds(socket, std::as_bytes(std::span(bytes)), {}));
}

std::string on_or_off(bool on) {
  return on ? "on" : "off";
}

}  // namespace

Mail::Mail(const MailSettings& settings, RunnerParts& parts, Channel<Runner, Master>& master)
    : settings_(settings), parts_(parts), master_(master), budget_(settings.rate) {}

Result<void> Mail::open() {
  const UniqueFd folder(::open(program_sockets_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.has_value()) return failure_from_errno("open", program_sockets_folder);
  auto listener = listen_local(folder.borrow(), program_sockets_folder, mail_socket_name, 0600);
  if (!listener) return failure(listener.error());
  listener_ = std::move(*listener);
  return {};
}

void Mail::on_message(const MailSent& message) {
  budget_.add(mail::MailBudget::Milliseconds(message.since), message.recipients);
}

void Mail::append_polled(std::vector<::pollfd>& polled) {
  const bool has_room = listener_.has_value() && customers_.size() < most_customers;
  if (has_room) polled.push_back({listener_.get(), POLLIN, 0});
  if (sending_.size() >= most_at_once) return;
  for (const Customer& customer : customers_) polled.push_back({customer.socket.get(), POLLIN, 0});
}

void Mail::on_polled(std::span<const ::pollfd> polled) {
  const auto is_ready = [&](BorrowedFd fd) {
    return std::any_of(polled.begin(), polled.end(), [&](const ::pollfd& each) {
      return each.fd == fd.get() && each.revents != 0;
    });
  };
  for (auto at = customers_.begin(); at != customers_.end() && sending_.size() < most_at_once;) {
    at = is_ready(at->socket.borrow()) && serve(*at) ? customers_.erase(at) : std::next(at);
  }
  if (listener_.has_value() && is_ready(listener_.borrow())) accept();
}

void Mail::accept() {
  auto socket = accept_local(listener_.borrow());
  if (socket) customers_.push_back({std::move(*socket), parts_.desk.now() + customers_patience});
}

bool Mail::serve(Customer& customer) {
  std::array<std::byte, MailCall::max_bytes> bytes;
  ReceivedBytes received = receive_with_fds(customer.socket.borrow(), bytes);
  if (received.status == ReceiveStatus::would_block) return false;
  const auto call =
      received.status == ReceiveStatus::message && received.fd_count == 1
          ? MailCall::unpack({reinterpret_cast<const char*>(bytes.data()), received.length})
          : std::nullopt;
  if (!call) return true;  // its end says enough
  take(std::move(customer.socket), *call, std::move(received.fds[0]));
  return true;
}

void Mail::refuse(BorrowedFd socket, int status, const std::string& why) {
  parts_.log.add({.message = "mail is not sent:", .subject = why});
  tell(socket, status, why);
}

void Mail::take(UniqueFd socket, const MailCall& call, UniqueFd message) {
  // The client must not wait for a file that gives nothing.
  struct ::stat status;
  if (::fstat(message.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return refuse(socket.borrow(), EX_DATAERR, "the message is no file");
  }
  const std::string sender = call.sender.empty() ? usual_sender(settings_) : call.sender;
  if (!may_send_as(settings_, sender)) {
    return refuse(socket.borrow(), EX_NOPERM, "the site may not send as " + sender);
  }
  const auto count = static_cast<std::uint32_t>(call.recipients.size());
  const auto now = std::chrono::duration_cast<mail::MailBudget::Milliseconds>(
      parts_.desk.now().time_since_epoch());
  if (!budget_.take(now, count)) {
    return refuse(socket.borrow(), EX_TEMPFAIL, "the site has sent as much mail as it may");
  }
  // A master that has no room for it remembers less, which is no harm.
  static_cast<void>(
      master_.send(MailSent{static_cast<std::uint64_t>(budget_.slot_of(now).count()), count, 0}));
  // Without the site's further walls: it is what they keep programs from that it is for.
  const auto pid = parts_.processes.start({.command = command_for(sender, call),
                                           .environment = {},
                                           .directory = parts_.root,
                                           .input = message.borrow(),
                                           .output = parts_.null},
                                          *this);
  if (!pid) {
    parts_.log.add({.message = "mail is not sent:", .subject = pid.error().text()});
    return tell(socket.borrow(), EX_TEMPFAIL, "the SMTP client cannot be started");
  }
  sending_[*pid] = {std::move(socket), parts_.desk.now() + longest_sending};
}

// msmtp(1). With a host named here it reads no configuration.
std::vector<std::string> Mail::command_for(const std::string& sender, const MailCall& call) const {
  std::vector<std::string> command{
      smtp_client,
      "--host=" + settings_.smarthost,
      "--port=" + std::to_string(settings_.port),
      "--tls=" + on_or_off(settings_.tls != MailTls::off),
      "--tls-starttls=" + on_or_off(settings_.tls == MailTls::starttls),
      "--auth=off",
      "--timeout=" + std::to_string(network_patience_s),
      "--domain=" + settings_.domain,
      "--from=" + sender,
      "--set-msgid-header=auto",
      "--"};
  command.insert(command.end(), call.recipients.begin(), call.recipients.end());
  return command;
}

void Mail::on_end(::pid_t pid, bool well) {
  const auto found = sending_.find(pid);
  if (found == sending_.end()) return;
  tell(found->second.customer.borrow(), well ? EX_OK : EX_TEMPFAIL,
       well ? "" : "the smarthost has not taken the message: see the site's error log");
  sending_.erase(found);
}

void Mail::on_timers() {
  const Clock::time_point now = parts_.desk.now();
  std::erase_if(customers_, [&](const Customer& customer) { return customer.until <= now; });
  for (auto& [pid, sending] : sending_) {
    if (sending.until > now) continue;
    parts_.processes.end(pid, now);
    sending.until = Clock::time_point::max();
  }
}

std::optional<Clock::time_point> Mail::next_timer() const {
  std::optional<Clock::time_point> first;
  const auto consider = [&](Clock::time_point at) {
    if (at != Clock::time_point::max() && (!first || at < *first)) first = at;
  };
  for (const Customer& customer : customers_) consider(customer.until);
  for (const auto& [pid, sending] : sending_) consider(sending.until);
  return first;
}

}  // namespace perchild
