// parse_basic_credentials: whatever comes out is in the buffer, within its bounds, and free of what
// would mean something else to a log or to crypt(3).
#include <vector>

#include "test/fuzz/fuzz_driver.h"
#include "vhosts/access/credentials.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace perchild::access;
  using perchild::fuzz::check;
  std::vector<char> buffer(longest_credentials);
  const auto credentials = parse_basic_credentials(perchild::fuzz::to_view(data, size), buffer);
  if (!credentials) return 0;
  const std::string_view all(buffer.data(), buffer.size());
  check(perchild::fuzz::is_within(credentials->user, all), "the user is in the buffer");
  check(perchild::fuzz::is_within(credentials->password, all), "the password is in the buffer");
  check(perchild::is_user_name(credentials->user), "the user's name is one");
  check(credentials->password.size() <= longest_password, "the password is short enough");
  for (const char c : credentials->password) {
    check(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, "no controls");
  }
  return 0;
}
