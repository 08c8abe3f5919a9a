// Conditions and byte ranges, of files that the worker caches and of those that it sends as they
// are.
#include <gtest/gtest.h>

#include <cstdlib>

#include "test/system/requests.h"

namespace perchild::test::ranges_test {
namespace {

constexpr std::size_t large = 3 * 1024 * 1024;

std::string numbered(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; text.size() < size; ++i) text += std::to_string(i) + "\n";
  text.resize(size);
  return text;
}

class Ranges : public testing::TestWithParam<std::string> {
 protected:
  Ranges() : server_({.sites = {{"a.example", {{"small.bin", small_}, {"large.bin", large_}}}}}) {}

  const std::string& contents() const { return GetParam() == "/small.bin" ? small_ : large_; }
  HttpResponse with(const std::string& fields, const std::string& method = "GET") {
    return ask(server_, request("a.example", GetParam(), fields, method), method == "HEAD");
  }

  const std::string small_ = numbered(10'000);
  const std::string large_ = numbered(large);
  Server server_;
};

INSTANTIATE_TEST_SUITE_P(Files, Ranges, testing::Values("/small.bin", "/large.bin"));

TEST_P(Ranges, OnePartIsSentWithItsPlace) {
  const std::string size = std::to_string(contents().size());
  const HttpResponse middle = with("Range: bytes=1000-1999\r\n");
  EXPECT_EQ(middle.status, 206);
  EXPECT_EQ(middle.fields.at("content-range"), "bytes 1000-1999/" + size);
  EXPECT_EQ(middle.fields.at("content-length"), "1000");
  EXPECT_EQ(middle.fields.at("content-type"), "application/octet-stream");
  EXPECT_EQ(middle.body, contents().substr(1000, 1000));
  const HttpResponse end = with("Range: bytes=-7\r\n");
  EXPECT_EQ(end.status, 206);
  EXPECT_EQ(end.body, contents().substr(contents().size() - 7));
  const HttpResponse rest = with("Range: bytes=5000-\r\n");
  EXPECT_TRUE(rest.body == contents().substr(5000));
  EXPECT_TRUE(access_log_has(server_, 0, GetParam() + " HTTP/1.1\" 206 1000 "));
}

TEST_P(Ranges, SeveralPartsAreSentAsMultipart) {
  const HttpResponse response = with("Range: bytes=0-9,5000-5009,-5\r\n");
  EXPECT_EQ(response.status, 206);
  const std::string type = response.fields.at("content-type");
  const std::string wanted = "multipart/byteranges; boundary=";
  ASSERT_TRUE(type.starts_with(wanted)) << type;
  const std::string delimiter = "\r\n--" + type.substr(wanted.size());
  const std::string size = std::to_string(contents().size());
  const auto part = [&](std::size_t first, std::size_t last) {
    return delimiter + "\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes " +
           std::to_string(first) + "-" + std::to_string(last) + "/" + size + "\r\n\r\n" +
           contents().substr(first, last - first + 1);
  };
  EXPECT_EQ(response.body, part(0, 9) + part(5000, 5009) +
                               part(contents().size() - 5, contents().size() - 1) + delimiter +
                               "--\r\n");
  EXPECT_FALSE(response.fields.contains("content-range"));
}

TEST_P(Ranges, LargePartsAreSentWhole) {
  const std::size_t half = contents().size() / 2;
  const HttpResponse response =
      with("Range: bytes=" + std::to_string(half) + "-,0-" + std::to_string(half - 1) + "\r\n");
  EXPECT_EQ(response.status, 206);
  EXPECT_TRUE(contains(response.body, contents().substr(half) + "\r\n--"));
  EXPECT_TRUE(contains(response.body, contents().substr(0, half) + "\r\n--"));
}

TEST_P(Ranges, WhatLiesBehindTheEndIsAnswered416) {
  const HttpResponse response = with("Range: bytes=99999999-\r\n");
  EXPECT_EQ(response.status, 416);
  EXPECT_EQ(response.fields.at("content-range"), "bytes */" + std::to_string(contents().size()));
  EXPECT_TRUE(error_log_has(server_, 0, "the range lies outside of the file"));
}

TEST_P(Ranges, WhatIsNoRangeOrTooManyIsAnsweredWithEverything) {
  std::string many = "Range: bytes=0-0";
  for (int i = 1; i < 17; ++i) {
    many += "," + std::to_string(2 * i) + "-" + std::to_string(2 * i);
  }
  for (const std::string& field : {std::string("Range: bytes=5-1"), std::string("Range: lines=1-2"),
                                   many, std::string("Range: bytes=0-,0-,0-")}) {
    const HttpResponse response = with(field + "\r\n");
    EXPECT_EQ(response.status, 200) << field;
    EXPECT_TRUE(response.body == contents()) << field;
    EXPECT_EQ(response.fields.at("accept-ranges"), "bytes");
  }
}

TEST_P(Ranges, HeadHasTheFieldsOfAGetAndNoRanges) {
  const HttpResponse whole = with("");
  HttpResponse head = with("", "HEAD");
  EXPECT_EQ(head.status, 200);
  EXPECT_TRUE(head.body.empty());
  head.fields["date"] = whole.fields.at("date");
  EXPECT_EQ(head.fields, whole.fields);
  EXPECT_EQ(with("Range: bytes=0-1\r\n", "HEAD").status, 200) << "RFC 9110, 14.2";
}

TEST_P(Ranges, IfRangeAsksForTheRestOfTheSameFileOnly) {
  const std::string tag = with("").fields.at("etag");
  const std::string range = "Range: bytes=0-9\r\nIf-Range: ";
  EXPECT_EQ(with(range + tag + "\r\n").status, 206);
  EXPECT_EQ(with(range + "\"other\"\r\n").status, 200);
  EXPECT_EQ(with(range + "W/" + tag + "\r\n").status, 200);
  EXPECT_EQ(with(range + "Sun, 06 Nov 1994 08:49:37 GMT\r\n").status, 200);
}

TEST_P(Ranges, ConditionsGoBeforeRanges) {
  const std::string tag = with("").fields.at("etag");
  const std::string range = "Range: bytes=0-9\r\n";
  EXPECT_EQ(with(range + "If-None-Match: " + tag + "\r\n").status, 304);
  EXPECT_EQ(with(range + "If-Match: \"other\"\r\n").status, 412);
  EXPECT_EQ(with(range + "If-Match: " + tag + "\r\n").status, 206);
}

TEST_P(Ranges, ARequestAboutAnotherFileIsAnswered412) {
  const std::string tag = with("").fields.at("etag");
  for (const char* method : {"GET", "HEAD"}) {
    EXPECT_EQ(with("If-Match: \"other\"\r\n", method).status, 412);
    EXPECT_EQ(with("If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n", method).status, 412);
    EXPECT_EQ(with("If-Match: " + tag + "\r\n", method).status, 200);
    EXPECT_EQ(with("If-Match: *\r\nIf-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n", method)
                  .status,
              200);
  }
  EXPECT_TRUE(error_log_has(server_, 0, "the file is not the one that the request is about"));
}

TEST_P(Ranges, PartsOfManyRequestsKeepTheConnection) {
  Client client(server_.port());
  for (int i = 0; i < 50; ++i) {
    const std::size_t first = static_cast<std::size_t>(i) * 100;
    client.send(request(
        "a.example", GetParam(),
        "Range: bytes=" + std::to_string(first) + "-" + std::to_string(first + 99) + ",0-1\r\n"));
    const HttpResponse response = client.receive();
    ASSERT_EQ(response.status, 206);
    ASSERT_TRUE(contains(response.body, contents().substr(first, 100)));
  }
}

}  // namespace
}  // namespace perchild::test::ranges_test
