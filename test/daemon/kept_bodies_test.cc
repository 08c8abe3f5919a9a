// Where a worker keeps bodies: what it takes of memory, and which file it takes from its runner.
#include "daemon/worker/kept_bodies.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>

#include "test/support/temporary_directory.h"

namespace perchild::test::kept_bodies_test {
namespace {

using std::chrono::seconds;

const Clock::time_point start{std::chrono::hours(1)};

UniqueFd file_without_name() {
  return UniqueFd(::memfd_create("file", MFD_CLOEXEC));
}

std::uint32_t all_memory_of(KeptBodies& bodies) {
  std::uint32_t count = 0;
  while (bodies.take_memory()) ++count;
  return count;
}

TEST(KeptBodies, HaveLessMemoryWhereThereIsAFile) {
  KeptBodies bodies;
  EXPECT_FALSE(bodies.take_of_file());
  EXPECT_EQ(all_memory_of(bodies), KeptBodies::most_memory);
  ASSERT_TRUE(bodies.asks_at());
  bodies.note_asked();
  EXPECT_FALSE(bodies.asks_at()) << "it has been asked for";
  ASSERT_TRUE(bodies.take_file(file_without_name(), start));
  bodies.give_back(KeptBodies::most_memory, {});
  EXPECT_EQ(all_memory_of(bodies), KeptBodies::memory_beside_file);
  EXPECT_EQ(bodies.take_of_file(), 0u);
  EXPECT_EQ(bodies.take_of_file(), 1u);
  const std::uint32_t first = 0;
  bodies.give_back(0, {&first, 1});
  EXPECT_EQ(bodies.take_of_file(), 0u);
}

TEST(KeptBodies, AskForAnEmptyFileWhenNothingIsInTheOldOne) {
  KeptBodies bodies;
  all_memory_of(bodies);
  bodies.note_asked();
  ASSERT_TRUE(bodies.take_file(file_without_name(), start));
  EXPECT_FALSE(bodies.asks_at()) << "an empty one is there";
  const int old = bodies.file().get();
  const std::uint32_t block = *bodies.take_of_file();
  EXPECT_FALSE(bodies.asks_at()) << "it is in use";
  bodies.give_back(0, {&block, 1});
  EXPECT_EQ(bodies.asks_at(), start + seconds(2)) << "not as often as the runner would not have it";
  bodies.note_asked();
  EXPECT_EQ(bodies.take_of_file(), block);
  ASSERT_TRUE(bodies.take_file(file_without_name(), start + seconds(3)));
  EXPECT_EQ(bodies.file().get(), old) << "nothing that is kept is lost";
  bodies.give_back(0, {&block, 1});
  bodies.note_asked();
  ASSERT_TRUE(bodies.take_file(file_without_name(), start + seconds(6)));
  EXPECT_FALSE(bodies.asks_at());
}

TEST(KeptBodies, GoOnInMemoryWhenTheyAreRefusedAFile) {
  KeptBodies bodies;
  all_memory_of(bodies);
  EXPECT_FALSE(bodies.note_refusal(start)) << "nobody has asked";
  bodies.note_asked();
  EXPECT_TRUE(bodies.note_refusal(start));
  EXPECT_FALSE(bodies.take_of_file());
  EXPECT_EQ(bodies.asks_at(), start + seconds(10));
  bodies.note_asked();
  bodies.forget_question();
  EXPECT_TRUE(bodies.asks_at()) << "another runner is asked";
}

TEST(KeptBodies, TakeNothingButAnEmptyFileWithoutAName) {
  const TemporaryDirectory folder;
  const std::string path = folder.write("named", "");
  const auto is_taken = [](UniqueFd fd) {
    KeptBodies bodies;
    bodies.note_asked();
    return bodies.take_file(std::move(fd), start);
  };
  EXPECT_TRUE(is_taken(file_without_name()));
  EXPECT_TRUE(
      is_taken(UniqueFd(::open(folder.path().c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600))));
  EXPECT_FALSE(is_taken(UniqueFd(::open(path.c_str(), O_RDWR | O_CLOEXEC)))) << "it has a name";
  EXPECT_FALSE(is_taken(UniqueFd(::open(folder.path().c_str(), O_RDONLY | O_CLOEXEC))));
  EXPECT_FALSE(is_taken(UniqueFd(::open("/dev/null", O_RDWR | O_CLOEXEC))));
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd other(ends[1]);
  EXPECT_FALSE(is_taken(UniqueFd(ends[0])));
  UniqueFd full = file_without_name();
  ASSERT_EQ(::ftruncate(full.get(), 1), 0);
  EXPECT_FALSE(is_taken(std::move(full)));
  EXPECT_FALSE(KeptBodies().take_file(file_without_name(), start)) << "nobody has asked";
}

}  // namespace
}  // namespace perchild::test::kept_bodies_test
