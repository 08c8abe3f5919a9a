#include "vhosts/tls/key_ring.h"

#include <gtest/gtest.h>

#include "test/vhosts/sites/configuration_samples.h"

namespace perchild::tls::key_ring_test {
namespace {

using Keys = std::vector<std::string_view>;

Configuration three_sites() {
  Configuration configuration =
      test::configuration_of({{"a.example"}, {"b.example"}, {"c.example"}});
  configuration.sites[0].certificates = {{{"chain"}, "rsa of a"}, {{"chain"}, "ec of a"}};
  configuration.sites[2].certificates = {{{"chain"}, "ec of c"}};
  return configuration;
}

TEST(KeyRing, HasEachSitesKeysInTheOrderOfItsCertificates) {
  const std::string packed = pack_key_ring(three_sites());
  const auto ring = KeyRing::unpack(packed);
  ASSERT_TRUE(ring);
  EXPECT_EQ(ring->keys_of(SiteId{0}), (Keys{"rsa of a", "ec of a"}));
  EXPECT_EQ(ring->keys_of(SiteId{1}), Keys{});
  EXPECT_EQ(ring->keys_of(SiteId{2}), Keys{"ec of c"});
  EXPECT_EQ(ring->keys_of(SiteId{3}), Keys{});
}

TEST(KeyRing, OfNoKeysHasNone) {
  const std::string packed = pack_key_ring(test::configuration_of({{"a.example"}}));
  const auto ring = KeyRing::unpack(packed);
  ASSERT_TRUE(ring);
  EXPECT_EQ(ring->keys_of(SiteId{0}), Keys{});
}

TEST(KeyRing, HasNoCertificate) {
  EXPECT_EQ(pack_key_ring(three_sites()).find("chain"), std::string::npos);
}

TEST(KeyRing, IsUnreadableOnceAnythingIsMissingOrTooMuch) {
  const std::string packed = pack_key_ring(three_sites());
  for (std::size_t length = 0; length < packed.size(); ++length) {
    EXPECT_FALSE(KeyRing::unpack(std::string_view(packed).substr(0, length))) << length;
  }
  EXPECT_FALSE(KeyRing::unpack(packed + "x"));
}

TEST(KeyRing, HasNoSiteTwice) {
  const std::string packed = pack_key_ring(three_sites());
  std::string twice = packed + packed.substr(sizeof(std::uint32_t));
  twice[0] = 4;  // sites
  EXPECT_FALSE(KeyRing::unpack(twice));
}

}  // namespace
}  // namespace perchild::tls::key_ring_test
