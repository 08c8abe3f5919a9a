#include "policy/mistake.h"

#include <algorithm>

#include "policy/json_tree.h"

namespace perchild {
namespace {

constexpr std::size_t longest_quotation = 80;
constexpr std::string_view hex_digits = "0123456789abcdef";

// Never a terminal's escape sequence, whatever a file is called.
std::string harmless(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::size_t control = control_length(text);
    for (char c : text.substr(0, control)) {
      const auto byte = static_cast<unsigned char>(c);
      result += {'\\', 'x', hex_digits[byte >> 4U], hex_digits[byte & 15U]};
    }
    if (control == 0) result += text.front();
    text.remove_prefix(std::max<std::size_t>(control, 1));
  }
  return result;
}

void append_excerpt(std::string& text, const Mistake& mistake) {
  std::string margin = std::to_string(mistake.line);
  margin.insert(0, margin.size() < 6 ? 6 - margin.size() : 0, ' ');
  text += margin + " | " + mistake.excerpt.line + "\n";
  text += std::string(margin.size(), ' ') + " | " + std::string(mistake.excerpt.caret, ' ') + "^\n";
}

}  // namespace

std::size_t control_length(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (text.empty()) return 0;
  if (byte(0) < 0x20 || byte(0) == 0x7F) return 1;
  const bool is_c1 = byte(0) == 0xC2 && text.size() > 1 && byte(1) >= 0x80 && byte(1) < 0xA0;
  return is_c1 ? 2 : 0;
}

std::string_view name_of(Severity severity) {
  switch (severity) {
    case Severity::error:
      return "error";
    case Severity::warning:
      return "warning";
    case Severity::note:
      return "note";
  }
  return "";
}

std::string in_quotes(std::string_view text) {
  const bool cut = text.size() > longest_quotation;
  if (cut) {
    std::size_t length = longest_quotation;
    while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80U) --length;
    text = text.substr(0, length);
  }
  return '"' + harmless(text) + (cut ? "...\"" : "\"");
}

std::string format_mistake(const Mistake& mistake) {
  std::string text = harmless(mistake.file);
  if (mistake.line != 0) {
    text += ":" + std::to_string(mistake.line) + ":" + std::to_string(mistake.column);
  }
  text.append(text.empty() ? "" : ": ").append(name_of(mistake.severity)).append(": ");
  text += mistake.sentence + "\n";
  if (mistake.line != 0) append_excerpt(text, mistake);
  if (!mistake.pointer.empty()) text += "       at " + harmless(mistake.pointer) + "\n";
  if (!mistake.hint.empty()) text += "       hint: " + mistake.hint + "\n";
  return text;
}

std::string mistake_as_json(const Mistake& mistake) {
  std::string text = "{\"file\":" + json_string(mistake.file);
  text += ",\"line\":" + std::to_string(mistake.line);
  text += ",\"column\":" + std::to_string(mistake.column);
  text += ",\"pointer\":" + json_string(mistake.pointer);
  text += ",\"severity\":" + json_string(name_of(mistake.severity));
  text += ",\"sentence\":" + json_string(mistake.sentence);
  text += ",\"hint\":" + json_string(mistake.hint) + "}";
  return text;
}

std::size_t count_of(const std::vector<Mistake>& mistakes, Severity severity) {
  return static_cast<std::size_t>(
      std::count_if(mistakes.begin(), mistakes.end(),
                    [severity](const Mistake& mistake) { return mistake.severity == severity; }));
}

}  // namespace perchild
