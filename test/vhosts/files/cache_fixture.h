// A docroot with a cache on it, and the loop whose turns the cache counts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "test/vhosts/files/scratch.h"
#include "vhosts/files/file_cache.h"

namespace perchild::files {

// scratch/root is the docroot.
class CacheTest : public ::testing::Test {
 protected:
  static constexpr std::uint64_t seed = 0x5eed;

  Docroot make_docroot() const {
    scratch_.make_directory("root");
    auto opened = Docroot::at(scratch_.path("root"));
    return opened.has_value() ? std::move(*opened) : Docroot(UniqueFd());
  }

  Answer get(std::string_view path) { return cache_.get(path, rules_, turn_); }
  Answer get_next_turn(std::string_view path) {
    ++turn_;
    return get(path);
  }

  // What a client would get: the body, or a word for what there is instead.
  static std::string body_of(const Answer& answer) {
    switch (answer.opened.kind) {
      case Kind::file:
        break;
      case Kind::directory:
        return "<directory>";
      case Kind::not_found:
        return "<not found>";
      case Kind::forbidden:
        return "<forbidden>";
      case Kind::special:
        return "<special>";
      case Kind::error:
        return "<error>";
    }
    if (answer.cached.has_value()) return std::string(answer.cached->body());
    std::string body(static_cast<std::size_t>(answer.opened.facts.size), '\0');
    const ::ssize_t got = ::pread(answer.opened.fd.get(), body.data(), body.size(), 0);
    return got == static_cast<::ssize_t>(body.size()) ? body : "<short>";
  }

  // The file is in the cache and trusted afterwards.
  void warm(std::string_view path, std::string_view name) {
    perchild::test::wait_until_settled(scratch_.path("root/" + std::string(name)));
    ASSERT_TRUE(get_next_turn(path).cached.has_value());
    const std::uint64_t reads = cache_.counters().reads;
    ASSERT_TRUE(get_next_turn(path).cached.has_value());
    ASSERT_EQ(cache_.counters().reads, reads) << "not settled";
  }

  perchild::test::Scratch scratch_;
  Docroot docroot_ = make_docroot();
  const std::vector<std::string> index_{"index.html", "index.php"};
  const FileRules rules_{.index = index_};
  const CompressionSettings compression_{};
  FileCache cache_{docroot_, {.bytes = 1024 * 1024}, seed, compression_};
  std::uint64_t turn_ = 1;
};

}  // namespace perchild::files
