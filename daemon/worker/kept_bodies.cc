#include "daemon/worker/kept_bodies.h"

#include <sys/stat.h>

#include <chrono>
#include <utility>

namespace perchild {
namespace {

// Longer than the runner demands (least_between_body_files).
constexpr std::chrono::seconds until_next_file{2};
constexpr std::chrono::seconds until_asked_again{10};

bool is_new_file_without_name(BorrowedFd file) {
  struct ::stat facts;
  return ::fstat(file.get(), &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_nlink == 0 &&
         facts.st_size == 0;
}

}  // namespace

bool KeptBodies::take_memory() {
  if (memory_ >= (file_.has_value() ? memory_beside_file : most_memory)) return false;
  ++memory_;
  return true;
}

std::optional<std::uint32_t> KeptBodies::take_of_file() {
  if (!file_.has_value()) return std::nullopt;
  if (unused_.empty()) return blocks_++;
  const std::uint32_t block = unused_.back();
  unused_.pop_back();
  return block;
}

void KeptBodies::give_back(std::uint32_t of_memory, std::span<const std::uint32_t> of_file) {
  memory_ -= of_memory;
  unused_.insert(unused_.end(), of_file.begin(), of_file.end());
}

std::optional<std::uint32_t> KeptBodies::take_for_response() {
  const auto block = of_responses_ < most_of_responses ? take_of_file() : std::nullopt;
  response_waits_ = response_waits_ || !block;
  if (block) ++of_responses_;
  return block;
}

void KeptBodies::give_back_of_response(std::span<const std::uint32_t> blocks) {
  if (blocks.empty()) return;
  of_responses_ -= static_cast<std::uint32_t>(blocks.size());
  give_back(0, blocks);
  let_responses_go_on();
}

// Others that have been written go first: what they take of the disk is had already. And nobody is
// told of this one, who would only try it again.
void KeptBodies::give_back_unwritten(std::uint32_t block) {
  --of_responses_;
  unused_.insert(unused_.begin(), block);
  response_waits_ = true;
}

void KeptBodies::let_responses_go_on() {
  if (std::exchange(response_waits_, false)) has_room_again_ = true;
}

std::optional<Clock::time_point> KeptBodies::asks_at() const {
  // Early enough that the answer is there before the memory is used up.
  const bool wants_file = file_.has_value() ? blocks_ != 0 && is_file_unused()
                                            : response_waits_ || memory_ > memory_beside_file / 2;
  return wants_file && !is_asked_ ? std::optional(next_question_) : std::nullopt;
}

bool KeptBodies::take_file(UniqueFd file, Clock::time_point now) {
  if (!std::exchange(is_asked_, false) || !is_new_file_without_name(file.borrow())) return false;
  next_question_ = now + until_next_file;
  replace_file(std::move(file));
  let_responses_go_on();
  return true;
}

bool KeptBodies::note_refusal(Clock::time_point now) {
  if (!std::exchange(is_asked_, false)) return false;
  next_question_ = now + until_asked_again;
  replace_file({});
  response_waits_ = false;  // it goes on as its client takes it, and asks then
  return true;
}

void KeptBodies::replace_file(UniqueFd file) {
  if (!is_file_unused()) return;  // since the question there is something in it again
  file_ = std::move(file);
  unused_.clear();
  blocks_ = 0;
}

}  // namespace perchild
