// The one way from a request's path to a file: openat2(2) below the docroot's descriptor, so that
// the kernel itself keeps `..` and symbolic links inside, whoever renames what meanwhile.
//
// Symbolic links that stay below the docroot are followed as far as the site's rules allow;
// absolute ones and those that leave it are `forbidden`. Nothing here allocates, but for links of
// which the owner matters.
//
// Where not all links are followed, a file that has several names (link(2)) is served only if it is
// the site's user's own: of the other names, some may lie where another wants them not to be served
// from here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "policy/content_settings.h"
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
  FileFacts facts{};  // with Kind::file, and of a directory that could be opened
};

inline constexpr std::size_t no_index = ~std::size_t{0};

// What a request's path stands for.
struct Resolved {
  // Kind::directory: a directory without an index, for a path that ends in '/' or is empty; for
  // any other path a directory that wants the slash (301).
  Opened opened;
  std::size_t index = no_index;  // which of the index names was chosen
};

class ContentTypes;

// How the path of a request is looked up.
struct FileRules {
  std::span<const std::string> index{};  // the names to try in a directory, in order
  const ContentTypes* types = nullptr;   // none: those that are compiled in
  Symlinks symlinks = Symlinks::beneath;
};

class Docroot {
 public:
  // Takes an O_PATH or O_DIRECTORY descriptor, and the uid of the site's user.
  explicit Docroot(UniqueFd directory, std::uint32_t owner = 0)
      : directory_(std::move(directory)), owner_(owner) {}

  static Result<Docroot> at(const std::string& path);

  // Opens `path`, which is decoded and relative; "" is the docroot itself. Does not wait, be it a
  // FIFO or a leased file. One openat2 and one fstat if all is well.
  [[nodiscard]] Opened open(std::string_view path, Symlinks symlinks = Symlinks::beneath) const;

  // What is at `path`, without opening it: a Kind::file has its facts, but no descriptor, and need
  // not be readable.
  [[nodiscard]] Opened look_at(std::string_view path, Symlinks symlinks) const;

  // The directory at `path`, to be read. No value: errno says why.
  [[nodiscard]] UniqueFd open_directory(std::string_view path, Symlinks symlinks) const;

  // Like open(), but a directory named by "" or "dir/" becomes the first of `index` that is a file
  // in it. An index that cannot be opened ends the search: the next one is not what its owner
  // meant.
  [[nodiscard]] Resolved resolve(std::string_view path, const FileRules& rules) const;

  // Whether resolve() would find what it found before: the file of these facts, by the index name
  // of this number. One newfstatat if all is well, which costs a fourth of opening. False: it may
  // or may not, resolve() knows.
  [[nodiscard]] bool still_resolves(std::string_view path, const FileRules& rules,
                                    std::size_t index, const FileFacts& facts) const;

 private:
  UniqueFd directory_;
  std::uint32_t owner_;
};

}  // namespace perchild::files
