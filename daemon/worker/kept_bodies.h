// Where the bodies of requests are kept that a program is not to wait for: all that a worker keeps
// share so many blocks of memory, and beyond that a file that the site's runner makes, without a
// name, on the site's own disk. It grows with what is kept at one time, and another one, empty,
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

  KeptBodies() = default;
  KeptBodies(const KeptBodies&) = delete;
  KeptBodies& operator=(const KeptBodies&) = delete;

  // A block of memory that the caller makes himself; false if it is not to be had.
  [[nodiscard]] bool take_memory();
  // The number of a block of the file, none if there is no file, which stays until all are back.
  std::optional<std::uint32_t> take_of_file();
  BorrowedFd file() const { return file_.borrow(); }
  void give_back(std::uint32_t of_memory, std::span<const std::uint32_t> of_file);

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

  std::uint32_t memory_ = 0;  // blocks in use
  UniqueFd file_;
  std::uint32_t blocks_ = 0;           // that the file has had
  std::vector<std::uint32_t> unused_;  // of these
  bool is_asked_ = false;
  Clock::time_point next_question_{};
};

}  // namespace perchild
