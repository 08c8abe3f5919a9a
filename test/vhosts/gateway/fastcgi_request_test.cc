#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "vhosts/gateway/fastcgi_record.h"

namespace perchild::gateway::fastcgi_request_test {
namespace {

using namespace std::string_literals;
using Pairs = std::vector<std::pair<std::string, std::string>>;

struct Record {
  int type;
  std::string content;
};

std::size_t number(std::string_view bytes) {
  std::size_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

// Reads records as a program does; none if they are none.
std::vector<Record> records_of(std::string_view bytes) {
  std::vector<Record> records;
  while (!bytes.empty()) {
    if (bytes.size() < 8 || bytes[0] != 1 || number(bytes.substr(2, 2)) != 1) return {};
    const std::size_t length = number(bytes.substr(4, 2));
    const std::size_t padding = number(bytes.substr(6, 1));
    if (bytes.size() < 8 + length + padding) return {};
    records.push_back({bytes[1], std::string(bytes.substr(8, length))});
    bytes.remove_prefix(8 + length + padding);
  }
  return records;
}

std::size_t take_length(std::string_view& bytes) {
  const std::size_t size = (bytes.at(0) & 0x80) != 0 ? 4 : 1;
  const std::size_t length = number(bytes.substr(0, size)) & 0x7fffffff;
  bytes.remove_prefix(size);
  return length;
}

Pairs pairs_of(std::string_view bytes) {
  Pairs pairs;
  while (!bytes.empty()) {
    const std::size_t name = take_length(bytes);
    const std::size_t value = take_length(bytes);
    pairs.emplace_back(bytes.substr(0, name), bytes.substr(name, value));
    bytes.remove_prefix(name + value);
  }
  return pairs;
}

std::string request_of(const Pairs& pairs, bool keep = true) {
  std::string out;
  FastCgiRequest request(out, keep);
  for (const auto& [name, value] : pairs) request.put(name, value);
  EXPECT_TRUE(request.finish());
  return out;
}

void expect_parameters(const Pairs& pairs) {
  const auto records = records_of(request_of(pairs));
  ASSERT_GE(records.size(), 2u);
  std::string stream;
  for (std::size_t i = 1; i < records.size(); ++i) {
    EXPECT_EQ(records[i].type, 4);
    // An empty record ends the stream: there is one, and it is the last.
    EXPECT_EQ(records[i].content.empty(), i + 1 == records.size());
    stream += records[i].content;
  }
  EXPECT_EQ(pairs_of(stream), pairs);
}

TEST(FastCgiRequest, BytesAreThoseOfTheSpecification) {
  EXPECT_EQ(request_of({{"A", "bc"}}),
            "\1\1\0\1\0\x8\0\0"
            "\0\1\1\0\0\0\0\0"
            "\1\4\0\1\0\5\0\0"
            "\1\2Abc"
            "\1\4\0\1\0\0\0\0"s);
}

TEST(FastCgiRequest, TheConnectionIsKeptOnlyIfThatIsAskedFor) {
  EXPECT_EQ(records_of(request_of({}, true))[0].content, "\0\1\1\0\0\0\0\0"s);
  EXPECT_EQ(records_of(request_of({}, false))[0].content, "\0\1\0\0\0\0\0\0"s);
}

TEST(FastCgiRequest, LengthsHaveTheirTwoForms) {
  for (const std::size_t length : {0u, 1u, 127u, 128u, 255u, 256u, 65'535u, 65'536u, 200'000u}) {
    expect_parameters({{"N", std::string(length, 'v')}, {std::string(length / 8, 'n'), ""}});
  }
}

TEST(FastCgiRequest, ParametersAreCutIntoRecordsAnywhere) {
  for (std::size_t length = 65'520; length < 65'545; ++length) {
    expect_parameters({{"A", std::string(length, 'a')}, {"BCD", "efg"}});
  }
}

TEST(FastCgiRequest, WithoutParametersTheyEndAtOnce) {
  expect_parameters({});
}

TEST(FastCgiRequest, MoreParametersThanThereMayBeAreSaidToBeSo) {
  std::string out;
  FastCgiRequest request(out, true);
  for (int i = 0; i < 1000; ++i) request.put("NAME", std::string(1000, 'v'));
  EXPECT_FALSE(request.finish());
  EXPECT_LT(out.size(), max_params_bytes + 1000);
}

TEST(FastCgiRequest, ItIsAppended) {
  std::string out = "before";
  FastCgiRequest request(out, true);
  request.put("A", "b");
  EXPECT_TRUE(request.finish());
  EXPECT_EQ(out, "before" + request_of({{"A", "b"}}));
}

TEST(FastCgiRequest, BodyRecordsAndAborts) {
  const auto text = [](const RecordHeader& header) {
    return std::string(header.data(), header.size());
  };
  EXPECT_EQ(text(body_record_header(0)), "\1\5\0\1\0\0\0\0"s);
  EXPECT_EQ(text(body_record_header(258)), "\1\5\0\1\1\2\0\0"s);
  EXPECT_EQ(text(body_record_header(max_record_content)), "\1\5\0\1\xff\xff\0\0"s);
  EXPECT_EQ(text(abort_record()), "\1\2\0\1\0\0\0\0"s);
  EXPECT_DEATH(body_record_header(max_record_content + 1), "");
}

RC_GTEST_PROP(FastCgiRequest, WhatIsPutIsReadByTheProgram, (const Pairs& pairs)) {
  expect_parameters(pairs);
}

}  // namespace
}  // namespace perchild::gateway::fastcgi_request_test
