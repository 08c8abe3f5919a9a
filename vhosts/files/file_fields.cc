#include "vhosts/files/file_fields.h"

#include <algorithm>

#include "privsep/result.h"
#include "vhosts/files/decimal.h"
#include "vhosts/files/validators.h"
#include "vhosts/http1/date.h"

namespace perchild::files {
namespace {

constexpr std::string_view type_name = "Content-Type: ";
constexpr std::string_view tag_name = "ETag: ";

// The value of the line that `text` begins with.
std::string_view value_of(std::string_view text, std::string_view name) {
  return text.substr(name.size(), text.find(crlf) - name.size());
}

}  // namespace

std::string_view FieldLines::content_type() const {
  return value_of(without_length(), type_name);
}

std::string_view FieldLines::tag() const {
  return value_of(text_.substr(marks_.tag), tag_name);
}

FileFields::FileFields(const FileFacts& facts, const Representation& what, ::time_t now) {
  if (what.length) {
    Digits digits;
    append("Content-Length: ");
    append(decimal(*what.length, digits));
    append(crlf);
  } else {
    append("Transfer-Encoding: chunked\r\n");
  }
  marks_.type = here();
  append(type_name);
  append(what.content_type);
  append(crlf);
  marks_.rest = here();
  if (const auto modified = last_modified_of(facts, now)) {
    append("Last-Modified: ");
    std::array<char, http1::date_length> date;
    http1::format_date(*modified, date);
    append({date.data(), date.size()});
    append(crlf);
  }
  if (!what.made_on_the_fly) append("Accept-Ranges: bytes\r\n");
  if (!what.coding.empty()) {
    append("Content-Encoding: ");
    append(what.coding);
    append(crlf);
  }
  marks_.vary = here();
  if (what.varies) append("Vary: Accept-Encoding\r\n");
  marks_.tag = here();
  append(tag_name);
  if (what.made_on_the_fly) append("W/");
  // Two files that differ in their coding alone must differ in their tags (RFC 9110, 8.8.3.3).
  append(EntityTag(facts, what.made_on_the_fly ? std::string_view() : what.coding).view());
  append(crlf);
}

void FileFields::append(std::string_view text) {
  PERCHILD_ASSERT(text.size() <= text_.size() - length_);
  std::copy(text.begin(), text.end(), text_.data() + length_);
  length_ += text.size();
}

}  // namespace perchild::files
