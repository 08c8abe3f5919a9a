// The body of a request on its way to a program: as it comes, or kept until enough of it is here.
//
// Runs in: worker.
// Does not trust: the client.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/worker/kept_bodies.h"
#include "daemon/worker/request_body.h"
#include "daemon/worker/task.h"
#include "privsep/unique_fd.h"

namespace perchild {

class ProgramInput {
 public:
  // `body`: nullptr if the request has none.
  ProgramInput(KeptBodies& bodies, RequestBody* body, std::optional<std::uint64_t> length)
      : bodies_(bodies), body_(body), length_(length) {}
  ProgramInput(const ProgramInput&) = delete;
  ProgramInput& operator=(const ProgramInput&) = delete;
  ~ProgramInput() { bodies_.give_back(blocks_of_memory_, blocks_of_file_); }

  // Takes the body in until it has ended or there is so much of it: some into memory of its own,
  // and what is beyond to where all bodies are kept. `end` or `data`; else what is the matter.
  Task<BodyPiece> keep(std::uint64_t most);

  // The next piece, what is kept first, `end` included, if it is there. After `end` it is not asked
  // again.
  std::optional<BodyPiece> poll();

  // The body, if all of it is here, and in memory of its own; then there is no more of it to come.
  std::string_view take_whole();

  // Of the body; none if it is not known or there is no body.
  std::optional<std::uint64_t> length() const { return length_; }
  // The body that the client still has to send; nullptr if all of it is here.
  RequestBody* awaited() const { return body_; }

 private:
  struct Trouble {
    int status;
    std::string_view problem;
  };
  // Where in which file a byte is that is kept.
  struct Place {
    BorrowedFd file;
    std::uint64_t offset;
  };

  std::optional<Trouble> keep_piece(std::string_view bytes);
  std::optional<Trouble> write(std::string_view bytes);
  std::optional<Trouble> take_block();
  Place place_of(std::uint64_t at) const;
  std::uint64_t kept() const { return memory_.size() + written_; }
  std::optional<BodyPiece> next_of_kept();

  KeptBodies& bodies_;
  RequestBody* body_;
  std::optional<std::uint64_t> length_;
  std::string memory_;  // the first part; then what is read of the others
  // What is beyond: blocks of memory, then of the file.
  UniqueFd block_memory_;
  std::uint32_t blocks_of_memory_ = 0;
  std::vector<std::uint32_t> blocks_of_file_;
  std::uint64_t written_ = 0;
  std::uint64_t read_ = 0;
  bool memory_given_ = false;
};

}  // namespace perchild
