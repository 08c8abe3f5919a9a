#include "vhosts/mail/mail_call.h"

#include <algorithm>

#include "policy/mail_settings.h"
#include "policy/packed.h"

namespace perchild::mail {

bool MailCall::valid() const {
  return (sender.empty() || sender == null_sender || is_mail_address(sender)) &&
         !recipients.empty() && recipients.size() <= max_recipients &&
         std::all_of(recipients.begin(), recipients.end(), is_mail_address);
}

std::string MailCall::pack() const {
  PackedWriter out;
  out.put_text(sender);
  out.put_texts(recipients);
  return out.take();
}

std::optional<MailCall> MailCall::unpack(std::string_view bytes) {
  PackedReader in(bytes);
  MailCall call;
  call.sender = in.get_text();
  call.recipients = in.get_texts();
  if (!in.done() || !call.valid()) return std::nullopt;
  return call;
}

std::string MailAnswer::pack() const {
  PackedWriter out;
  out.put(static_cast<std::uint8_t>(status));
  out.put_text(sentence);
  return out.take();
}

std::optional<MailAnswer> MailAnswer::unpack(std::string_view bytes) {
  PackedReader in(bytes);
  MailAnswer answer;
  answer.status = in.get<std::uint8_t>();
  answer.sentence = in.get_text();
  return in.done() ? std::optional(std::move(answer)) : std::nullopt;
}

}  // namespace perchild::mail
