#include "vhosts/files/compression.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "vhosts/files/mime.h"

namespace perchild::files::compression_test {
namespace {

using http1::accepted_codings;

TEST(Compressible, TextInItsManyFormsIs) {
  const std::vector<std::string> none;
  for (const char* name :
       {"a.html", "a.css", "a.js", "a.json", "a.svg", "a.xml", "a.txt", "a.wasm", "a.atom", "a.rss",
        "a.xhtml", "a.csv", "a.ttf", "a.otf", "a.webmanifest", "a.ico", "a.bmp", "a.md"}) {
    EXPECT_TRUE(is_compressible(content_type_of(name), none)) << name << content_type_of(name);
  }
}

TEST(Compressible, WhatIsCompressedAlreadyIsNot) {
  const std::vector<std::string> none;
  for (const char* name : {"a.png", "a.jpg", "a.webp", "a.gif", "a.woff2", "a.woff", "a.zip",
                           "a.gz", "a.mp4", "a.mp3", "a.pdf", "a.docx", "a", "a.br", "a.zst"}) {
    EXPECT_FALSE(is_compressible(content_type_of(name), none)) << name << content_type_of(name);
  }
}

TEST(Compressible, ASiteCanAddTypes) {
  const std::vector<std::string> more{"application/x-data", "model/*"};
  EXPECT_TRUE(is_compressible("application/x-data", more));
  EXPECT_TRUE(is_compressible("Application/X-Data; a=b", more));
  EXPECT_TRUE(is_compressible("model/obj", more));
  EXPECT_FALSE(is_compressible("application/x-data2", more));
  EXPECT_FALSE(is_compressible("models/obj", more));
}

TEST(Negotiated, OnlyWhatCouldBeSentInAnotherForm) {
  const CompressionSettings all;
  EXPECT_TRUE(is_negotiated(all, "text/html", 10));
  EXPECT_FALSE(is_negotiated(all, "image/png", 100'000));
  CompressionSettings made = all;
  made.precompressed = {};
  EXPECT_FALSE(is_negotiated(made, "text/html", made.min_size - 1));
  EXPECT_TRUE(is_negotiated(made, "text/html", made.min_size));
  made.on_the_fly = {};
  EXPECT_FALSE(is_negotiated(made, "text/html", 100'000));
}

// "br zstd gzip", a '*' behind what is made on the fly.
std::string forms_of(std::string_view accept_encoding, bool may_be_made = true,
                     const CompressionSettings& settings = {}) {
  std::string text;
  for (const EncodedForm& form :
       EncodedForms(accepted_codings(accept_encoding), settings, may_be_made)) {
    if (!text.empty()) text += ' ';
    text += std::string(coding_names[index_of(form.coding)]) + (form.on_the_fly ? "*" : "");
  }
  return text;
}

TEST(EncodedForms, WhatIsReadyGoesBeforeWhatMustBeMade) {
  EXPECT_EQ(forms_of("gzip, deflate, br, zstd"), "br zstd gzip br* gzip*");
  EXPECT_EQ(forms_of("gzip, deflate, br, zstd", false), "br zstd gzip");
  EXPECT_EQ(forms_of("gzip"), "gzip gzip*");
  EXPECT_EQ(forms_of(""), "");
}

TEST(EncodedForms, TheClientsPreferenceDecidesFirst) {
  EXPECT_EQ(forms_of("gzip;q=1, br;q=0.9"), "gzip gzip* br br*");
  EXPECT_EQ(forms_of("zstd;q=0.001, br;q=0.002"), "br br* zstd");
}

TEST(EncodedForms, WhatIsRefusedOrLikedLessThanThePlainFileIsNotTried) {
  EXPECT_EQ(forms_of("gzip;q=0, *"), "br zstd br*");
  EXPECT_EQ(forms_of("identity, gzip;q=0.5, br"), "br br*");
  EXPECT_EQ(forms_of("identity;q=0, gzip;q=0.001"), "gzip gzip*");
}

TEST(EncodedForms, OnlyWhatTheSiteHasTurnedOn) {
  CompressionSettings settings;
  settings.precompressed = {ContentCoding::zstd};
  settings.on_the_fly = {ContentCoding::gzip};
  EXPECT_EQ(forms_of("*", true, settings), "zstd gzip*");
}

}  // namespace
}  // namespace perchild::files::compression_test
