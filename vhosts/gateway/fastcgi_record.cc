#include "vhosts/gateway/fastcgi_record.h"

#include <algorithm>
#include <cstdlib>

namespace perchild::gateway {
namespace {

// FastCGI 1.0, 8.
constexpr std::uint8_t version = 1;
constexpr std::uint8_t begin_request = 1;
constexpr std::uint8_t abort_request = 2;
constexpr std::uint8_t end_request = 3;
constexpr std::uint8_t params = 4;
constexpr std::uint8_t standard_input = 5;
constexpr std::uint8_t standard_output = 6;
constexpr std::uint8_t standard_error = 7;
constexpr std::uint8_t responder = 1;
constexpr std::uint8_t keep_conn = 1;

// There is one request at a time, so one number does for all.
constexpr std::uint16_t request_id = 1;

constexpr std::size_t begin_body_bytes = 8;
constexpr std::size_t end_body_bytes = 8;
constexpr std::size_t longest_short_length = 127;  // FastCGI 1.0, 3.4

constexpr char byte(std::size_t value) {
  return static_cast<char>(static_cast<unsigned char>(value & 0xff));
}

RecordHeader header_of(std::uint8_t type, std::size_t length) {
  if (length > max_record_content) std::abort();  // our caller's bug
  return {byte(version),
          byte(type),
          byte(request_id >> 8),
          byte(request_id),
          byte(length >> 8),
          byte(length),
          0,
          0};
}

}  // namespace

FastCgiRequest::FastCgiRequest(std::string& out, bool keep_connection) : out_(out) {
  const RecordHeader header = header_of(begin_request, begin_body_bytes);
  const std::array<char, begin_body_bytes> body{0, byte(responder),
                                                byte(keep_connection ? keep_conn : 0)};
  out_.append(header.data(), header.size());
  out_.append(body.data(), body.size());
  open_record();
}

void FastCgiRequest::put(std::string_view name, std::string_view value) {
  constexpr std::size_t most_for_lengths = 8;
  params_ += name.size() + value.size() + most_for_lengths;
  if (params_ > max_params_bytes) return;  // finish() says so
  put_length(name.size());
  put_length(value.size());
  append(name);
  append(value);
}

bool FastCgiRequest::finish() {
  if (out_.size() > record_ + record_header_bytes) {
    close_record();
    open_record();
  }
  close_record();  // an empty one, which ends the stream
  return params_ <= max_params_bytes;
}

void FastCgiRequest::put_length(std::size_t length) {
  if (length <= longest_short_length) {
    const char short_form = byte(length);
    return append({&short_form, 1});
  }
  const std::array<char, 4> long_form{byte(length >> 24 | 0x80), byte(length >> 16),
                                      byte(length >> 8), byte(length)};
  append({long_form.data(), long_form.size()});
}

void FastCgiRequest::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t room = max_record_content - (out_.size() - record_ - record_header_bytes);
    if (room == 0) {
      close_record();
      open_record();
      continue;
    }
    const std::string_view part = bytes.substr(0, room);
    out_.append(part);
    bytes.remove_prefix(part.size());
  }
}

void FastCgiRequest::open_record() {
  record_ = out_.size();
  out_.append(record_header_bytes, '\0');
}

void FastCgiRequest::close_record() {
  const RecordHeader header = header_of(params, out_.size() - record_ - record_header_bytes);
  std::copy(header.begin(), header.end(), out_.begin() + static_cast<std::ptrdiff_t>(record_));
}

RecordHeader body_record_header(std::size_t length) {
  return header_of(standard_input, length);
}

RecordHeader abort_record() {
  return header_of(abort_request, 0);
}

std::string_view text_of(FastCgiReject reason) {
  switch (reason) {
    case FastCgiReject::bad_version:
      return "a record is not of version 1 of FastCGI";
    case FastCgiReject::bad_request_id:
      return "a record names a request that was not made";
    case FastCgiReject::bad_type:
      return "a record is of a type that was not to be expected";
    case FastCgiReject::stream_resumed:
      return "a stream goes on behind its end";
    case FastCgiReject::bad_end_request:
      return "the record that ends the request is malformed";
  }
  return "";
}

FastCgiDecoder::Step FastCgiDecoder::next(std::string_view bytes) {
  std::size_t at = 0;
  while (at < bytes.size() && !finished()) {
    switch (phase_) {
      case Phase::header:
        at = gather(bytes, at);
        if (gathered_bytes_ == record_header_bytes) finish_header();
        break;
      case Phase::content: {
        const std::string_view data = bytes.substr(at, left_);
        left_ = static_cast<std::uint16_t>(left_ - data.size());
        if (left_ == 0) enter_padding();
        const bool is_output = type_ == standard_output;
        return {is_output ? State::output : State::error_output, at + data.size(), data};
      }
      case Phase::end_body:
        at = gather(bytes, at);
        if (gathered_bytes_ == end_body_bytes) finish_end_body();
        break;
      default: {
        const std::size_t skipped = std::min<std::size_t>(padding_, bytes.size() - at);
        at += skipped;
        padding_ = static_cast<std::uint8_t>(padding_ - skipped);
        if (padding_ == 0) finish_record();
      }
    }
  }
  if (phase_ == Phase::rejected) return {State::rejected, at, {}};
  return {phase_ == Phase::ended ? State::ended : State::incomplete, at, {}};
}

// Eight bytes, which may come one by one. Where they end is in the caller's view.
std::size_t FastCgiDecoder::gather(std::string_view bytes, std::size_t at) {
  while (at < bytes.size() && gathered_bytes_ < gathered_.size()) {
    gathered_[gathered_bytes_++] = static_cast<unsigned char>(bytes[at++]);
  }
  return at;
}

void FastCgiDecoder::finish_header() {
  gathered_bytes_ = 0;
  type_ = gathered_[1];
  left_ = static_cast<std::uint16_t>(gathered_[4] << 8 | gathered_[5]);
  padding_ = gathered_[6];
  if (gathered_[0] != version) return reject(FastCgiReject::bad_version);
  if (type_ != standard_output && type_ != standard_error && type_ != end_request) {
    return reject(FastCgiReject::bad_type);
  }
  if ((gathered_[2] << 8 | gathered_[3]) != request_id) {
    return reject(FastCgiReject::bad_request_id);
  }
  if (type_ == end_request) {
    if (left_ != end_body_bytes) return reject(FastCgiReject::bad_end_request);
    phase_ = Phase::end_body;
    return;
  }
  bool& ended = type_ == standard_output ? output_ended_ : error_output_ended_;
  if (ended && left_ != 0) return reject(FastCgiReject::stream_resumed);
  ended = left_ == 0;
  if (ended) return enter_padding();
  phase_ = Phase::content;
}

void FastCgiDecoder::finish_end_body() {
  gathered_bytes_ = 0;
  constexpr auto greatest = static_cast<unsigned char>(ProtocolStatus::unknown_role);
  if (gathered_[4] > greatest) return reject(FastCgiReject::bad_end_request);
  app_status_ = static_cast<std::uint32_t>(gathered_[0]) << 24 |
                static_cast<std::uint32_t>(gathered_[1]) << 16 |
                static_cast<std::uint32_t>(gathered_[2]) << 8 | gathered_[3];
  protocol_status_ = static_cast<ProtocolStatus>(gathered_[4]);
  enter_padding();
}

// What the padding holds means nothing, but it has to be taken off the connection before that can
// be used again.
void FastCgiDecoder::enter_padding() {
  phase_ = Phase::padding;
  if (padding_ == 0) finish_record();
}

void FastCgiDecoder::finish_record() {
  phase_ = type_ == end_request ? Phase::ended : Phase::header;
}

void FastCgiDecoder::reject(FastCgiReject reason) {
  phase_ = Phase::rejected;
  reason_ = reason;
}

}  // namespace perchild::gateway
