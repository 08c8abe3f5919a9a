#include "daemon/worker/http2/stream.h"

#include <nghttp2/nghttp2.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "daemon/worker/http2/client_connection.h"
#include "vhosts/http2/response_fields.h"

namespace perchild::http2 {
namespace {

// Of a response's body, waiting for its turn and for the client's window.
constexpr std::size_t most_output = 32 * 1024;
constexpr std::string_view end_of_head = "\r\n\r\n";

::nghttp2_nv pair_of(std::string_view name, std::string_view value) {
  // nghttp2 copies them.
  return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
          reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(),
          value.size(), NGHTTP2_NV_FLAG_NONE};
}

std::vector<::nghttp2_nv> pairs_of(const ResponseFields& response) {
  std::vector<::nghttp2_nv> pairs;
  pairs.reserve(response.fields.size() + 1);
  pairs.push_back(pair_of(":status", response.status));
  for (const http1::Field& field : response.fields) {
    pairs.push_back(pair_of(field.name, field.value));
  }
  return pairs;
}

ssize_t read_output(::nghttp2_session*, std::int32_t id, std::uint8_t* into, std::size_t length,
                    std::uint32_t* flags, ::nghttp2_data_source* source, void*) {
  // The stream may have gone since.
  Stream* const stream = static_cast<ClientConnection*>(source->ptr)->find(id);
  if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  bool is_last = false;
  const std::size_t count = stream->take_output({into, length}, is_last);
  if (is_last) *flags |= NGHTTP2_DATA_FLAG_EOF;
  if (count == 0 && !is_last) return NGHTTP2_ERR_DEFERRED;
  return static_cast<ssize_t>(count);
}

}  // namespace

Stream::Stream(ClientConnection& parent, Connection& carried, const Request& request)
    : parent_(parent),
      carried_(carried),
      id_(request.id),
      input_ended_(request.is_whole),
      is_for_tunnel_(request.is_for_tunnel) {}

Connection::Received Stream::receive(std::span<char> room, std::size_t& count) {
  if (closed_) return Connection::Received::failed;
  const std::string_view here = std::string_view(input_).substr(input_begin_);
  if (here.empty()) {
    return input_ended_ ? Connection::Received::end : Connection::Received::nothing_yet;
  }
  count = here.copy(room.data(), room.size());
  input_begin_ += count;
  if (input_begin_ == input_.size()) {
    input_.clear();
    input_begin_ = 0;
  }
  parent_.credit(id_, count);
  return Connection::Received::bytes;
}

std::size_t Stream::room() const {
  const std::size_t waiting = output_.size() - output_begin_;
  return waiting < most_output ? most_output - waiting : 0;
}

// False if it cannot be sent.
bool Stream::take_head(std::string_view head) {
  std::string text(head);
  const std::string_view status = status_of_head(head);
  const bool is_switch = status == "101";
  if (is_for_tunnel_ && is_switch) {
    set_status_of_head(text, "200");
  } else if (is_switch || (is_for_tunnel_ && status.starts_with('2'))) {
    // What is no tunnel must not be taken for one.
    cut_off(NGHTTP2_CONNECT_ERROR);
    return false;
  } else if (status.starts_with('1')) {
    return take_interim_heads(head);
  }
  head_ = std::move(text);
  has_head_ = true;
  return true;
}

// A program may give several at once.
bool Stream::take_interim_heads(std::string_view heads) {
  while (!heads.empty()) {
    std::string head(heads.substr(0, heads.find(end_of_head) + end_of_head.size()));
    heads.remove_prefix(head.size());
    const ResponseFields response = split_response_head(head);
    const std::vector<::nghttp2_nv> pairs = pairs_of(response);
    if (::nghttp2_submit_headers(parent_.session(), NGHTTP2_FLAG_NONE, id_, nullptr, pairs.data(),
                                 pairs.size(), nullptr) < 0) {
      return false;
    }
  }
  return true;
}

ssize_t Stream::send(std::string_view head, std::string_view body) {
  if (closed_ || (!head.empty() && !take_head(head))) return -1;
  const std::string_view part = body.substr(0, room());
  output_.append(part);
  on_output();
  parent_.count_carried(head.size() + part.size());
  return static_cast<ssize_t>(head.size() + part.size());
}

ssize_t Stream::send_file(BorrowedFd file, off_t& offset, std::size_t count) {
  if (closed_) {
    errno = EPIPE;
    return -1;
  }
  const std::size_t wanted = std::min(count, room());
  if (wanted == 0) return 0;
  const std::size_t before = output_.size();
  output_.resize(before + wanted);
  const ssize_t got = ::pread64(file.get(), output_.data() + before, wanted, offset);
  output_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (got <= 0) {
    if (got == 0) errno = ENODATA;  // the file has become shorter than its response says
    return -1;
  }
  offset += got;
  on_output();
  parent_.count_carried(static_cast<std::size_t>(got));
  return got;
}

// What the client's machine has acknowledged is of all streams together; but where its own windows
// keep this one's bytes back, that is none of its part.
std::uint64_t Stream::bytes_taken() {
  const std::uint64_t of_connection = parent_.bytes_taken();
  const bool is_held_back = output_.size() > output_begin_ && parent_.holds_back(id_);
  if (seen_ && !is_held_back) taken_ += of_connection - *seen_;
  seen_ = of_connection;
  return taken_;
}

void Stream::on_output() {
  if (deferred_) {
    deferred_ = false;
    ::nghttp2_session_resume_data(parent_.session(), id_);
  }
  parent_.on_output(has_head_ && !head_submitted_ ? this : nullptr);
}

void Stream::end() {
  ended_ = true;
  if (!closed_) on_output();
}

void Stream::cut_off(std::uint32_t code) {
  ended_ = true;
  if (closed_) return;
  closed_ = true;
  parent_.reset(id_, code);
}

void Stream::finish() {
  // RFC 9113, 8.1: the response does not depend on what has not come of the request.
  if (!closed_ && !input_ended_) parent_.reset(id_, NGHTTP2_NO_ERROR);
  parent_.credit(id_, input_.size() - input_begin_);
  carried_.finish();
  parent_.remove(id_);
}

void Stream::on_data(std::string_view bytes) {
  input_.append(bytes);
  events_ |= EPOLLIN;
}

void Stream::on_end() {
  input_ended_ = true;
  events_ |= EPOLLIN;
}

void Stream::on_sent_all() {
  sent_all_ = true;
  events_ |= EPOLLOUT;
}

void Stream::on_closed() {
  closed_ = true;
  events_ |= sent_all_ ? EPOLLOUT : EPOLLIN | EPOLLOUT | EPOLLHUP;
}

void Stream::wake() {
  const std::uint32_t events = std::exchange(events_, 0);
  if (events != 0) carried_.on_events(events);
}

void Stream::submit_head() {
  if (std::exchange(head_submitted_, true)) return;
  const ResponseFields response = split_response_head(head_);
  const std::vector<::nghttp2_nv> pairs = pairs_of(response);
  const ::nghttp2_data_provider body{{.ptr = &parent_}, &read_output};
  const bool has_body = !ended_ || output_.size() > output_begin_;
  ::nghttp2_submit_response(parent_.session(), id_, pairs.data(), pairs.size(),
                            has_body ? &body : nullptr);
  head_.clear();
}

std::size_t Stream::take_output(std::span<std::uint8_t> into, bool& is_last) {
  const std::size_t count = std::min(into.size(), output_.size() - output_begin_);
  std::copy_n(output_.data() + output_begin_, count, into.data());
  output_begin_ += count;
  taken_ += count;
  if (output_begin_ == output_.size()) {
    output_.clear();
    output_begin_ = 0;
    is_last = ended_;
  } else if (output_begin_ >= most_output) {
    output_.erase(0, std::exchange(output_begin_, 0));
  }
  deferred_ = count == 0 && !is_last;
  if (!carried_.may_write() && output_.size() - output_begin_ <= most_output / 2) {
    events_ |= EPOLLOUT;
    parent_.wake_later(id_);
  }
  return count;
}

}  // namespace perchild::http2
