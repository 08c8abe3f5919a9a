#include "vhosts/http1/path.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace perchild::http1::path_test {
namespace {

using namespace std::string_literals;

struct Decoded {
  PathOutcome outcome;
  std::string path;
};

Decoded decode(const std::string& raw) {
  std::vector<char> buffer(raw.size());
  const DecodedPath decoded = decode_path(raw, buffer);
  return {decoded.outcome, std::string(decoded.path)};
}

void expect_refused(const std::vector<std::string>& paths, PathOutcome outcome, int status) {
  EXPECT_EQ(status_of(outcome), status);
  for (const std::string& raw : paths) {
    const Decoded decoded = decode(raw);
    EXPECT_EQ(decoded.outcome, outcome) << raw;
    EXPECT_TRUE(decoded.path.empty()) << raw;
  }
}

TEST(Path, IsDecodedAndItsDotsAndSlashesRemoved) {
  const std::pair<const char*, const char*> cases[] = {
      {"/", "/"},
      {"/a", "/a"},
      {"/a/", "/a/"},
      {"/a/b.html", "/a/b.html"},
      {"//", "/"},
      {"///a//b///", "/a/b/"},
      {"/.", "/"},
      {"/./", "/"},
      {"/a/.", "/a/"},
      {"/a/./b", "/a/b"},
      {"/a/..", "/"},
      {"/a/../", "/"},
      {"/a/../b", "/b"},
      {"/a/b/..", "/a/"},
      {"/a/b/../..", "/"},
      {"/a/b/c/./../../g", "/a/g"},
      {"/a//../b", "/b"},
      {"/%61", "/a"},
      {"/%2e/a", "/a"},
      {"/a/%2e%2E/b", "/b"},
      {"/a/.%2e/b", "/b"},
      {"/...", "/..."},
      {"/..a/.b./a..", "/..a/.b./a.."},
      {"/a%20b", "/a b"},
      {"/a+b", "/a+b"},
      {"/%3Fa%23", "/?a#"},
      {"/%5c..%5c", "/\\..\\"},
      {"/%c3%A4\xff%80", "/\xc3\xa4\xff\x80"},
  };
  for (const auto& [raw, path] : cases) {
    const Decoded decoded = decode(raw);
    EXPECT_EQ(decoded.outcome, PathOutcome::ok) << raw;
    EXPECT_EQ(decoded.path, path) << raw;
  }
}

TEST(Path, IsDecodedExactlyOnce) {
  EXPECT_EQ(decode("/%2561").path, "/%61");
  EXPECT_EQ(decode("/%252e%252e/a").path, "/%2e%2e/a");
  EXPECT_EQ(decode("/a/%252F").path, "/a/%2F");
}

TEST(Path, AboveTheRootIsAnswered400) {
  expect_refused({"/..", "/../", "/../a", "/a/../..", "/a/../../b", "/./..", "//..", "/%2e%2e",
                  "/.%2E/a", "/a/../%2e./b", "/a//../../b"},
                 PathOutcome::above_root, 400);
}

TEST(Path, AnEscapeThatIsNoneIsAnswered400) {
  expect_refused({"/%", "/%4", "/%4/", "/%zz", "/%4g", "/%g4", "/% 1", "/%+1", "/a%", "/%%41",
                  "/%0x", "/%u0041"},
                 PathOutcome::bad_escape, 400);
}

TEST(Path, ANulIsAnswered400) {
  expect_refused({"/%00", "/a.php%00.jpg", "/a\0b"s}, PathOutcome::nul_byte, 400);
}

TEST(Path, AControlCharacterIsAnswered400) {
  std::vector<std::string> paths = {"/%7f", "/%0d%0aSet-Cookie", "/\x7f"};
  for (int c = 1; c < 0x20; ++c) {
    paths.push_back("/a%"s + "01"[c / 16] + "0123456789abcdef"[c % 16]);
    paths.push_back("/a"s + static_cast<char>(c));
  }
  expect_refused(paths, PathOutcome::control_byte, 400);
}

TEST(Path, AnEncodedSlashIsAnswered404) {
  expect_refused({"/%2f", "/a%2Fb", "/..%2f..%2fetc/passwd", "/%2F"}, PathOutcome::encoded_slash,
                 404);
}

TEST(Path, ANameLongerThanAnyFilesIsAnswered404) {
  const std::string longest(max_name_bytes, 'n');
  EXPECT_EQ(decode("/" + longest + "/" + longest).path, "/" + longest + "/" + longest);
  expect_refused({"/" + longest + "n", "/a/" + longest + "n/b"}, PathOutcome::name_too_long, 404);
}

TEST(Path, WhatDoesNotBeginWithASlashIsAnswered400) {
  expect_refused({"", "*", "a", "%2Fa", "."}, PathOutcome::not_rooted, 400);
}

TEST(Path, ABufferOfTheRawSizeIsNeededAndEnough) {
  std::vector<char> buffer(4);
  EXPECT_EQ(decode_path("/a/b", buffer).path, "/a/b");
  EXPECT_EQ(decode_path("/a/bc", buffer).outcome, PathOutcome::buffer_too_small);
}

TEST(Path, RelativeToTheRootHasNoFirstSlash) {
  EXPECT_EQ(relative_path("/"), ".");
  EXPECT_EQ(relative_path("/a"), "a");
  EXPECT_EQ(relative_path("/a/b/"), "a/b/");
}

rc::Gen<std::string> raw_path() {
  const auto part =
      rc::gen::element<std::string>("/", ".", "..", "%2e", "a", "b", "%41", "//", "c");
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(part),
                      [](const std::vector<std::string>& parts) {
                        std::string path = "/";
                        for (const std::string& p : parts) path += p;
                        return path;
                      });
}

RC_GTEST_PROP(Path, IsWhatLexicalNormalisationOfTheDecodedBytesGives, ()) {
  std::string raw = *raw_path();
  const Decoded decoded = decode(raw);
  for (const auto& [escape, c] : {std::pair{"%2e", "."}, std::pair{"%41", "A"}}) {
    for (std::size_t at; (at = raw.find(escape)) != std::string::npos;) raw.replace(at, 3, c);
  }
  raw.erase(0, std::min(raw.find_first_not_of('/'),
                        raw.size()));  // "//" at the front has a meaning of its own in C++
  raw.insert(0, 1, '/');
  int depth = 0;
  for (const auto& name : std::filesystem::path(raw).relative_path()) {
    if (name == "..") --depth;
    if (name != ".." && name != "." && name != "") ++depth;
    if (depth < 0) break;
  }
  RC_ASSERT((decoded.outcome == PathOutcome::above_root) == (depth < 0));
  if (depth >= 0) RC_ASSERT(decoded.path == std::filesystem::path(raw).lexically_normal().string());
}

TEST(Path, AnEncodedSlashSeparatesWhereThisIsAskedFor) {
  std::array<char, 64> buffer;
  const auto decode = [&](std::string_view raw) {
    return decode_path(raw, buffer, EncodedSlash::separates);
  };
  EXPECT_EQ(decode("/a%2Fb%2f/c").path, "/a/b/c");
  EXPECT_EQ(decode("/a%2F..%2Fb").path, "/b");
  EXPECT_TRUE(decode("/a%2F..%2Fb").had_dot_segments);
  EXPECT_FALSE(decode("/a%2F.b..").had_dot_segments);
  EXPECT_EQ(decode("/a%2F..%2F..").outcome, PathOutcome::above_root);
  EXPECT_EQ(decode("/a%252F").path, "/a%2F");
  EXPECT_EQ(decode_path("/a%2Fb", buffer).outcome, PathOutcome::encoded_slash);
}

TEST(Path, AnEncodedSlashIsPartOfANameWhereThisIsAskedFor) {
  std::array<char, 1024> buffer;
  const auto decode = [&](std::string_view raw) {
    return decode_path(raw, buffer, EncodedSlash::kept);
  };
  EXPECT_EQ(decode("/a%2Fb%2f//c%20d").path, "/a%2Fb%2f/c d");
  EXPECT_EQ(decode("/a/..%2Fb/../c").path, "/a/c");
  EXPECT_EQ(decode("/%2F").path, "/%2F");
  EXPECT_EQ(decode("/a%2").outcome, PathOutcome::bad_escape);
  const std::string long_name = "/" + std::string(200, 'a') + "%2F" + std::string(200, 'a');
  EXPECT_EQ(decode(long_name).path, long_name);
}

TEST(Path, DotSegmentsAreToldOf) {
  std::array<char, 64> buffer;
  for (const char* raw : {"/.", "/a/..", "/a/%2e/b", "/a/./b"}) {
    EXPECT_TRUE(decode_path(raw, buffer).had_dot_segments) << raw;
  }
  for (const char* raw : {"/", "/a//b", "/...", "/.a/b."}) {
    EXPECT_FALSE(decode_path(raw, buffer).had_dot_segments) << raw;
  }
}

}  // namespace
}  // namespace perchild::http1::path_test
