// The one way from a request's path to a file: openat2(2) below the docroot's descriptor, so that
// the kernel itself keeps `..` and symbolic links inside, whoever renames what meanwhile.
//
// Symbolic links that stay below the docroot are followed; absolute ones and those that leave it
// are `forbidden`. Nothing here allocates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "privsep/result.h"
#include "privsep/unique_fd.h"
#include "vhosts/files/file_facts.h"

namespace perchild::files {

enum class Kind : std::uint8_t {
  file,       // a regular file, open for reading
  directory,  // there, nothing open
  not_found,
  forbidden,  // no permission, or a link out of the docroot
  special,    // a FIFO, socket or device: never served
  error,      // the machine's fault: errno in `error`
};

struct Opened {
  Kind kind = Kind::not_found;
  int error = 0;
  UniqueFd fd{};      // with Kind::file
  FileFacts facts{};  // with Kind::file
};

inline constexpr std::size_t no_index = ~std::size_t{0};

// What a request's path stands for.
struct Resolved {
  // Kind::directory: a directory without an index, for a path that ends in '/' or is empty; for
  // any other path a directory that wants the slash (301).
  Opened opened;
  std::size_t index = no_index;  // which of the index names was chosen
};

// How the path of a request is looked up.
struct FileRules {
  std::span<const std::string> index{};  // the names to try in a directory, in order
};

class Docroot {
 public:
  // Takes an O_PATH or O_DIRECTORY descriptor.
  explicit Docroot(UniqueFd directory) : directory_(std::move(directory)) {}

  static Result<Docroot> at(const std::string& path);

  // Opens `path`, which is decoded and relative; "" is the docroot itself. Does not wait, be it a
  // FIFO or a leased file. One openat2 and one fstat if all is well.
  [[nodiscard]] Opened open(std::string_view path) const;

  // Like open(), but a directory named by "" or "dir/" becomes the first of `index` that is a file
  // in it. An index that cannot be opened ends the search: the next one is not what its owner
  // meant.
  [[nodiscard]] Resolved resolve(std::string_view path, std::span<const std::string> index) const;

 private:
  UniqueFd directory_;
};

}  // namespace perchild::files
