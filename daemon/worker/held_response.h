// What has come of a program's response and has not been given to its client: what comes last in
// memory, and before it what has found room in the file of kept bodies, so that the program need
// not wait for who takes it slowly.
//
// Runs in: worker.
// Trusts: itself, for what it has written; a file that cannot be read ends the response.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/worker/kept_bodies.h"

namespace perchild {

class HeldResponse {
 public:
  // Of one response, from its beginning to its end: what never ends is not written to the disk for
  // ever, whoever takes it and how fast.
  static constexpr std::uint64_t most_in_file = 64 * 1024 * 1024;

  explicit HeldResponse(KeptBodies& bodies) : bodies_(bodies) {}
  HeldResponse(const HeldResponse&) = delete;
  HeldResponse& operator=(const HeldResponse&) = delete;
  ~HeldResponse() { drop(); }

  bool is_empty() const { return in_memory_.empty() && !has_file_part(); }
  void put(std::string_view bytes) { in_memory_.append(bytes); }
  // The last part.
  std::string& in_memory() { return in_memory_; }
  const std::string& in_memory() const { return in_memory_; }
  // As much of it as there is room for. Nothing where `to_come`, that is known to follow, could not
  // be written as well: the program would wait all the same.
  void move_to_file(std::uint64_t to_come);
  // The first part, or so much of it as is read at once, becomes `piece`; an empty one if there is
  // nothing. False: it cannot be read.
  [[nodiscard]] bool take(std::string& piece);
  void drop();

 private:
  bool has_file_part() const { return read_ != written_; }
  std::size_t write(std::string_view bytes);
  void give_back_to(std::uint64_t at);

  KeptBodies& bodies_;
  std::string in_memory_;
  std::vector<std::uint32_t> blocks_;  // all that it has had: those before read_ are given back
  // Counted through these.
  std::uint64_t written_ = 0;
  std::uint64_t read_ = 0;
};

}  // namespace perchild
