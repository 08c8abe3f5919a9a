#include "vhosts/http1/accept_encoding.h"

#include <gtest/gtest.h>

#include <string>

namespace perchild::http1::accept_encoding_test {
namespace {

// "br zstd gzip identity", in thousandths.
std::string qualities(std::string_view field) {
  const AcceptedCodings accepted = accepted_codings(field);
  std::string text;
  for (const std::uint16_t quality : accepted.quality) text += std::to_string(quality) + " ";
  return text + std::to_string(accepted.identity);
}

TEST(AcceptEncoding, WithoutCodingsOnlyThePlainRepresentationIsWanted) {
  EXPECT_EQ(qualities(""), "0 0 0 1");
  EXPECT_EQ(qualities(" , ,"), "0 0 0 1");
  EXPECT_EQ(qualities("deflate, compress"), "0 0 0 1");
}

TEST(AcceptEncoding, BrowsersAreUnderstood) {
  EXPECT_EQ(qualities("gzip, deflate, br, zstd"), "1000 1000 1000 1");
  EXPECT_EQ(qualities("gzip, deflate"), "0 0 1000 1");
  EXPECT_EQ(qualities("GZIP,BR"), "1000 0 1000 1");
  EXPECT_EQ(qualities("x-gzip"), "0 0 1000 1");
}

TEST(AcceptEncoding, QualitiesAreRead) {
  EXPECT_EQ(qualities("br;q=0.5, gzip;q=0.875, zstd;q=1.000"), "500 1000 875 1");
  EXPECT_EQ(qualities("br ; q=0.1,gzip\t;\tQ=1."), "100 0 1000 1");
  EXPECT_EQ(qualities("gzip;q=0"), "0 0 0 1");
  EXPECT_EQ(qualities("gzip;q=0.000"), "0 0 0 1");
}

TEST(AcceptEncoding, AStarStandsForWhatIsNotNamed) {
  EXPECT_EQ(qualities("*"), "1000 1000 1000 1000");
  EXPECT_EQ(qualities("gzip;q=0, *;q=0.5"), "500 500 0 500");
  EXPECT_EQ(qualities("*;q=0.5, gzip;q=0"), "500 500 0 500");
  EXPECT_EQ(qualities("gzip, *;q=0"), "0 0 1000 0");
  EXPECT_EQ(qualities("identity, *;q=0"), "0 0 0 1000");
}

TEST(AcceptEncoding, ThePlainRepresentationCanBeRefused) {
  EXPECT_EQ(qualities("identity;q=0, gzip"), "0 0 1000 0");
  EXPECT_EQ(qualities("identity;q=0.5"), "0 0 0 500");
}

TEST(AcceptEncoding, MalformedElementsArePassedOver) {
  for (const char* bad : {"br;q=", "br;q=2", "br;q=1.001", "br;q=0.1234", "br;q=.5", "br;q=-1",
                          "br;q=0,5", "br;x=1", "br;", "br;q", "br;q=1;x=2", "b r", "br;q=1e3"}) {
    const std::string text = qualities(std::string(bad) + ", gzip");
    EXPECT_EQ(text, "0 0 1000 1") << bad;
  }
}

TEST(AcceptEncoding, TheLastOneCounts) {
  EXPECT_EQ(qualities("gzip, gzip;q=0"), "0 0 0 1");
}

}  // namespace
}  // namespace perchild::http1::accept_encoding_test
