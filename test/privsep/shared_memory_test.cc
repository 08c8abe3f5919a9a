#include "privsep/shared_memory.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

namespace perchild::shared_memory_test {
namespace {

TEST(SharedMemory, IsSeenByAllWhoMapIt) {
  const auto memory = make_shared_memory("test", 5000);
  ASSERT_TRUE(memory) << memory.error().text();
  const auto one = map_shared_memory(memory->borrow(), 5000);
  const auto other = map_shared_memory(memory->borrow(), 5000);
  ASSERT_TRUE(one && other);
  EXPECT_EQ((*one)[4999], std::byte{0});
  (*one)[4999] = std::byte{7};
  EXPECT_EQ((*other)[4999], std::byte{7});
}

TEST(SharedMemory, CannotBeTakenAwayUnderItsReader) {
  const auto memory = make_shared_memory("test", 5000);
  ASSERT_TRUE(memory);
  EXPECT_EQ(::ftruncate(memory->get(), 0), -1);
  EXPECT_EQ(::ftruncate(memory->get(), 9000), -1);
}

TEST(SharedMemory, OfAnotherSizeOrWithoutSealsIsNotMapped) {
  const auto memory = make_shared_memory("test", 5000);
  ASSERT_TRUE(memory);
  EXPECT_FALSE(map_shared_memory(memory->borrow(), 4999));
  EXPECT_FALSE(map_shared_memory(memory->borrow(), 5001));
  const UniqueFd unsealed(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(::ftruncate(unsealed.get(), 5000), 0);
  EXPECT_FALSE(map_shared_memory(unsealed.borrow(), 5000));
  EXPECT_FALSE(map_shared_memory(BorrowedFd(STDIN_FILENO), 5000));
}

}  // namespace
}  // namespace perchild::shared_memory_test
