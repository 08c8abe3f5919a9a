#include "vhosts/access/keyed_hash.h"

#include <gtest/gtest.h>

#include <string>

namespace perchild::access::keyed_hash_test {
namespace {

constexpr HashKey key{0x0706050403020100, 0x0f0e0d0c0b0a0908};

// As OpenSSL computes it: the key is 00 01 .. 0f, the input 00 01 .. of each length.
TEST(KeyedHash, IsSipHash) {
  const struct {
    std::size_t length;
    Hash128 hash;
  } vectors[] = {{0, {0xe6a825ba047f81a3, 0x930255c71472f66d}},
                 {1, {0x44af996bd8c187da, 0x45fc229b11597634}},
                 {7, {0x53c1dbd8beebf1a1, 0x3982f01fa64ab8c0}},
                 {8, {0x61f55862baa9623b, 0xb49714f364e2830f}},
                 {15, {0x11a8b03399e99354, 0xd9c3cf970fec087e}},
                 {16, {0xbb54b067caa4e26e, 0x77052385bf1533fd}},
                 {63, {0x4a83502f77d15051, 0x7cbd3f979a063e50}}};
  for (const auto& [length, hash] : vectors) {
    std::string input;
    for (std::size_t i = 0; i < length; ++i) input.push_back(static_cast<char>(i));
    EXPECT_EQ(keyed_hash(key, input), hash) << length;
  }
}

TEST(KeyedHash, IsAnotherWithAnotherKey) {
  EXPECT_FALSE(keyed_hash(key, "a") == keyed_hash({key[0] + 1, key[1]}, "a"));
  EXPECT_FALSE(keyed_hash(key, "a") == keyed_hash({key[0], key[1] + 1}, "a"));
}

}  // namespace
}  // namespace perchild::access::keyed_hash_test
