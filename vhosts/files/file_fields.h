// The lines of a response head that describe a file, in an order that lets each kind of response
// take a tail of them:
//
//   Content-Length, or Transfer-Encoding: chunked  | 200
//   Content-Type                                   |     | 206
//   Last-Modified, Accept-Ranges, Content-Encoding |     |     | 206 multipart
//   Vary, ETag                                     |     |     |     | 304
#pragma once

#include <array>
#include <cstdint>
#include <ctime>
#include <optional>
#include <string_view>

#include "vhosts/files/file_facts.h"

namespace perchild::files {

// The end of a line of a head.
inline constexpr std::string_view crlf = "\r\n";

class FieldLines {
 public:
  struct Marks {  // where a line begins
    std::uint16_t type = 0;
    std::uint16_t rest = 0;
    std::uint16_t vary = 0;
    std::uint16_t tag = 0;
  };

  FieldLines(std::string_view text, const Marks& marks) : text_(text), marks_(marks) {}

  std::string_view all() const { return text_; }
  std::string_view without_length() const { return text_.substr(marks_.type); }
  std::string_view without_type() const { return text_.substr(marks_.rest); }
  std::string_view vary() const { return text_.substr(marks_.vary, marks_.tag - marks_.vary); }
  // What a 304 repeats (RFC 9110, 15.4.5).
  std::string_view for_304() const { return text_.substr(marks_.vary); }
  std::string_view content_type() const;
  std::string_view tag() const;  // with its quotes
  const Marks& marks() const { return marks_; }

 private:
  std::string_view text_;
  Marks marks_;
};

// What is sent of a file: its bytes, or these in a content coding.
struct Representation {
  std::string_view content_type;        // at most longest_content_type bytes
  std::optional<std::uint64_t> length;  // none: it is not known before it has been sent
  std::string_view coding{};            // "gzip"; empty: none
  bool varies = false;                  // another Accept-Encoding can get another one
  // The server encodes it: another version of the encoder gives other bytes, so the tag is weak and
  // there are no ranges.
  bool made_on_the_fly = false;
};

class FileFields {
 public:
  // `facts` are those of the file whose bytes are sent or encoded.
  FileFields(const FileFacts& facts, const Representation& what, ::time_t now);

  FieldLines lines() const { return {{text_.data(), length_}, marks_}; }

 private:
  void append(std::string_view text);
  std::uint16_t here() const { return static_cast<std::uint16_t>(length_); }

  std::array<char, 384> text_;
  std::size_t length_ = 0;
  FieldLines::Marks marks_;
};

}  // namespace perchild::files
