#include "daemon/sendmail/handing_in.h"

#include <poll.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "policy/mail_settings.h"
#include "privsep/fd_passing.h"
#include "privsep/local_socket.h"
#include "vhosts/mail/mail_message.h"

namespace perchild {
namespace {

using mail::MailAnswer;
using mail::MailCall;

Result<UniqueFd> file_of(std::string_view message) {
  UniqueFd file(::memfd_create("message", MFD_CLOEXEC));
  if (!file.has_value()) return failure_from_errno("memfd_create");
  while (!message.empty()) {
    const ssize_t written = ::write(file.get(), message.data(), message.size());
    if (written <= 0) return failure_from_errno("write", "the message");
    message.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::lseek(file.get(), 0, SEEK_SET) != 0) return failure_from_errno("lseek");
  return file;
}

MailAnswer answer_on(BorrowedFd socket) {
  ::pollfd polled{socket.get(), POLLIN, 0};
  while (::poll(&polled, 1, -1) < 0) {
  }
  std::array<std::byte, MailAnswer::max_bytes> bytes;
  const ReceivedBytes received = receive_with_fds(socket, bytes);
  auto answer = MailAnswer::unpack({reinterpret_cast<const char*>(bytes.data()), received.length});
  if (received.status == ReceiveStatus::message && answer) return std::move(*answer);
  return {EX_TEMPFAIL, "nobody has taken the message"};
}

// What is wrong with it; empty if nothing.
std::string objection_to(const MailCall& call) {
  if (call.recipients.empty()) return "the message has no recipients";
  if (call.recipients.size() > MailCall::max_recipients) {
    return "the message has more than " + std::to_string(MailCall::max_recipients) + " recipients";
  }
  for (const std::string& recipient : call.recipients) {
    if (!is_mail_address(recipient)) return recipient + " is not a mail address";
  }
  return call.valid() ? "" : call.sender + " is not a mail address";
}

}  // namespace

MailAnswer hand_in(const SendmailArguments& arguments, std::string message) {
  mail::make_line_ends_plain(message);
  if (!arguments.goes_on_after_dot) mail::end_at_dot(message);
  MailCall call{arguments.sender, arguments.recipients};
  if (arguments.recipients_in_message) {
    const auto more = mail::recipients_of(message);
    call.recipients.insert(call.recipients.end(), more.begin(), more.end());
  }
  mail::drop_bcc(message);
  // Else the SMTP client makes it, of the envelope's sender and without a name.
  const bool has_address = is_mail_address(call.sender);
  const char* const usual = std::getenv(usual_sender_variable);
  if (has_address || usual != nullptr) {
    mail::add_missing_from(message, arguments.name, has_address ? call.sender : usual);
  }
  mail::break_long_lines(message);
  if (std::string objection = objection_to(call); !objection.empty()) {
    return {EX_USAGE, std::move(objection)};
  }
  const auto file = file_of(message);
  if (!file) return {EX_OSERR, file.error().text()};
  const auto socket = connect_local(program_sockets_folder, mail_socket_name);
  if (!socket) return {EX_UNAVAILABLE, socket.error().text()};
  const std::string bytes = call.pack();
  const std::array<BorrowedFd, 1> fds{file->borrow()};
  if (send_with_fds(socket->borrow(), std::as_bytes(std::span(bytes)), fds) != SendStatus::sent) {
    return {EX_TEMPFAIL, "too many messages are being sent"};
  }
  return answer_on(socket->borrow());
}

}  // namespace perchild
