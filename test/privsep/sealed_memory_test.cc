#include "privsep/sealed_memory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "test/support/temporary_directory.h"

namespace perchild::test::sealed_memory_test {
namespace {

constexpr int every_seal = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

UniqueFd memory_with(std::string_view bytes, int seals) {
  UniqueFd memory(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  EXPECT_EQ(::write(memory.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  EXPECT_EQ(::fcntl(memory.get(), F_ADD_SEALS, seals), 0);
  return memory;
}

TEST(SealedMemory, IsReadAsItWasMade) {
  std::string bytes(100'000, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7);
  const auto memory = make_sealed_memory("test", bytes);
  ASSERT_TRUE(memory);
  EXPECT_EQ(::fcntl(memory->get(), F_GETFD), FD_CLOEXEC);
  const auto mapping = SealedMapping::map(memory->borrow());
  ASSERT_TRUE(mapping);
  EXPECT_EQ(mapping->bytes(), bytes);
}

TEST(SealedMemory, CanBeChangedInNoWay) {
  const auto memory = make_sealed_memory("test", "bytes");
  ASSERT_TRUE(memory);
  EXPECT_EQ(::pwrite(memory->get(), "x", 1, 0), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(::ftruncate(memory->get(), 1), -1);
  EXPECT_EQ(::ftruncate(memory->get(), 100), -1);
  EXPECT_EQ(::fcntl(memory->get(), F_ADD_SEALS, F_SEAL_WRITE), -1);
  EXPECT_EQ(::mmap(nullptr, 5, PROT_READ | PROT_WRITE, MAP_SHARED, memory->get(), 0), MAP_FAILED);
  EXPECT_EQ(::fallocate(memory->get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4), -1);
}

TEST(SealedMemory, TheSameAttacksWorkWithoutSeals) {
  const UniqueFd memory = memory_with("bytes", 0);
  EXPECT_EQ(::pwrite(memory.get(), "x", 1, 0), 1);
  EXPECT_EQ(::ftruncate(memory.get(), 100), 0);
  EXPECT_EQ(::fallocate(memory.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4), 0);
  void* mapped = ::mmap(nullptr, 5, PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0);
  ASSERT_NE(mapped, MAP_FAILED);
  ::munmap(mapped, 5);
}

TEST(SealedMemory, IsNotMappedWhereASingleSealIsMissing) {
  EXPECT_TRUE(SealedMapping::map(memory_with("bytes", every_seal).borrow()));
  for (const int missing : {F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE}) {
    const UniqueFd memory = memory_with("bytes", every_seal & ~missing);
    EXPECT_FALSE(SealedMapping::map(memory.borrow())) << missing;
  }
}

TEST(SealedMemory, IsNotMappedWhereItIsEmptyOrNoMemory) {
  EXPECT_FALSE(SealedMapping::map(memory_with("", every_seal).borrow()));
  const TemporaryDirectory folder;
  const UniqueFd file(::open(folder.write("file", "bytes").c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_FALSE(SealedMapping::map(file.borrow()));
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  EXPECT_FALSE(SealedMapping::map(null.borrow()));
}

TEST(SealedMemory, AMappingOutlivesItsDescriptorAndMoves) {
  auto memory = make_sealed_memory("test", "bytes");
  ASSERT_TRUE(memory);
  auto mapping = SealedMapping::map(memory->borrow());
  ASSERT_TRUE(mapping);
  memory->reset();
  const SealedMapping moved = std::move(*mapping);
  EXPECT_EQ(moved.bytes(), "bytes");
}

}  // namespace
}  // namespace perchild::test::sealed_memory_test
