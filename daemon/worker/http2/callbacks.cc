#include "daemon/worker/http2/callbacks.h"

#include <algorithm>

#include "daemon/worker/http2/client_connection.h"
#include "daemon/worker/worker_loop.h"
#include "privsep/result.h"

namespace perchild::http2 {
namespace {

// Of all fields of a block, decoded; what is beyond a head's bounds is answered 431.
constexpr std::size_t most_listed = 256 * 1024;
constexpr std::size_t most_acknowledgements = 100;
// With its own head, a frame of that size fills a record of TLS.
constexpr ssize_t most_data = 16 * 1024 - 9;

}  // namespace

struct Callbacks {
  static ClientConnection& of(void* user) { return *static_cast<ClientConnection*>(user); }
  static std::string_view view(const std::uint8_t* bytes, std::size_t length) {
    return {reinterpret_cast<const char*>(bytes), length};
  }

  static int on_begin_headers(::nghttp2_session*, const ::nghttp2_frame*, void* user) {
    of(user).fields_ = {};
    return 0;
  }

  static int on_header(::nghttp2_session*, const ::nghttp2_frame*, const std::uint8_t* name,
                       std::size_t name_length, const std::uint8_t* value, std::size_t value_length,
                       std::uint8_t, void* user) {
    ClientConnection& connection = of(user);
    connection.fields_.add(view(name, name_length), view(value, value_length));
    if (connection.fields_.list_size() <= most_listed) return 0;
    connection.nuisance_ = "fields that are too many or too large";
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  }

  static int on_frame_received(::nghttp2_session*, const ::nghttp2_frame* frame, void* user) {
    ClientConnection& connection = of(user);
    const std::int32_t id = frame->hd.stream_id;
    const bool is_end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS:
        if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
          connection.on_request(id, is_end);
          return 0;
        }
        break;  // trailers
      case NGHTTP2_DATA:
        if (!is_end && frame->hd.length > 0 && frame->hd.length == frame->data.padlen &&
            !connection.budget_.spend(Nuisance::empty_data, connection.connection_.loop().now())) {
          connection.nuisance_ = text_of(Nuisance::empty_data);
          return NGHTTP2_ERR_CALLBACK_FAILURE;
        }
        break;
      case NGHTTP2_PING:
        // What was sent before the client knew that the end comes is here.
        if (connection.announced_ && (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) {
          connection.end_after_streams();
        }
        return 0;
      default:
        return 0;
    }
    Stream* const stream = connection.find(id);
    if (is_end && stream != nullptr) {
      stream->on_end();
      connection.wake_later(id);
    }
    return 0;
  }

  static int on_data(::nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                     std::size_t length, void* user) {
    ClientConnection& connection = of(user);
    Stream* const stream = connection.find(id);
    if (stream == nullptr || !stream->takes_input()) {
      connection.credit(id, length);
      return 0;
    }
    stream->on_data(view(data, length));
    connection.wake_later(id);
    return 0;
  }

  static int on_stream_closed(::nghttp2_session* session, std::int32_t id, std::uint32_t,
                              void* user) {
    ClientConnection& connection = of(user);
    const bool by_client = ::nghttp2_session_get_stream_remote_close(session, id) == 1;
    connection.closed_.remember(id, by_client ? ClosedBy::client : ClosedBy::server);
    if (Stream* const stream = connection.find(id)) {
      stream->on_closed();
      connection.wake_later(id);
    }
    return 0;
  }

  static int on_frame_sent(::nghttp2_session*, const ::nghttp2_frame* frame, void* user) {
    of(user).on_sent(*frame);
    return 0;
  }

  static ssize_t length_of_data(::nghttp2_session*, std::uint8_t, std::int32_t,
                                std::int32_t window_of_connection, std::int32_t window_of_stream,
                                std::uint32_t most_of_frame, void*) {
    return std::min<ssize_t>(
        {window_of_connection, window_of_stream, static_cast<ssize_t>(most_of_frame), most_data});
  }

  static ::nghttp2_session_callbacks* make() {
    ::nghttp2_session_callbacks* made = nullptr;
    PERCHILD_ASSERT(::nghttp2_session_callbacks_new(&made) == 0);
    ::nghttp2_session_callbacks_set_on_begin_headers_callback(made, &on_begin_headers);
    ::nghttp2_session_callbacks_set_on_header_callback(made, &on_header);
    ::nghttp2_session_callbacks_set_on_frame_recv_callback(made, &on_frame_received);
    ::nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, &on_data);
    ::nghttp2_session_callbacks_set_on_stream_close_callback(made, &on_stream_closed);
    ::nghttp2_session_callbacks_set_on_frame_send_callback(made, &on_frame_sent);
    ::nghttp2_session_callbacks_set_data_source_read_length_callback(made, &length_of_data);
    return made;
  }
};

namespace {

::nghttp2_option* make_options() {
  ::nghttp2_option* made = nullptr;
  PERCHILD_ASSERT(::nghttp2_option_new(&made) == 0);
  // A window grows when what has come is used (ClientConnection::credit).
  ::nghttp2_option_set_no_auto_window_update(made, 1);
  ::nghttp2_option_set_max_outbound_ack(made, most_acknowledgements);
  ::nghttp2_option_set_no_closed_streams(made, 1);
  return made;
}

}  // namespace

::nghttp2_session* make_session(ClientConnection& connection) {
  static ::nghttp2_session_callbacks* const callbacks = Callbacks::make();
  static ::nghttp2_option* const options = make_options();
  ::nghttp2_session* session = nullptr;
  PERCHILD_ASSERT(::nghttp2_session_server_new2(&session, callbacks, &connection, options) == 0);
  return session;
}

}  // namespace perchild::http2
