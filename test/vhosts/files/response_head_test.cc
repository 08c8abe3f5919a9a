#include "vhosts/files/response_head.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

#include "test/vhosts/files/allocation_count.h"
#include "vhosts/files/error_pages.h"
#include "vhosts/files/mime.h"

namespace perchild::files::response_head_test {
namespace {

constexpr ::time_t year_2026 = 1'795'489'200;
const DateCache date(year_2026);
const FileFacts page{.size = 612, .mtime = {1, 0}};

using Buffer = std::array<char, usual_head_bytes>;

TEST(DateCacheTest, FollowsTheClock) {
  DateCache cache(year_2026);
  EXPECT_EQ(cache.line(), "Date: Tue, 24 Nov 2026 03:00:00 GMT\r\n");
  cache.update(year_2026);
  EXPECT_EQ(cache.line(), "Date: Tue, 24 Nov 2026 03:00:00 GMT\r\n");
  cache.update(year_2026 + 1);
  EXPECT_EQ(cache.line(), "Date: Tue, 24 Nov 2026 03:00:01 GMT\r\n");
  cache.update(year_2026);
  EXPECT_EQ(cache.line(), "Date: Tue, 24 Nov 2026 03:00:00 GMT\r\n");
}

TEST(ResponseHeadTest, HeadOfAFileIsAsPromisedByteForByte) {
  Buffer buffer;
  const FileFields fields(page, {.content_type = "text/html; charset=utf-8", .length = page.size},
                          year_2026);
  const std::size_t allocations = perchild::test::allocation_count();
  ResponseHead head(buffer, date);
  head.start(200, Persistence::keep_alive);
  head.add_fields(fields.lines().all());
  const std::string_view bytes = head.finish();
  EXPECT_EQ(perchild::test::allocation_count(), allocations);
  EXPECT_EQ(bytes,
            "HTTP/1.1 200 OK\r\n"
            "Server: perchild\r\n"
            "Date: Tue, 24 Nov 2026 03:00:00 GMT\r\n"
            "Content-Length: 612\r\n"
            "Content-Type: text/html; charset=utf-8\r\n"
            "Last-Modified: Thu, 01 Jan 1970 00:00:01 GMT\r\n"
            "Accept-Ranges: bytes\r\n"
            "ETag: \"3b9aca00-264\"\r\n"
            "\r\n");
}

TEST(ResponseHeadTest, PersistenceIsSaidWhereItDiffersFromTheVersionsDefault) {
  Buffer buffer;
  for (const auto& [persistence, line] :
       {std::pair{Persistence::close, "\r\nConnection: close\r\n"},
        std::pair{Persistence::keep_alive_stated, "\r\nConnection: keep-alive\r\n"}}) {
    ResponseHead head(buffer, date);
    head.start(200, persistence);
    EXPECT_NE(head.finish().find(line), std::string_view::npos);
  }
  ResponseHead head(buffer, date);
  head.start(200, Persistence::keep_alive);
  EXPECT_EQ(head.finish().find("Connection"), std::string_view::npos);
}

TEST(ResponseHeadTest, EveryStatusHasItsLine) {
  Buffer buffer;
  for (int status = 100; status < 600; ++status) {
    const std::string reason(reason_of(status));
    if (reason.empty()) continue;
    ResponseHead head(buffer, date);
    head.start(status, Persistence::keep_alive);
    const std::string line = "HTTP/1.1 " + std::to_string(status) + " " + reason + "\r\nServer: ";
    EXPECT_TRUE(head.finish().starts_with(line)) << status;
  }
}

TEST(ResponseHeadTest, FieldsAreAddedOneByOne) {
  Buffer buffer;
  ResponseHead head(buffer, date);
  head.start(200, Persistence::keep_alive);
  head.add("Content-Language", "de\tund en");
  head.add_number("Age", 18'446'744'073'709'551'615U);
  EXPECT_TRUE(head.finish().ends_with(
      "GMT\r\nContent-Language: de\tund en\r\nAge: 18446744073709551615\r\n\r\n"));
}

TEST(ResponseHeadTest, ControlCharacterInAValueFailsTheHead) {
  for (const char c : {'\r', '\n', '\0', '\x1b', '\x7f'}) {
    Buffer buffer;
    ResponseHead head(buffer, date);
    head.start(200, Persistence::keep_alive);
    head.add("X", std::string("a") + c + "b");
    EXPECT_EQ(head.finish(), "") << static_cast<int>(c);
  }
}

TEST(ResponseHeadTest, HeadThatDoesNotFitIsEmptyAndTheBufferIsNotOverrun) {
  std::string expected;
  for (std::size_t room = 0; room < 400; ++room) {
    std::string memory(room + 1, '#');
    ResponseHead head(std::span<char>(memory.data(), room), date);
    head.start(404, Persistence::close);
    head.add_fields(error_page(404).fields);
    const std::string_view bytes = head.finish();
    ASSERT_EQ(memory[room], '#') << room;
    if (bytes.empty()) {
      ASSERT_TRUE(expected.empty()) << "fits into less, but not into " << room;
      continue;
    }
    if (expected.empty()) {
      expected = bytes;
      ASSERT_EQ(bytes.size(), room);
    }
    ASSERT_EQ(bytes, expected);
  }
  EXPECT_FALSE(expected.empty());
}

const FieldLines lines_of_page(
    "Content-Length: 612\r\n"
    "Content-Type: text/css\r\n"
    "Accept-Ranges: bytes\r\n"
    "Vary: Accept-Encoding\r\n"
    "ETag: \"x\"\r\n",
    {.type = 21, .rest = 45, .vary = 67, .tag = 90});

std::string after_date(std::string_view head) {
  return std::string(head.substr(head.find("GMT\r\n") + 5));
}

TEST(NotModifiedHeadTest, HasTheTagAndWhatItDependsOnAndNoLength) {
  Buffer buffer;
  EXPECT_EQ(not_modified_head(buffer, date, Persistence::keep_alive, lines_of_page),
            "HTTP/1.1 304 Not Modified\r\n"
            "Server: perchild\r\n"
            "Date: Tue, 24 Nov 2026 03:00:00 GMT\r\n"
            "Vary: Accept-Encoding\r\n"
            "ETag: \"x\"\r\n"
            "\r\n");
}

TEST(PartialHeadTest, HasThePartsLengthAndPlace) {
  Buffer buffer;
  const std::string_view head = partial_head(buffer, date, Persistence::keep_alive, lines_of_page,
                                             {.first = 100, .last = 199}, 612);
  EXPECT_TRUE(head.starts_with("HTTP/1.1 206 Partial Content\r\n"));
  EXPECT_EQ(after_date(head),
            "Content-Length: 100\r\n"
            "Content-Range: bytes 100-199/612\r\n"
            "Content-Type: text/css\r\n"
            "Accept-Ranges: bytes\r\n"
            "Vary: Accept-Encoding\r\n"
            "ETag: \"x\"\r\n"
            "\r\n");
}

TEST(MultipartHeadTest, HasTheTypeThatNamesTheBoundary) {
  Buffer buffer;
  const std::string_view head =
      multipart_head(buffer, date, Persistence::keep_alive, lines_of_page, "abc", 1234);
  EXPECT_EQ(after_date(head),
            "Content-Length: 1234\r\n"
            "Content-Type: multipart/byteranges; boundary=abc\r\n"
            "Accept-Ranges: bytes\r\n"
            "Vary: Accept-Encoding\r\n"
            "ETag: \"x\"\r\n"
            "\r\n");
}

std::string location_of(std::string_view path, std::string_view query) {
  std::array<char, 4096> buffer;
  const std::string head(slash_redirect_head(buffer, date, Persistence::keep_alive, path, query));
  const std::size_t begin = head.find("\r\nLocation: ");
  if (begin == std::string::npos) return "<none>";
  return head.substr(begin + 12, head.find("\r\n", begin + 2) - begin - 12);
}

TEST(SlashRedirectTest, NamesTheDirectoryWithItsSlashAndQuery) {
  EXPECT_EQ(location_of("/dir", ""), "/dir/");
  EXPECT_EQ(location_of("/a/dir", "x=1&y=%20/?"), "/a/dir/?x=1&y=%20/?");
}

TEST(SlashRedirectTest, DecodedBytesAreEncodedAgain) {
  EXPECT_EQ(location_of("/a b%?#\"<\\\r\n\xc3\xa9", ""), "/a%20b%25%3F%23%22%3C%5C%0D%0A%C3%A9/");
  EXPECT_EQ(location_of("/-._~!$&'()*+,;=:@", ""), "/-._~!$&'()*+,;=:@/");
}

TEST(SlashRedirectTest, QueryCannotEndTheLine) {
  EXPECT_EQ(location_of("/d", "a\r\nSet-Cookie: x"), "/d/?a%0D%0ASet-Cookie:%20x");
}

TEST(SlashRedirectTest, NeverLeadsToAnotherHost) {
  EXPECT_EQ(location_of("//evil.example/dir", ""), "/evil.example/dir/");
  EXPECT_EQ(location_of("/\\evil.example", ""), "/%5Cevil.example/");
}

TEST(ErrorPagesTest, EveryErrorStatusHasAPageOfItsStatedLength) {
  for (const int status : {301, 400, 403, 404, 405, 408, 412, 413, 414, 416, 417, 421, 431, 500,
                           501, 502, 503, 504, 505}) {
    const ErrorPage& error = error_page(status);
    const std::string title = "<p class=\"code\">" + std::to_string(status) + "</p>\n<h1>" +
                              std::string(reason_of(status)) + "</h1>";
    EXPECT_NE(error.body.find(title), std::string_view::npos) << status;
    EXPECT_EQ(error.body.find('\0'), std::string_view::npos);
    EXPECT_TRUE(error.body.ends_with("</html>\n"));
    EXPECT_EQ(error.fields, "Content-Type: text/html; charset=utf-8\r\nContent-Length: " +
                                std::to_string(error.body.size()) +
                                "\r\nX-Content-Type-Options: nosniff\r\n");
  }
}

TEST(ErrorPagesTest, StatusWithoutAPageOfItsOwnGetsThatOf500) {
  EXPECT_EQ(error_page(418).body, error_page(500).body);
}

TEST(ErrorHeadTest, CarriesThePagesFieldsAndMore) {
  Buffer buffer;
  const std::string_view head = error_head(buffer, date, 405, Persistence::close, allow_of_files);
  EXPECT_TRUE(head.starts_with("HTTP/1.1 405 Method Not Allowed\r\n"));
  EXPECT_NE(head.find(error_page(405).fields), std::string_view::npos);
  EXPECT_TRUE(head.ends_with("\r\nAllow: GET, HEAD, OPTIONS\r\n\r\n"));
}

}  // namespace
}  // namespace perchild::files::response_head_test
