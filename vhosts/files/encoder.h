// gzip and brotli, a piece at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "policy/compression_settings.h"

namespace perchild::files {

class Encoder {
 public:
  struct Step {
    std::size_t consumed = 0;  // of the input
    std::size_t produced = 0;  // in the output
    bool done = false;         // the end of the stream, or of what is flushed, has been produced
    bool failed = false;       // a library's fault, or no memory; the stream is unusable
  };

  // For a body of `size` bytes, which decides how much memory it takes: at most some 400 KiB for
  // gzip and 2 MiB for brotli. nullptr if there is none, or for a coding that it cannot make.
  static std::unique_ptr<Encoder> make(ContentCoding coding, const CompressionSettings& settings,
                                       std::uint64_t size);

  Encoder() = default;
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;
  virtual ~Encoder() = default;

  // Call it until all input is consumed and, with the last of it, until it is done. What has been
  // said to be the last stays so.
  virtual Step next(std::string_view input, bool is_last, std::span<char> output) = 0;
  // So that all consumed input can be decoded by what has been produced. Call it until it is done.
  virtual Step flush(std::span<char> output) = 0;
};

// Bounds the encoders that are in use at once: a client that reads slowly keeps its own.
class EncoderPool {
 public:
  struct GiveBack {
    std::uint32_t* in_use = nullptr;
    void operator()(Encoder* encoder) const {
      delete encoder;
      --*in_use;
    }
  };
  using Lease = std::unique_ptr<Encoder, GiveBack>;
  static constexpr std::uint32_t most = 64;

  // nullptr if there are too many, and where Encoder::make() gives none. The pool outlives it.
  Lease take(ContentCoding coding, const CompressionSettings& settings, std::uint64_t size);
  std::uint32_t in_use() const { return in_use_; }

 private:
  std::uint32_t in_use_ = 0;
};

// The whole of `body` encoded into `into`; 0 if it does not fit, which means that nothing is
// gained.
std::size_t encode_whole(ContentCoding coding, const CompressionSettings& settings,
                         std::string_view body, std::span<char> into);

}  // namespace perchild::files
