// The body of a request on its way to a program: as it comes, or kept until enough of it is here.
//
// Runs in: worker.
// Does not trust: the client.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "daemon/worker/request_body.h"
#include "daemon/worker/task.h"
#include "privsep/unique_fd.h"

namespace perchild {

class ProgramInput {
 public:
  // `body`: nullptr if the request has none.
  ProgramInput(RequestBody* body, std::optional<std::uint64_t> length)
      : body_(body), length_(length) {}
  ProgramInput(const ProgramInput&) = delete;
  ProgramInput& operator=(const ProgramInput&) = delete;

  // Takes the body in until it has ended or there is so much of it: some into memory, and what is
  // beyond into a file without a name. `end` or `data`; else what is the matter.
  Task<BodyPiece> keep(std::uint64_t most);

  // The next piece, what is kept first, `end` included, if it is there. After `end` it is not asked
  // again.
  std::optional<BodyPiece> poll();

  // The body, if all of it is here, and in memory; then there is no more of it to come.
  std::string_view take_whole();

  // Of the body; none if it is not known or there is no body.
  std::optional<std::uint64_t> length() const { return length_; }
  // The body that the client still has to send; nullptr if all of it is here.
  RequestBody* awaited() const { return body_; }

 private:
  bool keep_piece(std::string_view bytes);
  std::uint64_t kept() const { return memory_.size() + in_file_; }
  std::optional<BodyPiece> next_of_kept();

  RequestBody* body_;
  std::optional<std::uint64_t> length_;
  std::string memory_;  // the first part; then what is read of the file
  UniqueFd file_;
  std::uint64_t in_file_ = 0;
  std::uint64_t read_ = 0;  // of the file
  bool memory_given_ = false;
};

}  // namespace perchild
