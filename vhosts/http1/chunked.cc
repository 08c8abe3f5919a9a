#include "vhosts/http1/chunked.h"

#include <algorithm>
#include <limits>

#include "vhosts/http1/characters.h"

namespace perchild::http1 {
namespace {

constexpr std::uint64_t max_body = std::numeric_limits<std::int64_t>::max();

}  // namespace

int status_of(ChunkReject reason) {
  switch (reason) {
    case ChunkReject::size_too_large:
      return 413;
    case ChunkReject::trailers_too_long:
      return 431;
    default:
      return 400;
  }
}

std::string_view text_of(ChunkReject reason) {
  switch (reason) {
    case ChunkReject::bad_size:
      return "a chunk size is malformed";
    case ChunkReject::size_too_large:
      return "a chunk size is too large";
    case ChunkReject::bad_extension:
      return "a chunk extension is malformed";
    case ChunkReject::extensions_too_long:
      return "the chunk extensions are too long";
    case ChunkReject::bad_line_end:
      return "a line or a chunk of the body does not end in CRLF";
    case ChunkReject::bad_trailer:
      return "a trailer field is malformed";
    case ChunkReject::trailers_too_long:
      return "the trailer fields are too long";
  }
  return "";
}

ChunkedDecoder::Step ChunkedDecoder::next(std::string_view bytes) {
  std::size_t at = 0;
  while (at < bytes.size() && !finished()) {
    if (phase_ != Phase::data) {
      take(bytes[at]);
      if (phase_ != Phase::rejected) ++at;
      continue;
    }
    const std::string_view data = bytes.substr(at, std::min<std::uint64_t>(left_, bytes.size()));
    left_ -= data.size();
    if (left_ == 0) phase_ = Phase::data_carriage_return;
    return {State::data, at + data.size(), data};
  }
  if (phase_ == Phase::rejected) return {State::rejected, at, {}};
  return {phase_ == Phase::done ? State::done : State::incomplete, at, {}};
}

void ChunkedDecoder::take(char c) {
  switch (phase_) {
    case Phase::size:
      return take_size(c);
    case Phase::extension_name:
    case Phase::extension_in_name:
    case Phase::extension_behind_name:
    case Phase::extension_value:
    case Phase::extension_in_token:
    case Phase::extension_in_quotes:
    case Phase::extension_escaped:
    case Phase::extension_end:
      return take_extension(c);
    case Phase::size_line_feed:
      expect(c, '\n', Phase::data);
      if (phase_ == Phase::data) finish_size();
      return;
    case Phase::data_carriage_return:
      return expect(c, '\r', Phase::data_line_feed);
    case Phase::data_line_feed:
      return expect(c, '\n', Phase::size);
    case Phase::last_line_feed:
      return expect(c, '\n', Phase::done);
    default:
      return take_trailer(c);
  }
}

void ChunkedDecoder::reject(ChunkReject reason) {
  phase_ = Phase::rejected;
  reason_ = reason;
}

void ChunkedDecoder::expect(char c, char wanted, Phase next) {
  if (c != wanted) return reject(ChunkReject::bad_line_end);
  phase_ = next;
}

void ChunkedDecoder::take_size(char c) {
  if (const int digit = hex_value(c); digit >= 0) {
    if (++digits_ > max_chunk_size_digits) return reject(ChunkReject::size_too_large);
    left_ = left_ << 4 | static_cast<std::uint64_t>(digit);
    return;
  }
  if (c == '\n') return reject(ChunkReject::bad_line_end);
  if (digits_ == 0) return reject(ChunkReject::bad_size);
  if (left_ > max_body - total_) return reject(ChunkReject::size_too_large);
  if (c == '\r') {
    phase_ = Phase::size_line_feed;
  } else if (c == ';') {
    phase_ = Phase::extension_name;
  } else {
    reject(ChunkReject::bad_size);
  }
}

void ChunkedDecoder::take_extension(char c) {
  if (c == '\n') return reject(ChunkReject::bad_line_end);
  const Phase next = after_extension_byte(c);
  if (next == Phase::rejected) return reject(ChunkReject::bad_extension);
  phase_ = next;
  if (next == Phase::size_line_feed) return;
  if (++extension_bytes_ > max_extension_bytes) reject(ChunkReject::extensions_too_long);
}

// RFC 9112, 7.1.1; blanks are forgiven at the end as well, bytes above 0x7e in quotes are not. The
// quotes have to be followed: a reader that follows them finds the line's end elsewhere than one
// that does not, if a quote is left open.
ChunkedDecoder::Phase ChunkedDecoder::after_extension_byte(char c) const {
  const bool is_text = c == '\t' || (c >= ' ' && c <= '~');
  const bool is_token = is_char_of(c, token_char);
  const auto behind = [c](Phase same) {
    if (is_whitespace(c)) return same;
    if (c == ';') return Phase::extension_name;
    return c == '\r' ? Phase::size_line_feed : Phase::rejected;
  };
  switch (phase_) {
    case Phase::extension_name:
      if (is_whitespace(c)) return phase_;
      return is_token ? Phase::extension_in_name : Phase::rejected;
    case Phase::extension_in_name:
      if (is_token) return phase_;
      [[fallthrough]];
    case Phase::extension_behind_name:
      return c == '=' ? Phase::extension_value : behind(Phase::extension_behind_name);
    case Phase::extension_value:
      if (is_whitespace(c)) return phase_;
      if (c == '"') return Phase::extension_in_quotes;
      return is_token ? Phase::extension_in_token : Phase::rejected;
    case Phase::extension_in_token:
      return is_token ? phase_ : behind(Phase::extension_end);
    case Phase::extension_in_quotes:
      if (c == '"') return Phase::extension_end;
      if (c == '\\') return Phase::extension_escaped;
      return is_text ? phase_ : Phase::rejected;
    case Phase::extension_escaped:
      return is_text ? Phase::extension_in_quotes : Phase::rejected;
    default:
      return behind(Phase::extension_end);
  }
}

void ChunkedDecoder::finish_size() {
  if (left_ == 0) phase_ = Phase::trailer_line;
  total_ += left_;
  digits_ = 0;
}

void ChunkedDecoder::take_trailer(char c) {
  if (phase_ == Phase::trailer_line_feed) return expect(c, '\n', Phase::trailer_line);
  if (c == '\n') return reject(ChunkReject::bad_line_end);
  if (phase_ == Phase::trailer_line && c == '\r') {
    phase_ = Phase::last_line_feed;
    return;
  }
  if (++trailer_bytes_ > max_trailer_bytes) return reject(ChunkReject::trailers_too_long);
  if (phase_ == Phase::trailer_value) {
    if (c == '\r') {
      phase_ = Phase::trailer_line_feed;
    } else if (is_control(c) && c != '\t') {
      reject(ChunkReject::bad_trailer);
    }
    return;
  }
  if (phase_ == Phase::trailer_name && c == ':') {
    phase_ = Phase::trailer_value;
  } else if (is_char_of(c, token_char)) {
    phase_ = Phase::trailer_name;
  } else {
    reject(ChunkReject::bad_trailer);
  }
}

}  // namespace perchild::http1
