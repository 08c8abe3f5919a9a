#include "test/support/http2_client.h"

#include <array>

namespace perchild::test {
namespace {

constexpr std::string_view preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr std::size_t head_length = 9;
constexpr std::size_t largest_frame = 16'384;

std::uint32_t number_of(std::string_view bytes) {
  std::uint32_t number = 0;
  for (const char c : bytes) number = number << 8 | static_cast<unsigned char>(c);
  return number;
}

std::string length_of_text(std::size_t length) {
  // RFC 7541, 5.1: an integer with a prefix of seven bits.
  std::string bytes;
  if (length < 127) return bytes.append(1, static_cast<char>(length));
  bytes.append(1, '\x7f');
  for (length -= 127; length >= 128; length /= 128) {
    bytes.append(1, static_cast<char>(length % 128 + 128));
  }
  return bytes.append(1, static_cast<char>(length));
}

}  // namespace

std::string number_bytes(std::uint32_t number) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(number >> shift);
  return bytes;
}

std::string setting_bytes(std::uint16_t id, std::uint32_t value) {
  return number_bytes(id).substr(2) + number_bytes(value);
}

std::string frame_bytes(const Http2Frame& frame, std::optional<std::size_t> length) {
  const auto said = static_cast<std::uint32_t>(length.value_or(frame.payload.size()));
  std::string bytes = number_bytes(said).substr(1);
  bytes += static_cast<char>(frame.type);
  bytes += static_cast<char>(frame.flags);
  return bytes + number_bytes(frame.stream) + frame.payload;
}

Http2Client::Http2Client(std::uint16_t port, const std::string& host,
                         const std::optional<std::string>& settings)
    : tls_(port, {.server_name = host, .protocols = "\x02h2\x08http/1.1"}), host_(host) {
  ::nghttp2_hd_inflater* inflater = nullptr;
  ::nghttp2_hd_inflate_new(&inflater);
  inflater_.reset(inflater);
  if (settings) {
    send(std::string(preface) + frame_bytes({.type = NGHTTP2_SETTINGS, .payload = *settings}));
  }
}

std::string Http2Client::block_of(const Http2Fields& fields) {
  std::string block;
  for (const auto& [name, value] : fields) {
    block += '\x10';  // RFC 7541, 6.2.3, with a new name
    block += length_of_text(name.size()) + name + length_of_text(value.size()) + value;
  }
  return block;
}

std::uint32_t Http2Client::request(const Http2Fields& fields, bool is_whole) {
  const std::uint32_t stream = next_stream();
  std::string block = block_of(fields);
  for (std::uint8_t type = NGHTTP2_HEADERS;; type = NGHTTP2_CONTINUATION) {
    int flags = block.size() <= largest_frame ? end_headers : 0;
    if (type == NGHTTP2_HEADERS && is_whole) flags |= end_stream;
    send_frame({type, static_cast<std::uint8_t>(flags), stream, block.substr(0, largest_frame)});
    if (block.size() <= largest_frame) return stream;
    block.erase(0, largest_frame);
  }
}

Http2Fields Http2Client::fields_of(const std::string& method, const std::string& path,
                                   const Http2Fields& more) const {
  Http2Fields fields{
      {":method", method}, {":scheme", "https"}, {":authority", host_}, {":path", path}};
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

std::uint32_t Http2Client::get(const std::string& path, const Http2Fields& more) {
  return request(fields_of("GET", path, more));
}

void Http2Client::send_data(std::uint32_t stream, const std::string& bytes, bool is_last) {
  const std::uint8_t flags = is_last ? end_stream : 0;
  send_frame({NGHTTP2_DATA, flags, stream, bytes});
}

std::optional<Http2Frame> Http2Client::receive() {
  for (;;) {
    if (input_.size() >= head_length) {
      const std::size_t length = number_of(std::string_view(input_).substr(0, 3));
      if (input_.size() >= head_length + length) {
        const Http2Frame frame{
            static_cast<std::uint8_t>(input_[3]), static_cast<std::uint8_t>(input_[4]),
            number_of(std::string_view(input_).substr(5, 4)), input_.substr(head_length, length)};
        input_.erase(0, head_length + length);
        take(frame);
        return frame;
      }
    }
    const std::string some = tls_.receive_some();
    if (some.empty()) return std::nullopt;
    input_ += some;
  }
}

void Http2Client::take(const Http2Frame& frame) {
  Http2Response& response = responses_[frame.stream];
  switch (frame.type) {
    case NGHTTP2_HEADERS:
      take_block(frame.stream, frame.payload);
      break;
    case NGHTTP2_DATA:
      response.body += frame.payload;
      if (credits && !frame.payload.empty()) {
        const std::string count = number_bytes(static_cast<std::uint32_t>(frame.payload.size()));
        send_frame({.type = NGHTTP2_WINDOW_UPDATE, .payload = count});
        send_frame({NGHTTP2_WINDOW_UPDATE, 0, frame.stream, count});
      }
      break;
    case NGHTTP2_RST_STREAM:
      response.reset = number_of(frame.payload);
      return;
    case NGHTTP2_GOAWAY:
      goaway_ = number_of(std::string_view(frame.payload).substr(4, 4));
      return;
    case NGHTTP2_SETTINGS:
    case NGHTTP2_PING:
      if ((frame.flags & ack) == 0 && acknowledges) {
        send_frame({frame.type, ack, 0, frame.type == NGHTTP2_PING ? frame.payload : ""});
      } else if (frame.type == NGHTTP2_PING) {
        ++pongs_;
      }
      return;
    default:
      return;
  }
  if ((frame.flags & end_stream) != 0) response.ended = true;
}

void Http2Client::take_block(std::uint32_t stream, const std::string& block) {
  Http2Response& response = responses_[stream];
  const auto* at = reinterpret_cast<const std::uint8_t*>(block.data());
  std::size_t left = block.size();
  int status = 0;
  for (;;) {
    ::nghttp2_nv pair;
    int flags = 0;
    const ssize_t used = ::nghttp2_hd_inflate_hd2(inflater_.get(), &pair, &flags, at, left, 1);
    if (used < 0) return;
    at += used;
    left -= static_cast<std::size_t>(used);
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
      const std::string name(reinterpret_cast<const char*>(pair.name), pair.namelen);
      const std::string value(reinterpret_cast<const char*>(pair.value), pair.valuelen);
      if (name == ":status") status = std::stoi(value);
      response.fields[name] = value;
    }
    if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) break;
  }
  ::nghttp2_hd_inflate_end_headers(inflater_.get());
  if (status >= 100 && status < 200) {
    response.interim.push_back(status);
  } else {
    response.status = status;
  }
}

Http2Response Http2Client::response(std::uint32_t stream) {
  for (;;) {
    const Http2Response& response = responses_[stream];
    if (response.ended || response.reset || !receive()) return response;
  }
}

std::optional<std::uint32_t> Http2Client::last_goaway() {
  while (receive()) {
  }
  return goaway_;
}

bool Http2Client::settle() {
  const std::uint8_t before = pongs_;
  send_frame({.type = NGHTTP2_PING, .payload = "settled?"});
  while (pongs_ == before) {
    if (!receive()) return false;
  }
  return true;
}

}  // namespace perchild::test
