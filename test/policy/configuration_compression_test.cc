// "compression", as a vhost or "defaults" may have it.
#include "policy/configuration_compression.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "policy/json_tree.h"

namespace perchild::test::configuration_compression_test {
namespace {

struct Read {
  CompressionSettings settings;
  std::string told;  // sentences, a line each
};

Read read_over(CompressionSettings settings, const std::string& json) {
  Read read{std::move(settings), {}};
  std::vector<Mistake> mistakes;
  const auto document =
      JsonDocument::parse("perchild.json", "{\"compression\": " + json + "}", mistakes);
  EXPECT_NE(document, nullptr);
  Report report(mistakes);
  read_compression(report, *document->root().find("compression"), read.settings);
  for (const Mistake& mistake : mistakes) read.told += mistake.sentence + "\n";
  return read;
}

Read read(const std::string& json) {
  return read_over({}, json);
}

TEST(CompressionConfiguration, SetsWhatItNames) {
  const Read got = read(R"({ "precompressed": ["gzip", "zstd"], "on_the_fly": ["gzip"],
      "min_size": "2K", "gzip_level": 9, "brotli_quality": 0, "programs": true,
      "types": ["a/b", "model/*"] })");
  EXPECT_EQ(got.told, "");
  const CompressionSettings wanted{
      .precompressed = {ContentCoding::gzip, ContentCoding::zstd},
      .on_the_fly = {ContentCoding::gzip},
      .min_size = 2048,
      .gzip_level = 9,
      .brotli_quality = 0,
      .programs = true,
      .types = {"a/b", "model/*"},
  };
  EXPECT_EQ(got.settings, wanted);
}

TEST(CompressionConfiguration, LeavesWhatItDoesNotName) {
  const Read got = read(R"({ "gzip_level": 1 })");
  CompressionSettings wanted;
  wanted.gzip_level = 1;
  EXPECT_EQ(got.settings, wanted);
}

TEST(CompressionConfiguration, IsTurnedOffAndOnAsAWhole) {
  const Read off = read("false");
  EXPECT_TRUE(off.settings.precompressed.empty());
  EXPECT_TRUE(off.settings.on_the_fly.empty());
  EXPECT_EQ(read_over(off.settings, "true").settings, CompressionSettings{});
  const Read half = read(R"({ "precompressed": false })");
  EXPECT_TRUE(half.settings.precompressed.empty());
  EXPECT_FALSE(half.settings.on_the_fly.empty());
}

TEST(CompressionConfiguration, MistakesAreTold) {
  EXPECT_EQ(read(R"({ "levle": 3 })").told, "\"compression\" has no key \"levle\"\n");
  EXPECT_EQ(read(R"({ "on_the_fly": ["zstd"] })").told,
            "an element of \"on_the_fly\" must be \"br\" or \"gzip\"\n");
  EXPECT_EQ(read(R"({ "precompressed": true })").told,
            "\"precompressed\" must be an array, but is true or false\n");
  EXPECT_EQ(read(R"({ "gzip_level": 0 })").told,
            "\"gzip_level\" must be a whole number from 1 to 9\n");
  EXPECT_EQ(read(R"({ "brotli_quality": 11 })").told,
            "\"brotli_quality\" must be a whole number from 0 to 9\n");
  EXPECT_EQ(read(R"({ "programs": "php" })").told,
            "\"programs\" must be true or false, but is a string\n");
  EXPECT_EQ(read(R"({ "min_size": 0 })").told, "\"min_size\" must be a size from 1 to 1M\n");
  for (const std::string type : {"text", "/x", "x/", "a/b c", "*/x", "a/b*"}) {
    EXPECT_EQ(read("{ \"types\": [\"" + type + "\"] }").told,
              "\"" + type + "\" is not a content type\n");
  }
  EXPECT_EQ(read("3").told, "\"compression\" must be an object, but is a number\n");
}

}  // namespace
}  // namespace perchild::test::configuration_compression_test
