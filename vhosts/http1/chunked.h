// The chunked transfer coding of a request's body (RFC 9112, 7.1), strictly: CRLF only, bare
// hexadecimal sizes, bounded extensions and trailers. Both are checked and dropped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace perchild::http1 {

inline constexpr std::size_t max_chunk_size_digits = 16;
inline constexpr std::size_t max_extension_bytes = 4 * 1024;  // all chunks' together
inline constexpr std::size_t max_trailer_bytes = 8 * 1024;

enum class ChunkReject : std::uint8_t {
  bad_size,             // no hexadecimal digit, or something else behind the digits
  size_too_large,       // over 16 digits, or the body over INT64_MAX bytes
  bad_extension,        // it is not "; name", "; name=token" or "; name=quoted", in ASCII
  extensions_too_long,  // over max_extension_bytes
  bad_line_end,         // CR or LF alone, or chunk data longer than its size
  bad_trailer,
  trailers_too_long,  // over max_trailer_bytes
};
int status_of(ChunkReject reason);
std::string_view text_of(ChunkReject reason);

// Decodes one body as it arrives. Call next() with the bytes that have not been consumed yet until
// it says other than `data`; nothing that was consumed is looked at again, so the buffer may be
// dropped or moved between calls.
class ChunkedDecoder {
 public:
  enum class State : std::uint8_t {
    incomplete,  // everything was consumed; more bytes are needed
    data,        // `data` is the next part of the body; call again with the rest
    done,        // the body has ended; what is behind `consumed` is the next request
    rejected,    // see reason(); the connection's framing is lost
  };

  struct Step {
    State state;
    std::size_t consumed;   // bytes of the input, `data` included
    std::string_view data;  // within the input; empty unless state is `data`
  };

  // Once done or rejected it stays so, consuming nothing, until reset().
  Step next(std::string_view bytes);

  ChunkReject reason() const { return reason_; }  // with State::rejected
  void reset() { *this = ChunkedDecoder{}; }

 private:
  // What the next byte belongs to. The order matters: finished() compares.
  enum class Phase : std::uint8_t {
    size,
    extension_name,  // its first byte is due
    extension_in_name,
    extension_behind_name,
    extension_value,  // its first byte is due
    extension_in_token,
    extension_in_quotes,
    extension_escaped,
    extension_end,
    size_line_feed,
    data,
    data_carriage_return,
    data_line_feed,
    trailer_line,
    trailer_name,
    trailer_value,
    trailer_line_feed,
    last_line_feed,
    done,
    rejected,
  };

  bool finished() const { return phase_ >= Phase::done; }
  void take(char c);
  void take_size(char c);
  void take_extension(char c);
  Phase after_extension_byte(char c) const;
  void take_trailer(char c);
  void finish_size();
  void expect(char c, char wanted, Phase next);
  void reject(ChunkReject reason);

  std::uint64_t left_ = 0;   // of this chunk's size as read so far, or of its data
  std::uint64_t total_ = 0;  // the sizes of all chunks so far
  std::uint16_t extension_bytes_ = 0;
  std::uint16_t trailer_bytes_ = 0;
  std::uint8_t digits_ = 0;
  Phase phase_ = Phase::size;
  ChunkReject reason_{};
};

}  // namespace perchild::http1
