#include "vhosts/content/head_editor.h"

#include <algorithm>

#include "vhosts/http1/request_head.h"

namespace perchild::content {
namespace {

constexpr std::string_view crlf = "\r\n";

}  // namespace

HeadEditor::HeadEditor(std::span<char> buffer, std::string_view head)
    : buffer_(buffer), length_(head.size() - crlf.size()) {}

HeadEditor::Line HeadEditor::find(std::string_view name, std::size_t from) const {
  while (from < length_) {
    const std::size_t end = text().find(crlf, from) + crlf.size();
    const std::string_view line = text().substr(from, end - from);
    if (line.size() > name.size() && line[name.size()] == ':' &&
        http1::equals_ignoring_case(line.substr(0, name.size()), name)) {
      return {from, end};
    }
    from = end;
  }
  return {length_, length_};
}

void HeadEditor::remove(std::string_view name) {
  // The status line has no colon where a name ends: "HTTP/1.1" is no field name.
  for (Line line = find(name, 0); line.begin < length_; line = find(name, line.begin)) {
    char* const begin = buffer_.data() + line.begin;
    std::copy(buffer_.data() + line.end, buffer_.data() + length_, begin);
    length_ -= line.end - line.begin;
  }
}

bool HeadEditor::has(std::string_view name) const {
  return find(name, 0).begin < length_;
}

void HeadEditor::add(std::string_view name, std::string_view value) {
  append(name);
  append(": ");
  append(value);
  append(crlf);
}

void HeadEditor::append(std::string_view more) {
  // Room is left for the empty line.
  if (failed_ || buffer_.size() - length_ < more.size() + crlf.size()) {
    failed_ = true;
    return;
  }
  std::copy(more.begin(), more.end(), buffer_.data() + length_);
  length_ += more.size();
}

std::string_view HeadEditor::finish() {
  if (failed_) return {};
  std::copy(crlf.begin(), crlf.end(), buffer_.data() + length_);
  return {buffer_.data(), length_ + crlf.size()};
}

}  // namespace perchild::content
