#include "vhosts/http1/path.h"

#include "vhosts/find_byte.h"
#include "vhosts/http1/characters.h"

namespace perchild::http1 {
namespace {

constexpr std::size_t escape_length = 3;

// As many bytes from `at` on as stand for themselves, and are part of a name.
std::string_view name_at(std::string_view raw, std::size_t at) {
  const std::size_t end = find_byte(raw, at, [](auto byte) {
    return (byte < 0x20) | (byte == 0x7f) | (byte == '/') | (byte == '%');
  });
  return raw.substr(at, end - at);
}

// One byte of a path, `length` bytes of the raw path.
struct PathByte {
  PathOutcome outcome;
  char value;
  std::size_t length;
};

PathByte decode_byte(std::string_view raw) {
  char value = raw.front();
  std::size_t length = 1;
  if (value == '%') {
    if (raw.size() < escape_length) return {PathOutcome::bad_escape, 0, 0};
    const int high = hex_value(raw[1]);
    const int low = hex_value(raw[2]);
    if (high < 0 || low < 0) return {PathOutcome::bad_escape, 0, 0};
    value = static_cast<char>(high << 4 | low);
    length = escape_length;
    if (value == '/') return {PathOutcome::encoded_slash, value, length};
  }
  if (value == '\0') return {PathOutcome::nul_byte, 0, 0};
  if (is_control(value)) return {PathOutcome::control_byte, 0, 0};
  return {PathOutcome::ok, value, length};
}

// Builds the result: '/' at the start and behind each finished segment.
class PathWriter {
 public:
  PathWriter(std::span<char> buffer, std::size_t longest_name)
      : buffer_(buffer), longest_name_(longest_name) {
    buffer_[size_++] = '/';
  }

  PathOutcome add(std::string_view part) {
    if (size_ - segment_ + part.size() > longest_name_) return PathOutcome::name_too_long;
    size_ += part.copy(buffer_.data() + size_, part.size());
    return PathOutcome::ok;
  }

  // At a '/' or at the end of the path.
  PathOutcome finish_segment(bool at_slash) {
    const std::string_view segment = view().substr(segment_);
    if (segment == "." || segment.empty()) {
      had_dot_segments_ = had_dot_segments_ || !segment.empty();
      size_ = segment_;
    } else if (segment == "..") {
      had_dot_segments_ = true;
      if (segment_ == 1) return PathOutcome::above_root;
      size_ = segment_ = view().rfind('/', segment_ - 2) + 1;
    } else if (at_slash) {
      buffer_[size_++] = '/';
      segment_ = size_;
    }
    return PathOutcome::ok;
  }

  std::string_view view() const { return {buffer_.data(), size_}; }
  bool had_dot_segments() const { return had_dot_segments_; }

 private:
  std::span<char> buffer_;
  std::size_t longest_name_;
  std::size_t size_ = 0;
  bool had_dot_segments_ = false;
  std::size_t segment_ = 1;  // where the segment under way begins; the byte before it is '/'
};

PathOutcome at_encoded_slash(PathWriter& writer, std::string_view escape, EncodedSlash slashes) {
  switch (slashes) {
    case EncodedSlash::refused:
      break;
    case EncodedSlash::separates:
      return writer.finish_segment(true);
    case EncodedSlash::kept:
      return writer.add(escape);
  }
  return PathOutcome::encoded_slash;
}

}  // namespace

int status_of(PathOutcome outcome) {
  switch (outcome) {
    case PathOutcome::ok:
      return 200;
    case PathOutcome::encoded_slash:
    case PathOutcome::name_too_long:
      return 404;
    case PathOutcome::buffer_too_small:
      return 414;
    default:
      return 400;
  }
}

DecodedPath decode_path(std::string_view raw_path, std::span<char> buffer, EncodedSlash slashes) {
  if (!raw_path.starts_with('/')) return {PathOutcome::not_rooted};
  if (buffer.size() < raw_path.size()) return {PathOutcome::buffer_too_small};
  // With a '/' in it, a name is no file's.
  PathWriter writer(buffer, slashes == EncodedSlash::kept ? buffer.size() : max_name_bytes);
  std::size_t at = 1;
  while (at < raw_path.size()) {
    PathOutcome outcome;
    if (raw_path[at] == '/') {
      outcome = writer.finish_segment(true);
      ++at;
    } else if (const auto part = name_at(raw_path, at); !part.empty()) {
      outcome = writer.add(part);
      at += part.size();
    } else {
      const PathByte byte = decode_byte(raw_path.substr(at));
      if (byte.outcome == PathOutcome::ok) {
        outcome = writer.add({&byte.value, 1});
      } else if (byte.outcome == PathOutcome::encoded_slash) {
        outcome = at_encoded_slash(writer, raw_path.substr(at, byte.length), slashes);
      } else {
        outcome = byte.outcome;
      }
      at += byte.length;
    }
    if (outcome != PathOutcome::ok) return {outcome};
  }
  if (const auto outcome = writer.finish_segment(false); outcome != PathOutcome::ok) {
    return {outcome};
  }
  return {PathOutcome::ok, writer.view(), writer.had_dot_segments()};
}

std::string_view relative_path(std::string_view decoded_path) {
  if (decoded_path.starts_with('/')) decoded_path.remove_prefix(1);
  return decoded_path.empty() ? std::string_view(".") : decoded_path;
}

}  // namespace perchild::http1
