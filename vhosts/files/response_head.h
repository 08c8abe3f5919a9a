// Response heads, assembled in the caller's buffer without allocation (RFC 9112, 4).
//
//   ResponseHead head(buffer, date);
//   head.start(200, Persistence::keep_alive);
//   head.add_fields(cached.fields());
//   const std::string_view bytes = head.finish();
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "vhosts/files/date_cache.h"
#include "vhosts/files/file_fields.h"
#include "vhosts/files/status.h"
#include "vhosts/http1/byte_ranges.h"

namespace perchild::files {

// What the head says of the connection (RFC 9112, 9.3).
enum class Persistence : std::uint8_t {
  keep_alive,         // HTTP/1.1: nothing
  keep_alive_stated,  // HTTP/1.0, whose client asked for it: "Connection: keep-alive"
  close,              // "Connection: close"
};

// Holds any head that does not carry a Location.
inline constexpr std::size_t usual_head_bytes = 1024;

class ResponseHead {
 public:
  ResponseHead(std::span<char> buffer, const DateCache& date);

  // The status line, Server, Date and Connection. `status` is one that reason_of() knows.
  void start(int status, Persistence persistence);
  // Likewise of any status, with the phrase that a program gives; without one, that of reason_of().
  void start(int status, std::string_view reason, Persistence persistence);
  // One field. A value with a control character in it fails the head.
  void add(std::string_view name, std::string_view value);
  void add_number(std::string_view name, std::uint64_t value);
  // Content-Range: "bytes 0-99/612".
  void add_content_range(const http1::ByteRange& part, std::uint64_t size);
  // Whole field lines, each with its CRLF, as FieldLines has them.
  void add_fields(std::string_view lines);
  // Location: the directory `decoded_path`, percent-encoded, with the '/' that it lacks at its end,
  // then `query`, as the client sent it, if there is one. Always on this site: "//host" becomes
  // "/host/".
  void add_slash_location(std::string_view decoded_path, std::string_view query);
  // The complete head; empty if it did not fit or had a value that cannot be sent.
  [[nodiscard]] std::string_view finish();

 private:
  void append(std::string_view text);
  void append_encoded(std::string_view text, const std::array<bool, 256>& verbatim);

  char* begin_;
  char* at_;
  char* end_;
  const DateCache& date_;
  bool failed_ = false;
};

// A decoded path as it stands in a request's target or a Location.
[[nodiscard]] std::string percent_encoded_path(std::string_view decoded_path);

// 304 with what it repeats of the file's lines; no length, no body (RFC 9110, 15.4.5).
[[nodiscard]] std::string_view not_modified_head(std::span<char> buffer, const DateCache& date,
                                                 Persistence persistence, const FieldLines& lines);

// 206 with one part of a representation of `size` bytes (RFC 9110, 15.3.7.1).
[[nodiscard]] std::string_view partial_head(std::span<char> buffer, const DateCache& date,
                                            Persistence persistence, const FieldLines& lines,
                                            const http1::ByteRange& part, std::uint64_t size);

// 206 with several, as multipart/byteranges of `length` bytes in all.
[[nodiscard]] std::string_view multipart_head(std::span<char> buffer, const DateCache& date,
                                              Persistence persistence, const FieldLines& lines,
                                              std::string_view boundary, std::uint64_t length);

// The head of error_page(status). `more` are whole field lines: Allow (a 405 must have it),
// Retry-After.
[[nodiscard]] std::string_view error_head(std::span<char> buffer, const DateCache& date, int status,
                                          Persistence persistence, std::string_view more = {});

// 301 to a directory's own name, with its slash; the body is error_page(301). Needs room for three
// bytes a byte of path and query.
[[nodiscard]] std::string_view slash_redirect_head(std::span<char> buffer, const DateCache& date,
                                                   Persistence persistence,
                                                   std::string_view decoded_path,
                                                   std::string_view query);

// For a 405, and for OPTIONS, where only files are served.
inline constexpr std::string_view allow_of_files = "Allow: GET, HEAD, OPTIONS\r\n";
// What is passed on, of the methods that have a name here; the program may allow fewer of them.
inline constexpr std::string_view allow_of_programs =
    "Allow: GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE\r\n";

}  // namespace perchild::files
