// A text in a JSON log: whatever a client sends reads back byte by byte, and ends its string only
// where the log ends it.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "test/fuzz/fuzz_driver.h"
#include "vhosts/logs/escape.h"

namespace {

using perchild::fuzz::check;
using perchild::fuzz::Choices;
using perchild::logs::Line;

// What a reader of the log sees of these bytes: a character each.
std::string as_characters(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      text += c;
    } else {
      text += static_cast<char>(0xc0 | byte >> 6);
      text += static_cast<char>(0x80 | (byte & 0x3f));
    }
  }
  return text;
}

void check_written(std::string_view bytes, std::size_t longest) {
  std::vector<char> memory(6 * bytes.size() + 16);
  Line line(memory);
  line.append("[\"");
  line.append_json_escaped(bytes, longest);
  line.append("\"]");
  check(line.size() <= longest + 4, "the limit holds");
  for (const char c : line.view()) check(c >= 0x20 && c < 0x7f, "a log is printable ASCII");
  const auto parsed = nlohmann::json::parse(line.view(), nullptr, false);
  check(parsed.is_array() && parsed.size() == 1 && parsed[0].is_string(), "one string");
  std::string read = parsed[0].get<std::string>();
  const std::string whole = as_characters(bytes);
  if (read == whole) return;
  constexpr std::string_view mark = "\u2026";
  if (longest < perchild::logs::json_cut_mark.size()) {
    check(read.empty(), "without room for the mark there is nothing");
    return;
  }
  check(read.ends_with(mark), "what is cut is marked");
  read.resize(read.size() - mark.size());
  check(whole.starts_with(read), "what is cut begins like the whole");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = perchild::fuzz::to_view(data, size);
  check_written(bytes, 6 * size + 8);
  Choices choices(bytes);
  for (int i = 0; i < 4; ++i) check_written(bytes, choices.up_to(6 * size));
  return 0;
}
