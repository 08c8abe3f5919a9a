// X-Forwarded-For: what is made of a list is what the slow and obvious reading makes of it.
#include <string>
#include <vector>

#include "test/fuzz/fuzz_driver.h"
#include "vhosts/forwarded/forwarded_for.h"
#include "vhosts/http1/request_head.h"

namespace {

using namespace perchild;
using fuzz::check;

const std::vector<AddressBlock> trusted{AddressBlock::parse("10.0.0.0/8").value(),
                                        AddressBlock::parse("2001:db8::/32").value()};

std::string trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

// From the left to the right; empty ones are none.
std::vector<std::string> entries_of(std::string_view head) {
  std::vector<std::string> entries;
  http1::for_each_field(head, [&entries](const http1::Field& field) {
    if (!http1::equals_ignoring_case(field.name, "x-forwarded-for")) return;
    std::string value(field.value);
    for (std::size_t comma; (comma = value.find(',')) != std::string::npos;) {
      entries.push_back(trimmed(value.substr(0, comma)));
      value.erase(0, comma + 1);
    }
    entries.push_back(trimmed(value));
  });
  std::erase(entries, "");
  return entries;
}

std::optional<AddressBytes> expected(std::string_view head) {
  const std::vector<std::string> entries = entries_of(head);
  std::optional<AddressBytes> client;
  int hops = 0;
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    const auto address = forwarded::parse_entry(*entry);
    if (!address || ++hops > forwarded::most_hops) break;
    client = address;
    if (!forwarded::is_trusted(trusted, *address)) break;
  }
  return client;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // '|' begins another field.
  std::string fields = "X-Forwarded-For: ";
  for (const char c : fuzz::to_view(data, size)) {
    if (c == '|') {
      fields += "\r\nX-Forwarded-For:";
    } else if (c != '\r' && c != '\n') {
      fields += c;
    }
  }
  const std::string head = "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n\r\n";
  check(forwarded::client_of(head, trusted) == expected(head), "the obvious reading is the same");
  static_cast<void>(forwarded::is_over_https(head));
  return 0;
}
