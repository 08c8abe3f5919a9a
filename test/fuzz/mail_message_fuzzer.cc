// Messages that are handed to sendmail: no Bcc stays, the rest does, and what is called a recipient
// is one or is refused.
#include <algorithm>
#include <string>

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
  std::string sent(text);
  make_line_ends_plain(sent);
  check(sent.find('\r') == std::string::npos, "no CR is left");
  break_long_lines(sent);
  for (std::size_t begin = 0, end = 0; end != std::string::npos; begin = end + 1) {
    end = sent.find('\n', begin);
    check(std::min(end, sent.size()) - begin <= 998, "no line is too long");
  }
  check(!MailCall::unpack(text) || MailCall::unpack(text)->pack() == text, "one way to pack");
  return 0;
}
