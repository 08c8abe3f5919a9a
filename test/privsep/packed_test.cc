#include "policy/packed.h"

#include <gtest/gtest.h>

namespace perchild::test::packed_test {
namespace {

std::string sample() {
  PackedWriter writer;
  writer.put(std::uint8_t{7});
  writer.put_text("text");
  writer.put(std::uint64_t{1} << 63);
  writer.put_text("");
  return writer.take();
}

bool reads(std::string_view bytes) {
  PackedReader reader(bytes);
  const bool same = reader.get<std::uint8_t>() == 7 && reader.get_text() == "text" &&
                    reader.get<std::uint64_t>() == std::uint64_t{1} << 63 &&
                    reader.get_text().empty();
  return same && reader.done();
}

TEST(Packed, IsReadAsItWasWritten) {
  EXPECT_TRUE(reads(sample()));
}

TEST(Packed, EveryTruncationAndEveryExtraByteFails) {
  const std::string bytes = sample();
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(reads(std::string_view(bytes).substr(0, length))) << length;
  }
  EXPECT_FALSE(reads(bytes + "x"));
}

TEST(Packed, ATextLongerThanTheRestFailsForGood) {
  PackedWriter writer;
  writer.put(std::uint32_t{5});
  writer.put(std::uint32_t{0x01010101});
  const std::string bytes = writer.take();
  PackedReader reader(bytes);
  EXPECT_EQ(reader.get_text(), "");
  EXPECT_TRUE(reader.failed());
  EXPECT_EQ(reader.get<std::uint32_t>(), 0u);
  EXPECT_EQ(reader.get_count(), 0u);
  EXPECT_FALSE(reader.done());
}

TEST(Packed, ACountIsNoLargerThanTheBytesThatFollow) {
  for (const std::uint32_t count : {4U, 5U, ~0U}) {
    PackedWriter writer;
    writer.put(count);
    writer.put(std::uint32_t{0});
    const std::string bytes = writer.take();
    PackedReader reader(bytes);
    EXPECT_EQ(reader.get_count(), count == 4 ? 4u : 0u);
    EXPECT_EQ(reader.failed(), count != 4);
  }
}

TEST(Packed, NothingIsReadFromNothing) {
  PackedReader reader("");
  EXPECT_TRUE(reader.done());
  EXPECT_EQ(reader.get<std::uint8_t>(), 0);
  EXPECT_FALSE(reader.done());
}

}  // namespace
}  // namespace perchild::test::packed_test
