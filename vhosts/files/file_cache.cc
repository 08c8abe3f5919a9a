#include "vhosts/files/file_cache.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <new>

#include "vhosts/files/compression.h"
#include "vhosts/files/content_types.h"
#include "vhosts/files/encoder.h"
#include "vhosts/files/mime.h"

namespace perchild::files {
namespace {

// Within this time of a file's ctime, a further change may show in nothing that fstat tells. The
// kernel's clock of time stamps stands still for up to 10 ms, and write(2) stamps a file before the
// bytes arrive in it: a reader between the two has new facts and old bytes.
constexpr std::int64_t settling_ns = 100'000'000;

// Its place in the index, and what malloc adds to the file's block.
constexpr std::size_t overhead = sizeof(CachedFile) + 32;

Timestamp coarse_now() {
  ::timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return {now.tv_sec, now.tv_nsec};
}

// True if all that happens to the file from `now` on changes its ctime.
bool has_settled(const FileFacts& facts, Timestamp now) {
  constexpr std::int64_t ns_per_second = 1'000'000'000;
  const std::int64_t seconds = now.sec - facts.ctime.sec;
  if (seconds > 1) return true;
  if (seconds < 0) return false;  // the clock was set back
  return seconds * ns_per_second + now.nsec - facts.ctime.nsec > settling_ns;
}

// True if all of the file's bytes, as many as its facts say, are in `into`.
bool read_body(const Opened& opened, char* into) {
  const auto size = static_cast<std::size_t>(opened.facts.size);
  std::size_t done = 0;
  while (done < size) {
    const ::ssize_t got =
        ::pread64(opened.fd.get(), into + done, size - done, static_cast<::off64_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    done += static_cast<std::size_t>(got);
  }
  return true;
}

std::string_view name_of(std::size_t chosen, const FileRules& rules) {
  return chosen == no_index ? std::string_view() : std::string_view(rules.index[chosen]);
}

}  // namespace

PinnedFile CachedFile::make(std::string_view path, const FieldLines& lines,
                            const FileFacts& facts) {
  const std::string_view fields = lines.all();
  const std::size_t size = path.size() + fields.size() + static_cast<std::size_t>(facts.size);
  void* const memory = ::operator new(sizeof(CachedFile) + size, std::nothrow);
  if (memory == nullptr) return {};
  CachedFile* const file = ::new (memory) CachedFile;
  file->facts_ = facts;
  file->path_length_ = static_cast<std::uint32_t>(path.size());
  file->fields_length_ = static_cast<std::uint32_t>(fields.size());
  file->marks_ = lines.marks();
  char* const end_of_path = std::copy(path.begin(), path.end(), file->text());
  std::copy(fields.begin(), fields.end(), end_of_path);
  return PinnedFile(file);
}

void CachedFile::drop_pin() {
  if (--pins_ != 0) return;
  for (CachedFile* encoded : encoded_) {
    if (encoded != nullptr) encoded->drop_pin();
  }
  this->~CachedFile();
  ::operator delete(this);
}

FileCache::FileCache(const Docroot& docroot, Bounds bounds, std::uint64_t seed,
                     const CompressionSettings& compression)
    : docroot_(docroot), compression_(compression), bounds_(bounds), by_path_(seed) {}

FileCache::~FileCache() {
  clear();
}

void FileCache::clear() {
  while (oldest_ != nullptr) drop(*oldest_);
}

Answer FileCache::get(std::string_view path, const FileRules& rules, std::uint64_t turn) {
  CachedFile* const found = by_path_.find(path);
  if (found == nullptr) return answer_read(path, rules, turn, docroot_.resolve(path, rules));
  CachedFile& file = *found;
  if (file.checked_ == turn) return answer_cached(file, rules);

  ++counters_.checks;
  // What has not settled yet is read again, each turn, until it has.
  bool unchanged = file.settled_ && docroot_.still_resolves(path, rules, file.index_, file.facts_);
  Resolved resolved;
  if (!unchanged) {
    resolved = docroot_.resolve(path, rules);
    unchanged = file.settled_ && resolved.opened.kind == Kind::file &&
                resolved.index == file.index_ && resolved.opened.facts == file.facts_;
  }
  if (unchanged) {
    file.checked_ = turn;
    return answer_cached(file, rules);
  }
  drop(file);
  return answer_read(path, rules, turn, std::move(resolved));
}

Answer FileCache::answer_cached(CachedFile& file, const FileRules& rules) {
  ++counters_.hits;
  if (&file != newest_) {
    unlink(file);
    link_newest(file);
  }
  Answer answer;
  answer.opened.kind = Kind::file;
  answer.cached = PinnedFile(&file);
  answer.index_name = name_of(file.index_, rules);
  return answer;
}

Answer FileCache::answer_read(std::string_view path, const FileRules& rules, std::uint64_t turn,
                              Resolved resolved) {
  Answer answer;
  answer.opened = std::move(resolved.opened);
  answer.index_name = name_of(resolved.index, rules);
  if (answer.opened.kind != Kind::file) return answer;

  const std::string_view name = answer.index_name.empty() ? path : answer.index_name;
  answer.content_type = rules.types == nullptr ? content_type_of(name) : rules.types->of(name);
  answer.coding = coding_of_name(name);
  PinnedFile pinned = read(path, answer);
  if (!pinned.has_value()) return answer;
  ++counters_.reads;
  CachedFile& file = *pinned.file_;
  file.checked_ = turn;
  file.index_ = resolved.index;
  insert(file);
  answer.cached = std::move(pinned);
  answer.opened.fd.reset();
  return answer;
}

PinnedFile FileCache::read(std::string_view path, Answer& answer) const {
  Opened& opened = answer.opened;
  if (opened.facts.size > largest_file) return {};
  // Before the first byte is read: of a settled file, what changes after this moment shows.
  const Timestamp now = coarse_now();
  const bool negotiated =
      answer.coding.empty() && is_negotiated(compression_, answer.content_type, opened.facts.size);
  const FileFields fields(opened.facts,
                          {.content_type = answer.content_type,
                           .length = opened.facts.size,
                           .coding = answer.coding,
                           .varies = negotiated},
                          now.sec);
  const std::size_t size =
      path.size() + fields.lines().all().size() + static_cast<std::size_t>(opened.facts.size);
  if (bounds_.files == 0 || size + overhead > bounds_.bytes) return {};

  PinnedFile pinned = CachedFile::make(path, fields.lines(), opened.facts);
  if (!pinned.has_value()) return {};
  CachedFile& file = *pinned.file_;
  file.is_negotiated_ = negotiated;
  const bool complete = read_body(opened, file.body_memory());
  // A body of one length and facts of another must not meet in a response.
  const FileStatus after = status_of(opened.fd.borrow());
  const bool steady = complete && after.error == 0 && after.facts == opened.facts;
  if (after.error == 0) opened.facts = after.facts;
  if (!steady) return {};
  file.settled_ = has_settled(file.facts_, now);
  return pinned;
}

PinnedFile FileCache::encoded(const PinnedFile& pinned, ContentCoding coding, ::time_t now) {
  CachedFile& file = *pinned.file_;
  if (file.not_worth_it_.has(coding)) return {};
  if (CachedFile* kept = file.encoded_[index_of(coding)]) return PinnedFile(kept);
  PinnedFile made = encode(file, coding, now);
  if (!made.has_value()) {
    file.not_worth_it_.add(coding);
  } else if (has(file)) {
    keep_encoded(file, coding, *made.file_);
  }
  return made;
}

PinnedFile FileCache::encode(const CachedFile& file, ContentCoding coding, ::time_t now) const {
  // The head grows by a Content-Encoding line: less than that is no gain.
  constexpr std::size_t least_gain = 32;
  const std::string_view body = file.body();
  if (body.size() <= least_gain) return {};
  std::vector<char> output(body.size() - least_gain);
  const std::size_t size = encode_whole(coding, compression_, body, output);
  if (size == 0) return {};
  const FileFields fields(file.facts_,
                          {.content_type = file.lines().content_type(),
                           .length = size,
                           .coding = coding_names[index_of(coding)],
                           .varies = true,
                           .made_on_the_fly = true},
                          now);
  FileFacts facts = file.facts_;
  facts.size = size;
  PinnedFile made = CachedFile::make({}, fields.lines(), facts);
  if (made.has_value()) std::copy_n(output.data(), size, made.file_->body_memory());
  return made;
}

bool FileCache::has(const CachedFile& file) const {
  return by_path_.find(file.path()) == &file;
}

// The file stays the newest of the cache: what makes room is older, or there is none to be made.
void FileCache::keep_encoded(CachedFile& file, ContentCoding coding, CachedFile& encoded) {
  const std::size_t cost = own_cost_of(encoded);
  if (cost_of(file) + cost > bounds_.bytes) return;
  unlink(file);
  link_newest(file);
  make_room(cost, 0);
  encoded.add_pin();
  file.encoded_[index_of(coding)] = &encoded;
  bytes_ += cost;
}

std::size_t FileCache::cost_of(const CachedFile& file) {
  std::size_t cost = own_cost_of(file);
  for (const CachedFile* encoded : file.encoded_) {
    if (encoded != nullptr) cost += own_cost_of(*encoded);
  }
  return cost;
}

std::size_t FileCache::own_cost_of(const CachedFile& file) {
  return overhead + file.path_length_ + file.fields_length_ +
         static_cast<std::size_t>(file.facts_.size);
}

void FileCache::make_room(std::size_t bytes, std::size_t files) {
  while (oldest_ != nullptr &&
         (bytes_ + bytes > bounds_.bytes || by_path_.size() + files > bounds_.files)) {
    ++counters_.evictions;
    drop(*oldest_);
  }
}

void FileCache::insert(CachedFile& file) {
  const std::size_t cost = cost_of(file);
  make_room(cost, 1);
  by_path_.insert(file);
  file.add_pin();
  bytes_ += cost;
  link_newest(file);
}

void FileCache::drop(CachedFile& file) {
  bytes_ -= cost_of(file);
  unlink(file);
  by_path_.erase(file);
  file.drop_pin();
}

void FileCache::link_newest(CachedFile& file) {
  file.newer_ = nullptr;
  file.older_ = newest_;
  (newest_ == nullptr ? oldest_ : newest_->newer_) = &file;
  newest_ = &file;
}

void FileCache::unlink(CachedFile& file) {
  (file.newer_ == nullptr ? newest_ : file.newer_->older_) = file.older_;
  (file.older_ == nullptr ? oldest_ : file.older_->newer_) = file.newer_;
}

}  // namespace perchild::files
