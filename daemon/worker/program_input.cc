#include "daemon/worker/program_input.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "vhosts/gateway/cgi_call.h"
#include "vhosts/gateway/fastcgi_record.h"

namespace perchild {
namespace {

// A piece has to fit into a record.
constexpr std::size_t most_in_memory = gateway::max_record_content;
static_assert(most_in_memory <= gateway::CgiCall::max_body_bytes);

}  // namespace

// The kernel's memory for it is the site's, by its control group.
bool ProgramInput::keep_piece(std::string_view bytes) {
  if (!file_.has_value() && memory_.size() + bytes.size() <= most_in_memory) {
    memory_.append(bytes);
    return true;
  }
  if (!file_.has_value()) file_ = UniqueFd(::memfd_create("body", MFD_CLOEXEC));
  while (file_.has_value() && !bytes.empty()) {
    const ssize_t written = ::write(file_.borrow().get(), bytes.data(), bytes.size());
    if (written <= 0) return false;
    in_file_ += static_cast<std::uint64_t>(written);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return file_.has_value();
}

Task<BodyPiece> ProgramInput::keep(std::uint64_t most) {
  BodyPiece piece{BodyPiece::Kind::data};
  while (piece.kind == BodyPiece::Kind::data && kept() < most) {
    piece = co_await body_->next();
    if (piece.kind != BodyPiece::Kind::data || keep_piece(piece.bytes)) continue;
    co_return BodyPiece{BodyPiece::Kind::too_large, {}, 503, "no memory to keep the body in"};
  }
  if (piece.kind == BodyPiece::Kind::end) {
    length_ = kept();
    body_ = nullptr;
  }
  co_return piece;
}

std::string_view ProgramInput::take_whole() {
  if (body_ != nullptr || in_file_ != 0) return {};
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
  if (read_ == in_file_) return std::nullopt;
  memory_.resize(most_in_memory);
  const auto wanted =
      static_cast<std::size_t>(std::min<std::uint64_t>(in_file_ - read_, memory_.size()));
  const ssize_t got =
      ::pread64(file_.borrow().get(), memory_.data(), wanted, static_cast<::off64_t>(read_));
  if (got <= 0) return BodyPiece{BodyPiece::Kind::closed};
  read_ += static_cast<std::uint64_t>(got);
  return BodyPiece{BodyPiece::Kind::data, {memory_.data(), static_cast<std::size_t>(got)}};
}

}  // namespace perchild
