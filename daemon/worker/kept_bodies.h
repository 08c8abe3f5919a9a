// Where the bodies of requests are kept that a program is not to wait for: all that a worker keeps
// share so many blocks of memory, and beyond that a file that the site's runner makes, without a
// name, on the site's own disk. What a program has given of a response, for a client who takes it
// slowly, is in the file alone. It grows with what is kept at one time, and another one, empty,
// takes its place when nothing is: to make it shorter the worker would need ftruncate(2), by which
// who has taken it over could empty the site's logs.
//
// Runs in: worker.
// Trusts: itself, for who has which block.
// Does not trust: the runner, which starts the tenant's programs: what is no file of its kind could
// make every read and write wait.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "privsep/unique_fd.h"
#include "vhosts/deadline_list.h"

namespace perchild {

class KeptBodies {
 public:
  static constexpr std::size_t block_bytes = 64 * 1024;
  // In blocks. As long as there is no file, and where there can be none, memory has to do for all.
  static constexpr std::uint32_t memory_beside_file = 128;
  static constexpr std::uint32_t most_memory = 1024;
  // Of responses, which can wait: what is left of the user's disk is for what cannot. Four that are
  // as long as one may be in here, as many as a site's programs have processes unless it says more.
  static constexpr std::uint32_t most_of_responses = 4096;

  KeptBodies() = default;
  KeptBodies(const KeptBodies&) = delete;
  KeptBodies& operator=(const KeptBodies&) = delete;

  // A block of memory that the caller makes himself; false if it is not to be had.
  [[nodiscard]] bool take_memory();
  // The number of a block of the file, none if there is no file, which stays until all are back.
  std::optional<std::uint32_t> take_of_file();
  BorrowedFd file() const { return file_.borrow(); }
  void give_back(std::uint32_t of_memory, std::span<const std::uint32_t> of_file);

  // Likewise, for a response; none beyond most_of_responses, either. Without a file one is asked
  // for.
  std::optional<std::uint32_t> take_for_response();
  void give_back_of_response(std::span<const std::uint32_t> blocks);
  void give_back_unwritten(std::uint32_t block);  // for which the disk has no room
  // Whether a response that has found no room may find some; until it is taken.
  bool has_room_again() const { return has_room_again_; }
  bool take_room_again() { return std::exchange(has_room_again_, false); }

  // When the runner is to be asked for a file; none: it is not.
  std::optional<Clock::time_point> asks_at() const;
  void note_asked() { is_asked_ = true; }
  void forget_question() { is_asked_ = false; }  // who was asked has gone
  // False if that is no answer.
  [[nodiscard]] bool take_file(UniqueFd file, Clock::time_point now);
  [[nodiscard]] bool note_refusal(Clock::time_point now);

 private:
  bool is_file_unused() const { return unused_.size() == blocks_; }
  void replace_file(UniqueFd file);
  void let_responses_go_on();

  std::uint32_t memory_ = 0;  // blocks in use
  UniqueFd file_;
  std::uint32_t blocks_ = 0;           // that the file has had
  std::vector<std::uint32_t> unused_;  // of these
  std::uint32_t of_responses_ = 0;     // blocks of the file in use
  bool response_waits_ = false;        // it has found no room
  bool has_room_again_ = false;
  bool is_asked_ = false;
  Clock::time_point next_question_{};
};

}  // namespace perchild
