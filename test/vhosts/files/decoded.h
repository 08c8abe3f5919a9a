// What a client makes of an encoded body.
#pragma once

#include <brotli/decode.h>
#include <zlib.h>

#include <string>
#include <string_view>

namespace perchild::test {

// "<broken>" if it is not exactly one complete gzip stream.
inline std::string gunzip(std::string_view encoded) {
  ::z_stream stream{};
  if (::inflateInit2(&stream, MAX_WBITS + 16) != Z_OK) return "<no memory>";
  std::string input(encoded);
  std::string output;
  stream.next_in = reinterpret_cast<std::uint8_t*>(input.data());
  stream.avail_in = static_cast<unsigned>(input.size());
  int said = Z_OK;
  while (said == Z_OK) {
    const std::size_t before = output.size();
    output.resize(before + 65536);
    stream.next_out = reinterpret_cast<std::uint8_t*>(output.data() + before);
    stream.avail_out = 65536;
    said = ::inflate(&stream, Z_NO_FLUSH);
    output.resize(output.size() - stream.avail_out);
  }
  const bool whole = said == Z_STREAM_END && stream.avail_in == 0;
  ::inflateEnd(&stream);
  return whole ? output : "<broken>";
}

inline std::string unbrotli(std::string_view encoded, std::size_t most = 8 * 1024 * 1024) {
  std::string output(most, '\0');
  std::size_t size = output.size();
  const auto said = ::BrotliDecoderDecompress(
      encoded.size(), reinterpret_cast<const std::uint8_t*>(encoded.data()), &size,
      reinterpret_cast<std::uint8_t*>(output.data()));
  if (said != BROTLI_DECODER_RESULT_SUCCESS) return "<broken>";
  output.resize(size);
  return output;
}

// What a client can show of a body that has not come to its end; a MiB at most.
inline std::string gunzip_so_far(std::string_view encoded) {
  ::z_stream stream{};
  if (::inflateInit2(&stream, MAX_WBITS + 16) != Z_OK) return "<no memory>";
  std::string input(encoded);
  std::string output(1024 * 1024, '\0');
  stream.next_in = reinterpret_cast<std::uint8_t*>(input.data());
  stream.avail_in = static_cast<unsigned>(input.size());
  stream.next_out = reinterpret_cast<std::uint8_t*>(output.data());
  stream.avail_out = static_cast<unsigned>(output.size());
  static_cast<void>(::inflate(&stream, Z_SYNC_FLUSH));
  output.resize(stream.total_out);
  ::inflateEnd(&stream);
  return output;
}

inline std::string unbrotli_so_far(std::string_view encoded) {
  ::BrotliDecoderState* const state = ::BrotliDecoderCreateInstance(nullptr, nullptr, nullptr);
  std::string output(1024 * 1024, '\0');
  std::size_t left = encoded.size();
  std::size_t room = output.size();
  const auto* from = reinterpret_cast<const std::uint8_t*>(encoded.data());
  auto* to = reinterpret_cast<std::uint8_t*>(output.data());
  static_cast<void>(::BrotliDecoderDecompressStream(state, &left, &from, &room, &to, nullptr));
  output.resize(output.size() - room);
  ::BrotliDecoderDestroyInstance(state);
  return output;
}

}  // namespace perchild::test
