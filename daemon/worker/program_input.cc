#include "daemon/worker/program_input.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "vhosts/gateway/cgi_call.h"
#include "vhosts/gateway/fastcgi_record.h"

namespace perchild {
namespace {

// A piece has to fit into a record.
constexpr std::size_t most_in_memory = gateway::max_record_content;
static_assert(most_in_memory <= gateway::CgiCall::max_body_bytes);
// No piece is in two blocks.
constexpr std::size_t read_at_once = KeptBodies::block_bytes / 2;
static_assert(read_at_once <= most_in_memory);

}  // namespace

std::optional<ProgramInput::Trouble> ProgramInput::keep_piece(std::string_view bytes) {
  if (written_ == 0 && memory_.size() + bytes.size() <= most_in_memory) {
    memory_.append(bytes);
    return std::nullopt;
  }
  while (!bytes.empty()) {
    const std::uint64_t in_block = written_ % KeptBodies::block_bytes;
    if (in_block == 0) {
      if (const auto trouble = take_block()) return trouble;
    }
    const std::string_view part = bytes.substr(0, KeptBodies::block_bytes - in_block);
    if (const auto trouble = write(part)) return trouble;
    bytes.remove_prefix(part.size());
  }
  return std::nullopt;
}

// The memory is the site's, by its control group, and the file by its uid.
std::optional<ProgramInput::Trouble> ProgramInput::take_block() {
  if (blocks_of_file_.empty() && bodies_.take_memory()) {
    ++blocks_of_memory_;
    if (!block_memory_.has_value()) block_memory_ = UniqueFd(::memfd_create("body", MFD_CLOEXEC));
    if (!block_memory_.has_value()) return Trouble{503, "no memory to keep the body in"};
    return std::nullopt;
  }
  const auto block = bodies_.take_of_file();
  if (!block) return Trouble{503, "no memory to keep the body in, and no file"};
  blocks_of_file_.push_back(*block);
  return std::nullopt;
}

ProgramInput::Place ProgramInput::place_of(std::uint64_t at) const {
  const std::uint64_t block = at / KeptBodies::block_bytes;
  if (block < blocks_of_memory_) return {block_memory_.borrow(), at};
  const std::uint64_t of_file = blocks_of_file_[block - blocks_of_memory_];
  return {bodies_.file(), of_file * KeptBodies::block_bytes + at % KeptBodies::block_bytes};
}

std::optional<ProgramInput::Trouble> ProgramInput::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const Place place = place_of(written_);
    const ssize_t written = ::pwrite64(place.file.get(), bytes.data(), bytes.size(),
                                       static_cast<::off64_t>(place.offset));
    if (written <= 0) {
      const bool is_full = written < 0 && (errno == ENOSPC || errno == EDQUOT);
      return is_full ? Trouble{507, "the disk has no room to keep the body in"}
                     : Trouble{503, "the body cannot be written to where it is to be kept"};
    }
    written_ += static_cast<std::uint64_t>(written);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return std::nullopt;
}

Task<BodyPiece> ProgramInput::keep(std::uint64_t most) {
  BodyPiece piece{BodyPiece::Kind::data};
  while (piece.kind == BodyPiece::Kind::data && kept() < most) {
    piece = co_await body_->next();
    if (piece.kind != BodyPiece::Kind::data) break;
    if (const auto trouble = keep_piece(piece.bytes)) {
      co_return BodyPiece{BodyPiece::Kind::too_large, {}, trouble->status, trouble->problem};
    }
  }
  if (piece.kind == BodyPiece::Kind::end) {
    length_ = kept();
    body_ = nullptr;
  }
  co_return piece;
}

std::string_view ProgramInput::take_whole() {
  if (body_ != nullptr || written_ != 0) return {};
  memory_given_ = true;
  return memory_;
}

std::optional<BodyPiece> ProgramInput::poll() {
  if (auto piece = next_of_kept()) return piece;
  if (body_ == nullptr) return BodyPiece{BodyPiece::Kind::end};
  auto piece = body_->poll();
  if (piece && piece->kind == BodyPiece::Kind::end) body_ = nullptr;
  return piece;
}

std::optional<BodyPiece> ProgramInput::next_of_kept() {
  if (!std::exchange(memory_given_, true) && !memory_.empty()) {
    return BodyPiece{BodyPiece::Kind::data, memory_};
  }
  if (read_ == written_) return std::nullopt;
  memory_.resize(read_at_once);
  const auto wanted =
      static_cast<std::size_t>(std::min<std::uint64_t>(written_ - read_, memory_.size()));
  const Place place = place_of(read_);
  const ssize_t got =
      ::pread64(place.file.get(), memory_.data(), wanted, static_cast<::off64_t>(place.offset));
  if (got <= 0) return BodyPiece{BodyPiece::Kind::closed};
  read_ += static_cast<std::uint64_t>(got);
  return BodyPiece{BodyPiece::Kind::data, {memory_.data(), static_cast<std::size_t>(got)}};
}

}  // namespace perchild
