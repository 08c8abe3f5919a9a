#include "vhosts/files/encoder.h"

#include <brotli/encode.h>
#include <zlib.h>

#include <algorithm>
#include <limits>
#include <new>

namespace perchild::files {
namespace {

constexpr int gzip_wrapper = 16;  // zlib.h, deflateInit2: a gzip header instead of zlib's

const std::uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

class GzipEncoder final : public Encoder {
 public:
  GzipEncoder(int level, std::uint64_t size) {
    int window = MAX_WBITS;
    int memory = MAX_MEM_LEVEL - 1;  // zlib's own choice
    // A window larger than the body finds no more in it, and costs its memory and that it is
    // cleared.
    while (window > 9 && size <= std::uint64_t{1} << (window - 1)) {
      --window;
      if (memory > 1) --memory;
    }
    ready_ = ::deflateInit2(&stream_, level, Z_DEFLATED, window + gzip_wrapper, memory,
                            Z_DEFAULT_STRATEGY) == Z_OK;
  }
  ~GzipEncoder() override {
    if (ready_) ::deflateEnd(&stream_);
  }

  bool ready() const { return ready_; }

  Step next(std::string_view input, bool is_last, std::span<char> output) override {
    return deflate(input, is_last ? Z_FINISH : Z_NO_FLUSH, output);
  }
  Step flush(std::span<char> output) override {
    Step step = deflate({}, Z_SYNC_FLUSH, output);
    step.done = step.produced < output.size();  // zlib.h, deflate
    return step;
  }

 private:
  Step deflate(std::string_view input, int flush, std::span<char> output) {
    constexpr std::size_t most = std::numeric_limits<::uInt>::max();
    const std::size_t given = std::min(input.size(), most);
    const std::size_t room = std::min(output.size(), most);
    stream_.next_in = const_cast<std::uint8_t*>(bytes_of(input));
    stream_.avail_in = static_cast<::uInt>(given);
    stream_.next_out = reinterpret_cast<std::uint8_t*>(output.data());
    stream_.avail_out = static_cast<::uInt>(room);
    const int said = ::deflate(&stream_, given == input.size() ? flush : Z_NO_FLUSH);
    // Z_BUF_ERROR: no room, or nothing to do.
    return {.consumed = given - stream_.avail_in,
            .produced = room - stream_.avail_out,
            .done = said == Z_STREAM_END,
            .failed = said != Z_OK && said != Z_STREAM_END && said != Z_BUF_ERROR};
  }

  ::z_stream stream_{};
  bool ready_ = false;
};

class BrotliEncoder final : public Encoder {
 public:
  BrotliEncoder(std::uint32_t quality, std::uint64_t size)
      : state_(::BrotliEncoderCreateInstance(nullptr, nullptr, nullptr)) {
    if (state_ == nullptr) return;
    std::uint32_t window = largest_window;
    while (window > BROTLI_MIN_WINDOW_BITS && size <= std::uint64_t{1} << (window - 1)) --window;
    ready_ = ::BrotliEncoderSetParameter(state_, BROTLI_PARAM_QUALITY, quality) == BROTLI_TRUE &&
             ::BrotliEncoderSetParameter(state_, BROTLI_PARAM_LGWIN, window) == BROTLI_TRUE &&
             ::BrotliEncoderSetParameter(state_, BROTLI_PARAM_SIZE_HINT,
                                         static_cast<std::uint32_t>(std::min<std::uint64_t>(
                                             size, std::numeric_limits<std::uint32_t>::max()))) ==
                 BROTLI_TRUE;
  }
  ~BrotliEncoder() override { ::BrotliEncoderDestroyInstance(state_); }

  bool ready() const { return ready_; }

  Step next(std::string_view input, bool is_last, std::span<char> output) override {
    Step step =
        compress(input, is_last ? BROTLI_OPERATION_FINISH : BROTLI_OPERATION_PROCESS, output);
    step.done = ::BrotliEncoderIsFinished(state_) == BROTLI_TRUE;
    return step;
  }
  Step flush(std::span<char> output) override {
    Step step = compress({}, BROTLI_OPERATION_FLUSH, output);
    step.done = ::BrotliEncoderHasMoreOutput(state_) == BROTLI_FALSE;
    return step;
  }

 private:
  Step compress(std::string_view input, ::BrotliEncoderOperation operation,
                std::span<char> output) {
    std::size_t left = input.size();
    const std::uint8_t* from = bytes_of(input);
    std::size_t room = output.size();
    auto* to = reinterpret_cast<std::uint8_t*>(output.data());
    const BROTLI_BOOL well =
        ::BrotliEncoderCompressStream(state_, operation, &left, &from, &room, &to, nullptr);
    return {.consumed = input.size() - left,
            .produced = output.size() - room,
            .failed = well != BROTLI_TRUE};
  }

  // The library's own is 22: four megabytes a stream for what is mostly a page or a script.
  static constexpr std::uint32_t largest_window = 18;

  ::BrotliEncoderState* state_;
  bool ready_ = false;
};

template <typename Kind, typename Level>
std::unique_ptr<Encoder> ready_or_none(Level level, std::uint64_t size) {
  std::unique_ptr<Kind> encoder(new (std::nothrow) Kind(level, size));
  if (encoder == nullptr || !encoder->ready()) return nullptr;
  return encoder;
}

}  // namespace

std::unique_ptr<Encoder> Encoder::make(ContentCoding coding, const CompressionSettings& settings,
                                       std::uint64_t size) {
  switch (coding) {
    case ContentCoding::gzip:
      return ready_or_none<GzipEncoder>(int{settings.gzip_level}, size);
    case ContentCoding::br:
      return ready_or_none<BrotliEncoder>(std::uint32_t{settings.brotli_quality}, size);
    case ContentCoding::zstd:
      break;
  }
  return nullptr;
}

EncoderPool::Lease EncoderPool::take(ContentCoding coding, const CompressionSettings& settings,
                                     std::uint64_t size) {
  if (in_use_ == most) return {};
  auto encoder = Encoder::make(coding, settings, size);
  if (encoder == nullptr) return {};
  ++in_use_;
  return {encoder.release(), GiveBack{&in_use_}};
}

std::size_t encode_whole(ContentCoding coding, const CompressionSettings& settings,
                         std::string_view body, std::span<char> into) {
  const auto encoder = Encoder::make(coding, settings, body.size());
  if (encoder == nullptr) return 0;
  std::size_t produced = 0;
  for (;;) {
    const Encoder::Step step = encoder->next(body, true, into.subspan(produced));
    body.remove_prefix(step.consumed);
    produced += step.produced;
    if (step.done) return produced;
    if (step.failed || produced == into.size()) return 0;
    // Neither library stops before its output is full.
    if (step.consumed == 0 && step.produced == 0) return 0;
  }
}

}  // namespace perchild::files
