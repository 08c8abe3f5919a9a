// Small files in memory, with the part of their response head that does not change, and with their
// encoded forms, which are made once and go with the file.
//
// A hit costs one newfstatat the first time in a turn of the worker's loop (where a link leads to
// the file, or the site says which links may, openat2, fstat and close besides), and nothing the
// other times in that turn. A change of the file, its permissions, a link on its path or the choice
// of a directory's index is noticed in the next turn.
//
// Known limits: a store through a shared mapping changes no time stamp until it is written back
// (msync(2)), and a network file system stamps by another machine's clock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "policy/compression_settings.h"
#include "privsep/unique_fd.h"
#include "vhosts/files/docroot.h"
#include "vhosts/files/file_facts.h"
#include "vhosts/files/file_fields.h"
#include "vhosts/files/file_index.h"

namespace perchild::files {

class PinnedFile;

// A file's head fields and body. One block of memory: this object, then path, fields and body.
class CachedFile {
 public:
  CachedFile(const CachedFile&) = delete;
  CachedFile& operator=(const CachedFile&) = delete;

  std::string_view path() const { return {text(), path_length_}; }
  FieldLines lines() const { return {{text() + path_length_, fields_length_}, marks_}; }
  std::string_view body() const {
    return {text() + path_length_ + fields_length_, static_cast<std::size_t>(facts_.size)};
  }
  const FileFacts& facts() const { return facts_; }
  // Whether its representation depends on Accept-Encoding.
  bool is_negotiated() const { return is_negotiated_; }

  // That there was no such file beside this one need not be asked again within a second: who has
  // just made one loses nothing.
  bool lacks_precompressed(ContentCoding coding, ::time_t now) const {
    return lacked_at_ == now && lacked_.has(coding);
  }
  void note_lack(ContentCoding coding, ::time_t now) const {
    if (lacked_at_ != now) lacked_ = {};
    lacked_at_ = now;
    lacked_.add(coding);
  }

 private:
  friend class FileCache;
  friend class FileIndex;
  friend class PinnedFile;
  CachedFile() = default;
  ~CachedFile() = default;

  // The body is left for the caller to fill in. No value if there is no memory.
  static PinnedFile make(std::string_view path, const FieldLines& lines, const FileFacts& facts);
  char* body_memory() { return text() + path_length_ + fields_length_; }
  void add_pin() { ++pins_; }
  void drop_pin();

  char* text() { return reinterpret_cast<char*>(this + 1); }
  const char* text() const { return reinterpret_cast<const char*>(this + 1); }

  FileFacts facts_;
  std::uint64_t checked_ = 0;  // the turn in which it was last compared with the file
  std::size_t index_ = no_index;
  CachedFile* newer_ = nullptr;
  CachedFile* older_ = nullptr;
  CachedFile* next_in_bucket_ = nullptr;
  std::array<CachedFile*, coding_count> encoded_{};  // pinned
  CodingSet not_worth_it_;                           // encoded forms that would be no smaller
  mutable CodingSet lacked_;
  mutable ::time_t lacked_at_ = 0;
  std::uint32_t pins_ = 0;  // responses that use it, and the cache itself
  std::uint32_t path_length_ = 0;
  std::uint32_t fields_length_ = 0;
  FieldLines::Marks marks_;
  bool is_negotiated_ = false;
  bool settled_ = false;  // a later change is bound to show in its facts
};

// Keeps a CachedFile for as long as a response uses it, whatever becomes of the cache. For one
// thread: the count is not atomic.
class PinnedFile {
 public:
  PinnedFile() = default;
  PinnedFile(PinnedFile&& other) noexcept : file_(std::exchange(other.file_, nullptr)) {}
  PinnedFile& operator=(PinnedFile&& other) noexcept {
    std::swap(file_, other.file_);
    return *this;
  }
  PinnedFile(const PinnedFile&) = delete;
  PinnedFile& operator=(const PinnedFile&) = delete;
  ~PinnedFile() {
    if (file_ != nullptr) file_->drop_pin();
  }

  bool has_value() const { return file_ != nullptr; }
  const CachedFile* operator->() const { return file_; }
  const CachedFile& operator*() const { return *file_; }

 private:
  friend class FileCache;
  friend class CachedFile;
  explicit PinnedFile(CachedFile* file) : file_(file) {
    if (file_ != nullptr) file_->add_pin();
  }
  CachedFile* file_ = nullptr;
};

// What a request is answered with.
struct Answer {
  // Kind::file: exactly one of `cached` (which has the facts) and `opened.fd` is there; the latter
  // for what is too large, or changes while it is read. Kind::directory: see Resolved.
  Opened opened;
  PinnedFile cached;
  std::string_view content_type;  // with `opened.fd`
  std::string_view coding;        // of the file itself, with `opened.fd`; see coding_of_name()
  // The name of the index that was chosen, among those asked for; empty if the path names the file
  // itself.
  std::string_view index_name;
};

class FileCache {
 public:
  struct Bounds {
    std::size_t bytes;  // of what the cache holds, its own overhead included
    std::size_t files = 16 * 1024;
  };
  struct Counters {
    std::uint64_t hits = 0;       // answered from memory
    std::uint64_t checks = 0;     // comparisons with the file
    std::uint64_t reads = 0;      // files read into memory
    std::uint64_t evictions = 0;  // dropped for want of room
  };
  static constexpr std::size_t largest_file = 64 * 1024;

  // `docroot` and `compression` outlive the cache. `seed`: see FileIndex.
  FileCache(const Docroot& docroot, Bounds bounds, std::uint64_t seed,
            const CompressionSettings& compression);
  FileCache(const FileCache&) = delete;
  FileCache& operator=(const FileCache&) = delete;
  ~FileCache();

  // `path`: decoded, normalised, relative to the docroot. `turn`: the number of the loop's turn,
  // which never goes back. `rules`: of one path always the same. A hit allocates nothing.
  [[nodiscard]] Answer get(std::string_view path, const FileRules& rules, std::uint64_t turn);

  // The same file in a coding, made now or before. None if that is no smaller. What does not fit
  // into the cache is made for this one response.
  [[nodiscard]] PinnedFile encoded(const PinnedFile& file, ContentCoding coding, ::time_t now);
  // Forgets all files; those that responses use last as long as these do.
  void clear();

  std::size_t bytes() const { return bytes_; }
  std::size_t files() const { return by_path_.size(); }
  const Counters& counters() const { return counters_; }

 private:
  Answer answer_cached(CachedFile& file, const FileRules& rules);
  Answer answer_read(std::string_view path, const FileRules& rules, std::uint64_t turn,
                     Resolved resolved);
  // The file of `answer` in memory, in no index yet. None if it cannot be kept; `answer.opened`
  // then says what it is now.
  PinnedFile read(std::string_view path, Answer& answer) const;

  PinnedFile encode(const CachedFile& file, ContentCoding coding, ::time_t now) const;
  bool has(const CachedFile& file) const;
  void keep_encoded(CachedFile& file, ContentCoding coding, CachedFile& encoded);
  static std::size_t own_cost_of(const CachedFile& file);
  static std::size_t cost_of(const CachedFile& file);  // with its encoded forms
  // Drops the oldest until there is.
  void make_room(std::size_t bytes, std::size_t files);
  void insert(CachedFile& file);
  void drop(CachedFile& file);
  void link_newest(CachedFile& file);
  void unlink(CachedFile& file);

  const Docroot& docroot_;
  const CompressionSettings& compression_;
  const Bounds bounds_;
  FileIndex by_path_;
  CachedFile* newest_ = nullptr;
  CachedFile* oldest_ = nullptr;
  std::size_t bytes_ = 0;
  Counters counters_;
};

}  // namespace perchild::files
