// Workers that bring another OpenSSL along than the machine has.
#include "daemon/command/doctor/linked_openssl.h"

#include <gtest/gtest.h>

#include "test/command/doctor/diagnoses.h"

namespace perchild::test::linked_openssl_test {
namespace {

constexpr const char* path = "/usr/lib/perchild/perchild-tls-worker";
constexpr const char* executable =
    "\x7f"
    "ELF built on: Mon Oct 20 09:54:24 2025 UTC, and more";

TEST(LinkedOpenSsl, OfTheMachineIsInOrder) {
  Diagnosis diagnosis;
  check_linked_openssl(path, executable, "built on: Mon Oct 20 09:54:24 2025 UTC", diagnosis);
  EXPECT_EQ(found_in(diagnosis), Texts{});
  EXPECT_EQ(diagnosis.in_order.size(), 1U);
}

TEST(LinkedOpenSsl, OfAnotherBuildIsAWarning) {
  Diagnosis diagnosis;
  check_linked_openssl(path, executable, "built on: Tue Nov 25 10:00:00 2025 UTC", diagnosis);
  EXPECT_EQ(found_in(diagnosis), Texts{std::string("warning executables ") + path});
  EXPECT_TRUE(diagnosis.in_order.empty());
}

}  // namespace
}  // namespace perchild::test::linked_openssl_test
