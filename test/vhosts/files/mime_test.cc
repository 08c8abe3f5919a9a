#include "vhosts/files/mime.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace perchild::files::mime_test {
namespace {

TEST(MimeTest, WhatTheWebStandsOnHasItsType) {
  constexpr struct {
    std::string_view path;
    std::string_view type;
  } cases[] = {
      {"index.html", "text/html; charset=utf-8"},
      {"a/b.htm", "text/html; charset=utf-8"},
      {"style.css", "text/css; charset=utf-8"},
      {"app.js", "text/javascript; charset=utf-8"},
      {"app.mjs", "text/javascript; charset=utf-8"},
      {"app.js.map", "application/json"},
      {"readme.txt", "text/plain; charset=utf-8"},
      {"readme.md", "text/markdown; charset=utf-8"},
      {"data.json", "application/json"},
      {"feed.xml", "application/xml"},
      {"code.wasm", "application/wasm"},
      {"site.webmanifest", "application/manifest+json"},
      {"image.svg", "image/svg+xml"},
      {"image.svgz", "image/svg+xml"},
      {"image.png", "image/png"},
      {"image.jpg", "image/jpeg"},
      {"image.jpeg", "image/jpeg"},
      {"image.gif", "image/gif"},
      {"image.webp", "image/webp"},
      {"image.avif", "image/avif"},
      {"favicon.ico", "image/vnd.microsoft.icon"},
      {"font.woff", "font/woff"},
      {"font.woff2", "font/woff2"},
      {"paper.pdf", "application/pdf"},
      {"film.mp4", "video/mp4"},
      {"film.webm", "video/webm"},
      {"film.3gp", "video/3gpp"},
      {"stream.m3u8", "application/vnd.apple.mpegurl"},
      {"stream1.ts", "video/mp2t"},
      {"song.mp3", "audio/mpeg"},
      {"song.mid", "audio/midi"},
      {"feed.rss", "application/rss+xml"},
      {"feed.atom", "application/atom+xml"},
      {"api.yaml", "application/yaml"},
      {"archive.zip", "application/zip"},
      {"archive.tar.gz", "application/gzip"},
      {"sheet.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
  };
  for (const auto& each : cases) EXPECT_EQ(content_type_of(each.path), each.type) << each.path;
}

TEST(MimeTest, CaseOfTheExtensionIsIgnored) {
  EXPECT_EQ(content_type_of("INDEX.HTML"), content_type_of("index.html"));
  EXPECT_EQ(content_type_of("photo.JpG"), "image/jpeg");
}

TEST(MimeTest, FirstAndLastRowsOfTheTableAreFound) {
  EXPECT_EQ(content_type_of("x.123"), "application/vnd.lotus-1-2-3");
  EXPECT_EQ(content_type_of("x.zmm"), "application/vnd.HandHeld-Entertainment+xml");
}

TEST(MimeTest, WhatHasNoKnownExtensionIsOctets) {
  constexpr std::string_view paths[] = {"",
                                        "/",
                                        "name",
                                        "name.",
                                        ".html",
                                        "folder.html/name",
                                        "folder.html/.html",
                                        "x.nosuchtype",
                                        "x.\xff",
                                        "x.html ",
                                        {"x.html\0", 7}};
  for (const std::string_view path : paths) {
    EXPECT_EQ(content_type_of(path), default_content_type) << path;
  }
  EXPECT_EQ(content_type_of("x." + std::string(31, 'a')), default_content_type);
  EXPECT_EQ(content_type_of("x." + std::string(5'000, 'a')), default_content_type);
}

TEST(MimeTest, ANameSaysThatAPictureIsCompressed) {
  for (const char* path : {"a.svgz", "a/b.SvgZ", "a.svg.svgz"}) {
    EXPECT_EQ(coding_of_name(path), "gzip") << path;
  }
  for (const char* path :
       {"a.svg", "svgz", ".svgz", "a.svgz.svg", "a.svgz/b", "a.gz", "a.tar.gz"}) {
    EXPECT_EQ(coding_of_name(path), "") << path;
  }
}

TEST(MimeTest, ProgramsAreNotMarkedAsPages) {
  EXPECT_EQ(content_type_of("index.php"), default_content_type);
}

}  // namespace
}  // namespace perchild::files::mime_test
