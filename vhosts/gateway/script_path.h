// Where in a decoded path a script may end, and its PATH_INFO begin (RFC 3875, 4.1.5). Only the
// file system knows which of these names is a script: the caller asks it, in this order, and takes
// the first that is a regular file. So "/upload.jpg/x.php" is nothing, unless there is such a file.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace perchild::gateway {

struct ScriptPath {
  std::string_view script;     // "/blog/index.php": SCRIPT_NAME
  std::string_view path_info;  // "/2024/spring", or empty
};

// The first candidate that is longer than the first `from` bytes of `path`: a name that ends in
// '.' and one of `extensions`, case ignored ("X.PHP" is not to be sent as text), with something
// before it. Go on with from = script.size(). `path` is as http1::decode_path makes it.
std::optional<ScriptPath> next_script_by_extension(std::string_view path,
                                                   std::span<const std::string> extensions,
                                                   std::size_t from = 0);

// Likewise any name below `directory` ("/cgi-bin"), in which everything is a script.
std::optional<ScriptPath> next_script_below(std::string_view path, std::string_view directory,
                                            std::size_t from = 0);

// Whether a file's name ends in '.' and one of `extensions`.
bool has_extension(std::string_view name, std::span<const std::string> extensions);

}  // namespace perchild::gateway
