// From the path of a request target to a name below a document root.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace perchild::http1 {

inline constexpr std::size_t max_name_bytes = 255;  // NAME_MAX of every Linux file system

enum class PathOutcome : std::uint8_t {
  ok,
  // 400
  not_rooted,    // does not begin with '/'
  bad_escape,    // '%' without two hexadecimal digits
  nul_byte,      // as it is or as %00
  control_byte,  // 0x01 to 0x1f or 0x7f, as it is or escaped
  above_root,    // more ".." than names before it
  // 404
  encoded_slash,  // no file name holds a '/'
  name_too_long,  // over max_name_bytes
  // 414
  buffer_too_small,
};
int status_of(PathOutcome outcome);  // 200 for ok

struct DecodedPath {
  PathOutcome outcome;
  std::string_view path{};        // in the caller's buffer; empty unless ok
  bool had_dot_segments = false;  // "." or "..", which are gone

  bool ok() const { return outcome == PathOutcome::ok; }
};

// Whether "%2F" is a mistake, since no file name holds a '/', or as good as one, or three bytes of
// a name, which may be of any length then.
enum class EncodedSlash : std::uint8_t { refused, separates, kept };

// Undoes percent-encoding, exactly once, then removes "." and ".." (RFC 3986, 5.2.4) and empty
// segments. The result begins with '/', has no segment that is empty, "." or "..", and ends with
// '/' if the path named a directory: by a last '/', "." or "..". It may hold any other byte, as
// file names do. `buffer` needs room for raw_path.size() bytes.
//
// Slashes are merged first, as the kernel would: "/a//../b" is "/b".
[[nodiscard]] DecodedPath decode_path(std::string_view raw_path, std::span<char> buffer,
                                      EncodedSlash slashes = EncodedSlash::refused);

// The decoded path for openat2() relative to the document root: without the first '/', "." for the
// root. A last '/' stays, so that a file named as a directory is ENOTDIR.
std::string_view relative_path(std::string_view decoded_path);

}  // namespace perchild::http1
