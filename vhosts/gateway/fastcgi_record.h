// FastCGI 1.0 records, from the side of the web server: one request at a time on a connection, in
// the role of a responder. Pure functions; nothing here does I/O.
//
// Does not trust: the program. What it sends is checked byte by byte, and costs no memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "vhosts/gateway/variable_sink.h"

namespace perchild::gateway {

inline constexpr std::size_t max_record_content = 65'535;
inline constexpr std::size_t record_header_bytes = 8;
inline constexpr std::size_t max_params_bytes = 256 * 1024;

// What a request begins with: its begin record and all of its parameters.
//
//   FastCgiRequest request(out, true);
//   write_cgi_variables(variables, request);
//   if (!request.finish()) ...
class FastCgiRequest final : public VariableSink {
 public:
  // Appends to `out`. `keep_connection`: the program is to leave the connection open when it has
  // answered.
  FastCgiRequest(std::string& out, bool keep_connection);

  void put(std::string_view name, std::string_view value) override;

  // Ends the parameters. False if they came to more than max_params_bytes: `out` is no request.
  [[nodiscard]] bool finish();

 private:
  void put_length(std::size_t length);
  void append(std::string_view bytes);
  void open_record();
  void close_record();

  std::string& out_;
  std::size_t record_ = 0;  // where the header of the open record is
  std::size_t params_ = 0;
};

using RecordHeader = std::array<char, record_header_bytes>;

// Stands in front of `length` bytes of the request's body, max_record_content at most. With 0 the
// body ends, which it must, even one that is empty.
RecordHeader body_record_header(std::size_t length);

// Tells the program that nobody waits for its answer any more. It has to end the request all the
// same.
RecordHeader abort_record();

enum class FastCgiReject : std::uint8_t {
  bad_version,
  bad_request_id,   // of a request that was not made
  bad_type,         // it is none that is due: nothing was asked but to answer a request
  stream_resumed,   // output behind its end
  bad_end_request,  // not of eight bytes, or of an unknown status
};
std::string_view text_of(FastCgiReject reason);

// How the program ended a request.
enum class ProtocolStatus : std::uint8_t { complete, cannot_multiplex, overloaded, unknown_role };

// Decodes the records that answer one request, as they arrive. Call next() with the bytes that have
// not been consumed yet until it says `incomplete`, `ended` or `rejected`; nothing that was
// consumed is looked at again, so the buffer may be dropped or moved between calls.
class FastCgiDecoder {
 public:
  enum class State : std::uint8_t {
    incomplete,    // everything was consumed; more bytes are needed
    output,        // `data` is the next part of the answer; call again with the rest
    error_output,  // `data` is for the error log; call again with the rest
    ended,         // the request has ended; the connection may be used for another
    rejected,      // see reason(); the connection is of no use any more
  };

  struct Step {
    State state;
    std::size_t consumed;   // bytes of the input, `data` included
    std::string_view data;  // within the input; empty unless state is one of the outputs
  };

  // Once ended or rejected it stays so, consuming nothing, until reset().
  Step next(std::string_view bytes);

  FastCgiReject reason() const { return reason_; }                     // with State::rejected
  std::uint32_t application_status() const { return app_status_; }     // with State::ended
  ProtocolStatus protocol_status() const { return protocol_status_; }  // with State::ended
  void reset() { *this = FastCgiDecoder{}; }

 private:
  // What the next byte belongs to. The order matters: finished() compares.
  enum class Phase : std::uint8_t { header, content, end_body, padding, ended, rejected };

  bool finished() const { return phase_ >= Phase::ended; }
  std::size_t gather(std::string_view bytes, std::size_t at);
  void finish_header();
  void finish_end_body();
  void enter_padding();
  void finish_record();
  void reject(FastCgiReject reason);

  std::array<unsigned char, record_header_bytes> gathered_{};  // of a header or an end's body
  std::uint8_t gathered_bytes_ = 0;
  std::uint8_t type_ = 0;
  std::uint8_t padding_ = 0;
  std::uint16_t left_ = 0;  // of the content
  bool output_ended_ = false;
  bool error_output_ended_ = false;
  Phase phase_ = Phase::header;
  FastCgiReject reason_{};
  ProtocolStatus protocol_status_{};
  std::uint32_t app_status_ = 0;
};

}  // namespace perchild::gateway
