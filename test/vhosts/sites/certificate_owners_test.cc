#include "vhosts/sites/certificate_owners.h"

#include <gtest/gtest.h>

#include "test/vhosts/sites/configuration_samples.h"

namespace perchild::test::certificate_owners_test {
namespace {

// Whether a certificate for `names` is shared, of the first of these sites.
bool is_shared(std::vector<std::string> names,
               const std::vector<std::vector<std::string_view>>& sites) {
  Configuration configuration = configuration_of(sites);
  configuration.sites[0].certificate_names = std::move(names);
  return CertificateOwners(configuration).are_shared(configuration.sites[0]);
}

TEST(CertificateOwners, ACertificateForASitesOwnNamesIsItsOwn) {
  EXPECT_FALSE(is_shared({}, {{"a.example"}, {"b.example"}}));
  EXPECT_FALSE(is_shared({"a.example", "www.a.example"}, {{"a.example"}, {"b.example"}}));
  EXPECT_FALSE(is_shared({"*.a.example"}, {{"a.example", "x.a.example"}, {"b.example"}}));
  EXPECT_FALSE(is_shared({"*.a.example"}, {{"*.a.example"}, {"x.y.a.example", "b.example"}}));
  EXPECT_FALSE(is_shared({"nobodys.example", "*.nobodys.example"}, {{"a.example"}}));
}

TEST(CertificateOwners, OneForAnothersNameIsShared) {
  EXPECT_TRUE(is_shared({"a.example", "b.example"}, {{"a.example"}, {"b.example"}}));
  EXPECT_TRUE(is_shared({"x.b.example"}, {{"a.example"}, {"*.b.example"}}));
  EXPECT_TRUE(is_shared({"*.example"}, {{"a.example"}, {"b.example"}}));
  EXPECT_TRUE(is_shared({"*.example"}, {{"a.example"}, {"b.example"}, {"c.example"}}));
  EXPECT_TRUE(is_shared({"*.a.example"}, {{"*.a.example"}, {"x.a.example"}}));
  EXPECT_TRUE(is_shared({"*.a.example"}, {{"x.a.example"}, {"*.a.example"}}));
  EXPECT_TRUE(is_shared({"*.x.a.example"}, {{"b.example"}, {"*.a.example"}}));
}

TEST(CertificateOwners, ANameOfItsOwnBelowAnothersWildcardIsItsOwn) {
  EXPECT_FALSE(is_shared({"x.b.example"}, {{"x.b.example"}, {"*.b.example"}}));
  EXPECT_FALSE(is_shared({"*.x.b.example"}, {{"*.x.b.example"}, {"*.b.example"}}));
}

}  // namespace
}  // namespace perchild::test::certificate_owners_test
