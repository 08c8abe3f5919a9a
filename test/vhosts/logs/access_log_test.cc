#include "vhosts/logs/access_log.h"

#include <fcntl.h>

#include <nlohmann/json.hpp>
#include <string>

#include "test/vhosts/files/scratch.h"
#include "test/vhosts/logs/lines.h"

namespace perchild::logs::access_log_test {
namespace {

using perchild::test::lines_of;

class AccessLogTest : public ::testing::Test {
 protected:
  AccessLogTest()
      : file_(::open(scratch_.path("log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
                     0644)) {}

  // The one line that this record makes, without its "\n" and with its time as "T".
  std::string line_of(const AccessRecord& record) {
    log_.add(record);
    log_.flush();
    std::string text = scratch_.read("log");
    EXPECT_EQ(::ftruncate(file_.get(), 0), 0);
    const auto lines = lines_of(text);
    if (lines.size() != 1) return std::to_string(lines.size()) + " lines";
    const std::string time(clock_.combined());
    const std::string& line = lines.front();
    const std::size_t at = line.find(time);
    if (at == std::string::npos) return "<no time>";
    std::string without = line.substr(0, at);
    without += 'T';
    without += line.substr(at + time.size());
    return without;
  }

  perchild::test::Scratch scratch_;
  UniqueFd file_;
  LogClock clock_{1'795'489'200};
  AccessLog log_{file_.borrow(), clock_};
};

const AccessRecord usual{.host = "192.0.2.1",
                         .method = "GET",
                         .target = "/x?y",
                         .protocol = "HTTP/1.1",
                         .status = 200,
                         .body_bytes = 612,
                         .referer = "https://example.org/",
                         .user_agent = "curl/8"};

TEST_F(AccessLogTest, LineIsInTheCombinedFormat) {
  EXPECT_EQ(line_of(usual),
            R"(192.0.2.1 - - [T] "GET /x?y HTTP/1.1" 200 612 "https://example.org/" "curl/8")");
}

TEST_F(AccessLogTest, AUserIsOneFieldWhateverHisName) {
  AccessRecord record = usual;
  record.user = "alice";
  EXPECT_EQ(line_of(record).substr(0, 22), "192.0.2.1 - alice [T] ");
  record.user = "a] \"b\nc";
  EXPECT_EQ(line_of(record).substr(0, 31), R"(192.0.2.1 - "a] \x22b\x0Ac" [T])");
}

TEST_F(AccessLogTest, WhatIsAbsentIsADash) {
  EXPECT_EQ(line_of({.status = 408}), R"(- - - [T] "-" 408 - "-" "-")");
  EXPECT_EQ(line_of({.host = "::1", .target = "rubbish", .status = 400}),
            R"(::1 - - [T] "rubbish" 400 - "-" "-")");
  EXPECT_EQ(line_of({.host = "::1", .method = "GET", .status = 400}),
            R"(::1 - - [T] "GET" 400 - "-" "-")");
}

TEST_F(AccessLogTest, ClientCannotForgeALineOrAField) {
  AccessRecord hostile = usual;
  hostile.method = "G\"T";
  hostile.target = "/\r\n192.0.2.9 - -";
  hostile.protocol = "HTTP\x1b[2J";
  hostile.referer = "\" 200 1 \"";
  hostile.user_agent = "\xc2\x9b\\";
  EXPECT_EQ(line_of(hostile),
            R"(192.0.2.1 - - [T] "G\x22T /\x0D\x0A192.0.2.9 - - HTTP\x1B[2J" 200 612 )"
            R"("\x22 200 1 \x22" "\xC2\x9B\x5C")");
}

TEST_F(AccessLogTest, EveryFieldHasItsBound) {
  const std::string endless(100'000, '\x01');
  const std::string line = line_of({.host = "2001:db8:1111:2222:3333:4444:5555:6666",
                                    .method = endless,
                                    .target = endless,
                                    .protocol = endless,
                                    .status = 599,
                                    .body_bytes = ~std::uint64_t{0},
                                    .referer = endless,
                                    .user_agent = endless});
  EXPECT_LT(line.size(), AccessLog::longest_line);
  EXPECT_GT(line.size(), AccessLog::longest_target + 2 * AccessLog::longest_field);
  EXPECT_NE(line.find("\\...\" 599 18446744073709551615 \""), std::string::npos);
  EXPECT_TRUE(line.ends_with("\\...\""));
}

TEST_F(AccessLogTest, TargetsUpToFourKibibytesAreWhole) {
  AccessRecord record = usual;
  const std::string target(AccessLog::longest_target, 'a');
  record.target = target;
  EXPECT_NE(line_of(record).find(" " + target + " "), std::string::npos);
  const std::string longer = target + "a";
  record.target = longer;
  EXPECT_EQ(line_of(record).find(target), std::string::npos);
}

class JsonAccessLogTest : public AccessLogTest {
 protected:
  // The line as it is, and what it means.
  std::string text_of(const AccessRecord& record) {
    AccessLog log(file_.borrow(), clock_, LogFormat::json);
    log.add(record);
    log.flush();
    std::string text = scratch_.read("log");
    EXPECT_EQ(::ftruncate(file_.get(), 0), 0);
    EXPECT_EQ(lines_of(text).size(), 1U);
    return text;
  }
  nlohmann::json object_of(const AccessRecord& record) {
    return nlohmann::json::parse(text_of(record));
  }
};

TEST_F(JsonAccessLogTest, LineIsAnObject) {
  AccessRecord record = usual;
  record.site = "a.example";
  record.bytes_in = 80;
  record.bytes_out = 800;
  record.microseconds = 1234;
  EXPECT_EQ(
      text_of(record),
      R"({"time":")" + std::string(clock_.iso()) +
          R"(","client":"192.0.2.1","user":null,"site":"a.example","method":"GET","target":"/x?y",)"
          R"("protocol":"HTTP/1.1","status":200,"body_bytes":612,"bytes_in":80,)"
          R"("bytes_out":800,"microseconds":1234,"referer":"https://example.org/",)"
          R"("user_agent":"curl/8"})"
          "\n");
}

TEST_F(JsonAccessLogTest, WhatIsAbsentIsNull) {
  const auto object = object_of({.status = 408});
  for (const char* key :
       {"client", "user", "site", "method", "target", "protocol", "referer", "user_agent"}) {
    EXPECT_TRUE(object.at(key).is_null()) << key;
  }
  EXPECT_EQ(object.at("status"), 408);
  EXPECT_EQ(object.at("body_bytes"), 0);
}

TEST_F(JsonAccessLogTest, ClientCannotForgeALineOrAField) {
  AccessRecord hostile = usual;
  hostile.target = "/\",\"status\":500,\"x\":\"\r\n{}";
  hostile.referer = "\\\",\"client\":\"192.0.2.9";
  hostile.user_agent = "\x1b[2J\xc3(\xff";
  const auto object = object_of(hostile);
  EXPECT_EQ(object.size(), 14U);
  EXPECT_EQ(object.at("status"), 200);
  EXPECT_EQ(object.at("client"), "192.0.2.1");
  EXPECT_EQ(object.at("target"), std::string(hostile.target));
  EXPECT_EQ(object.at("referer"), std::string(hostile.referer));
  EXPECT_EQ(object.at("user_agent"), "\x1b[2J\u00c3(\u00ff");  // a character for each byte
  for (const char c : text_of(hostile)) EXPECT_TRUE((c >= 0x20 && c < 0x7f) || c == '\n');
}

TEST_F(JsonAccessLogTest, EveryFieldHasItsBoundAndItsMark) {
  const std::string endless(100'000, '\x01');
  const AccessRecord record{.host = endless,
                            .method = endless,
                            .target = endless,
                            .protocol = endless,
                            .status = 599,
                            .body_bytes = ~std::uint64_t{0},
                            .referer = endless,
                            .user_agent = endless,
                            .site = endless,
                            .bytes_in = ~std::uint64_t{0},
                            .bytes_out = ~std::uint64_t{0},
                            .microseconds = ~std::uint64_t{0}};
  EXPECT_LT(text_of(record).size(), AccessLog::longest_line);
  const auto object = object_of(record);
  EXPECT_EQ(object.at("microseconds"), ~std::uint64_t{0});
  for (const char* key : {"method", "target", "protocol", "referer", "user_agent", "site"}) {
    EXPECT_TRUE(object.at(key).get<std::string>().ends_with("\u2026")) << key;
  }
}

TEST_F(AccessLogTest, LostLinesAreCounted) {
  const UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  AccessLog log(full.borrow(), clock_);
  for (int i = 0; i < 2'000; ++i) log.add(usual);
  const UniqueFd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  ASSERT_GE(::dup3(null.get(), full.get(), O_CLOEXEC), 0);
  log.flush();
  EXPECT_GT(log.take_lost(), 1'000U);
}

}  // namespace
}  // namespace perchild::logs::access_log_test
