// HtpasswdReader: ends, goes forward, and what it calls good is a name and a hash.
#include "test/fuzz/fuzz_driver.h"
#include "vhosts/access/htpasswd.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace perchild::access;
  using perchild::fuzz::check;
  const std::string_view text = perchild::fuzz::to_view(data, size);
  HtpasswdReader reader(text);
  std::size_t last = 0;
  while (const auto line = reader.next()) {
    check(line->number > last && line->number <= size, "lines are counted");
    last = line->number;
    check(perchild::fuzz::is_within(line->name, text), "the name is in the text");
    check(perchild::fuzz::is_within(line->hash, text), "the hash is in the text");
    if (!line->fault.empty()) continue;
    check(perchild::is_user_name(line->name), "a good line has a user's name");
    check(line->hash.size() <= perchild::longest_password_hash, "a hash is short enough");
    check(line->hash.find_first_of(": \t\r\n") == std::string_view::npos, "a hash is one word");
  }
  return 0;
}
