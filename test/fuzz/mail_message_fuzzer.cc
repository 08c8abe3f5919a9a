// Messages that are handed to sendmail: no Bcc stays, the rest does, and what is called a recipient
// is one or is refused.
#include "test/fuzz/fuzz_driver.h"
#include "vhosts/mail/mail_call.h"
#include "vhosts/mail/mail_message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace perchild::mail;
  using perchild::fuzz::check;
  const std::string_view text = perchild::fuzz::to_view(data, size);
  const MailCall call{"", recipients_of(text)};
  const auto again = MailCall::unpack(call.pack());
  check(again.has_value() == call.valid(), "only a good call is unpacked");
  std::string message(text);
  drop_bcc(message);
  check(message.size() <= size, "nothing is added");
  std::string twice = message;
  drop_bcc(twice);
  check(twice == message, "all is dropped at once");
  const std::string whole = message;
  end_at_dot(message);
  check(whole.starts_with(message), "an end is all that is taken off");
  check(!MailCall::unpack(text) || MailCall::unpack(text)->pack() == text, "one way to pack");
  return 0;
}
