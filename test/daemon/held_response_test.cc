// What a worker holds of responses: in which order it comes back, and what it takes of the file.
#include "daemon/worker/held_response.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace perchild::test::held_response_test {
namespace {

constexpr std::size_t block = KeptBodies::block_bytes;
const Clock::time_point start{std::chrono::hours(1)};

void give_file(KeptBodies& bodies, Clock::time_point now = start) {
  bodies.note_asked();
  ASSERT_TRUE(
      bodies.take_file(UniqueFd(::memfd_create("file", MFD_CLOEXEC | MFD_ALLOW_SEALING)), now));
}

// Its disk has no room for more.
void fill_disk(const KeptBodies& bodies, std::size_t size) {
  ASSERT_EQ(::ftruncate(bodies.file().get(), static_cast<::off_t>(size)), 0);
  ASSERT_EQ(::fcntl(bodies.file().get(), F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK), 0);
}

// A response of which no two blocks are the same, and what has come back of it.
class Checked {
 public:
  explicit Checked(KeptBodies& bodies) : held_(std::make_unique<HeldResponse>(bodies)) {}

  void put(std::size_t size) {
    for_each_part(put_, size, [&](std::string_view part) { held_->put(part); });
    put_ += size;
  }
  void move_to_file(std::uint64_t to_come = 0) { held_->move_to_file(to_come); }
  // The length of what has come; none if it is not what should have.
  std::optional<std::size_t> take() {
    std::string piece = "what was there before";
    if (!held_->take(piece)) return std::nullopt;
    bool is_right = true;
    std::string_view rest = piece;
    for_each_part(taken_, piece.size(), [&](std::string_view part) {
      is_right = is_right && rest.starts_with(part);
      rest.remove_prefix(part.size());
    });
    taken_ += piece.size();
    return is_right ? std::optional(piece.size()) : std::nullopt;
  }
  bool take_all() {
    while (!held_->is_empty()) {
      if (take().value_or(0) == 0) return false;
    }
    return taken_ == put_;
  }
  std::size_t in_memory() const { return std::as_const(*held_).in_memory().size(); }
  void end() { held_.reset(); }

 private:
  // Of bytes that begin anew after a number of them that has nothing to do with that of a block.
  template <typename Use>
  static void for_each_part(std::uint64_t at, std::size_t size, Use use) {
    static const std::string bytes = [] {
      std::string made(99'991, '\0');
      unsigned state = 1;
      for (char& each : made)
        each = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
      return made;
    }();
    while (size != 0) {
      const std::string_view part = std::string_view(bytes).substr(at % bytes.size(), size);
      use(part);
      at += part.size();
      size -= part.size();
    }
  }

  std::unique_ptr<HeldResponse> held_;
  std::uint64_t put_ = 0, taken_ = 0;
};

struct Step {
  std::size_t response;
  int what;
  std::size_t size;
};

RC_GTEST_PROP(HeldResponse, ComesBackInOrderHoweverItIsPutAndTaken, ()) {
  KeptBodies bodies;
  const bool has_file = *rc::gen::inRange(0, 4) != 0;
  if (has_file) give_file(bodies);
  const auto blocks = *rc::gen::inRange<std::size_t>(0, 24);
  if (has_file && blocks < 12) fill_disk(bodies, blocks * block + 4096);
  std::array<Checked, 3> responses{Checked(bodies), Checked(bodies), Checked(bodies)};
  const auto steps = *rc::gen::container<std::vector<Step>>(rc::gen::construct<Step>(
      rc::gen::inRange<std::size_t>(0, 3), rc::gen::inRange(0, 4),
      rc::gen::elementOf(std::vector<std::size_t>{0, 1, 4095, 30'000, block, 3 * block + 1})));
  for (const Step& step : steps) {
    Checked& response = responses[step.response];
    if (step.what == 0) {
      RC_ASSERT(response.take().has_value());
    } else if (step.what == 1) {
      response.move_to_file(step.size);
    } else {
      response.put(step.size);
    }
  }
  for (Checked& response : responses) RC_ASSERT(response.take_all());
  // Nothing is in the file, though its responses go on: there may be another in its place.
  if (has_file) give_file(bodies, start + std::chrono::seconds(5));
  RC_ASSERT(bodies.take_of_file() == (has_file ? std::optional(0U) : std::nullopt));
}

TEST(HeldResponse, IsInTheFileButForWhatFindsNoRoomThere) {
  KeptBodies bodies;
  Checked response(bodies);
  response.put(4 * block);
  response.move_to_file();
  EXPECT_EQ(response.in_memory(), 4 * block) << "there is no file";
  EXPECT_TRUE(bodies.asks_at()) << "and one is wanted";
  give_file(bodies);
  EXPECT_TRUE(bodies.take_room_again());
  EXPECT_FALSE(bodies.take_room_again()) << "it is said once";
  fill_disk(bodies, 2 * block);
  response.move_to_file();
  EXPECT_EQ(response.in_memory(), 2 * block);
  EXPECT_FALSE(bodies.take_room_again()) << "it would be tried for ever";
  Checked other(bodies);
  other.put(1);
  other.move_to_file();
  EXPECT_EQ(other.in_memory(), 1U);
  EXPECT_EQ(response.take(), block);
  EXPECT_TRUE(bodies.take_room_again());
  other.move_to_file();
  EXPECT_EQ(other.in_memory(), 0U) << "a block that has been written is written again";
  EXPECT_TRUE(other.take_all());
  EXPECT_TRUE(response.take_all());
}

TEST(HeldResponse, IsNotWrittenToTheDiskForEver) {
  KeptBodies bodies;
  give_file(bodies);
  Checked response(bodies);
  std::size_t moved = 0;
  for (int i = 0; i < 66; ++i) {
    response.put(16 * block);
    response.move_to_file();
    moved += 16 * block - response.in_memory();
    ASSERT_TRUE(response.take_all());
  }
  EXPECT_EQ(moved, HeldResponse::most_in_file);
}

TEST(HeldResponse, IsNotBegunWithWhereItsRestWouldFindNoRoom) {
  KeptBodies bodies;
  give_file(bodies);
  Checked response(bodies);
  response.put(4 * block);
  for (const std::uint64_t to_come : {HeldResponse::most_in_file - 4 * block + 1, UINT64_MAX}) {
    response.move_to_file(to_come);
    EXPECT_EQ(response.in_memory(), 4 * block);
  }
  response.move_to_file(HeldResponse::most_in_file - 4 * block);
  EXPECT_EQ(response.in_memory(), 0U);
}

TEST(HeldResponse, LeavesOthersTheirPartAndGivesBackAllWhenItEnds) {
  KeptBodies bodies;
  give_file(bodies);
  std::vector<std::uint32_t> blocks;
  while (const auto each = bodies.take_for_response()) blocks.push_back(*each);
  EXPECT_EQ(blocks.size(), KeptBodies::most_of_responses);
  Checked response(bodies);
  response.put(2 * block + 1);
  response.move_to_file();
  EXPECT_EQ(response.in_memory(), 2 * block + 1);
  EXPECT_TRUE(bodies.take_of_file()) << "requests can";
  EXPECT_FALSE(bodies.take_room_again());
  bodies.give_back_of_response(blocks);
  EXPECT_TRUE(bodies.take_room_again());
  response.move_to_file();
  EXPECT_EQ(response.in_memory(), 0U);
  response.end();
  blocks.clear();
  while (const auto each = bodies.take_for_response()) blocks.push_back(*each);
  EXPECT_EQ(blocks.size(), KeptBodies::most_of_responses);
}

TEST(HeldResponse, ThatCannotBeReadIsNotSentAsIfItCould) {
  KeptBodies bodies;
  give_file(bodies);
  Checked response(bodies);
  response.put(block);
  response.move_to_file();
  ASSERT_EQ(::ftruncate(bodies.file().get(), 0), 0);
  EXPECT_EQ(response.take(), std::nullopt);
}

}  // namespace
}  // namespace perchild::test::held_response_test
