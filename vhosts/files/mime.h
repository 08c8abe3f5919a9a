// Content types by file name, from Debian's media-types, compiled in.
#pragma once

#include <cstddef>
#include <string_view>

namespace perchild::files {

inline constexpr std::string_view default_content_type = "application/octet-stream";
inline constexpr std::size_t longest_content_type = 128;

// The value of Content-Type for a file of this name or path: by its last extension, case ignored;
// text has "; charset=utf-8". The contents are never looked at (no sniffing). Points into a
// constant.
std::string_view content_type_of(std::string_view path);

// The content coding that files of this name are in, whatever they are asked for with: "gzip" for
// "svgz", which is no type of its own. Else empty; "gz" is one, application/gzip.
std::string_view coding_of_name(std::string_view path);

// Without its dot; empty for "name", ".hidden" and "name.".
std::string_view extension_of(std::string_view path);

}  // namespace perchild::files
