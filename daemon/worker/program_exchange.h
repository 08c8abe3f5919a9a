// One request with a program, once there is a connection to it: the request's body goes there and
// the response comes back at the same time, so that neither side can make the other wait for ever.
// Of the program's output so much is held for a client who takes it slowly that the program is done
// with its answer, and free for the next visitor.
//
// Runs in: worker.
// Does not trust: the client; the program, whose heads are parsed and whose lengths are kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/worker/backend_stream.h"
#include "daemon/worker/held_response.h"
#include "daemon/worker/program_encoding.h"
#include "daemon/worker/program_input.h"
#include "daemon/worker/request.h"
#include "daemon/worker/response.h"
#include "daemon/worker/sending.h"
#include "daemon/worker/session.h"
#include "daemon/worker/task.h"

namespace perchild {

enum class ExchangeEnd : std::uint8_t {
  complete,
  refused,  // nothing was sent: the response is an error, or what a program's head leads to
  moved,    // nothing was sent: the program leads to another path, location()
  cut_off,  // something was sent, and the rest cannot be: the connection ends
  client_gone,
  client_slow,
};

class ProgramExchange {
 public:
  ProgramExchange(Connection& connection, SessionContext& context, Request& request,
                  Response& response, BackendStream& stream, ProgramInput& input, Sending& sending);
  virtual ~ProgramExchange() = default;
  ProgramExchange(const ProgramExchange&) = delete;
  ProgramExchange& operator=(const ProgramExchange&) = delete;

  Task<ExchangeEnd> run();

  // Afterwards: whether the program is somebody else's already.
  bool has_released() const { return released_; }
  // If not, whether the connection to it is good for another request.
  virtual bool is_reusable() const = 0;
  // Whether what follows is another protocol, of which these bytes have come already.
  virtual std::optional<std::string_view> bytes_of_other_protocol() const { return std::nullopt; }
  // Whether not a byte has come back: it may have been closed before it was asked.
  bool is_untouched() const { return !heard_; }
  bool has_sent_all_input() const { return input_ended_ && !input_lost_ && before_.empty(); }
  // With ExchangeEnd::moved.
  std::string_view location() const { return location_; }

 protected:
  // What the program has sent. Afterwards failed() may be true.
  virtual void take_output(std::string_view bytes) = 0;
  // There will be no more.
  virtual void take_end() = 0;
  // The status and the fields of the program's head, but for those about the body's length.
  virtual int status() const = 0;
  virtual std::string_view reason() const = 0;
  using FieldSink = std::function<void(const http1::Field&)>;
  virtual void for_each_field(const FieldSink& sink) const = 0;
  // What stands before and behind a piece of the request's body.
  virtual void frame_input(std::string_view piece, std::string& before) = 0;
  virtual void end_input(std::string& before) = 0;
  // Whether nobody else is served by it meanwhile.
  virtual bool is_others_loss() const { return true; }

  // Whether it is done with its response: the end may be near.
  virtual bool ends_with_response() const { return false; }

  // For these. Until the head is there:
  void fail(int status, std::string_view problem);
  void move(std::string_view location);
  // The head is complete; `length`: what it says of the body's.
  void set_head(std::optional<std::uint64_t> length);
  bool has_head() const { return has_head_; }
  // `bytes` stay where they are until what has been read is used up.
  void put_body(std::string_view bytes);
  // A whole interim response, before the head: it goes to the client at once.
  void put_interim(std::string_view response);
  void end_body();
  bool is_ended() const { return ended_; }
  BackendStream& stream() { return stream_; }
  Request& request() { return request_; }
  SessionContext& context() { return context_; }
  Connection& connection() { return connection_; }
  // Before run(): what the program gets before the body.
  std::string& prelude() { return to_program_; }

 private:
  enum class Framing : std::uint8_t { none, length, chunked, until_close, by_carrier };

  bool awaits_end() const;
  bool make_head();
  bool begin_encoding(std::optional<std::uint64_t>& length);
  bool encode(std::string& body, bool is_last);
  void frame_body();
  void keep_fresh();
  std::size_t unframed_in_memory() const { return fresh_.size() + held_.in_memory().size(); }
  bool has_output() const { return !head_.empty() || !body_.empty(); }
  std::optional<ExchangeEnd> send_output(bool& moved);
  bool read_program();
  bool has_room() const;
  bool make_room();
  bool write_program();
  void release_program();
  bool take_input();
  std::optional<ExchangeEnd> outcome() const;
  bool awaits_client() const;
  bool client_is_slow();
  void drop_periods();

  Connection& connection_;
  SessionContext& context_;
  Request& request_;
  Response& response_;
  BackendStream& stream_;
  ProgramInput& input_;
  Sending& sending_;

  // To the program: what is left of `to_program_`, and of the piece of the body that follows it.
  std::string to_program_;
  std::string_view before_, piece_;
  std::size_t given_ = 0;     // since its time began anew
  bool input_ended_ = false;  // its end is in to_program_, or has been sent
  bool input_lost_ = false;   // the program does not read it

  // To the client: what is left of these, and the texts that they are of.
  std::string head_text_, body_text_;
  std::string_view head_, body_;
  // Of the body, not framed yet: where it was read into, or behind one another, if it cannot be
  // sent at once.
  std::string_view fresh_;
  HeldResponse held_;
  const bool may_fill_file_;
  std::uint64_t in_flight_ = 0;        // bytes of the body in body_text_, without framing
  std::optional<std::uint64_t> left_;  // of the body, by what its head says
  std::optional<std::uint64_t> declared_;
  Framing framing_ = Framing::none;
  ProgramEncoding encoding_;
  std::string location_;
  bool heard_ = false;
  bool has_head_ = false;
  bool awaited_end_ = false;  // for as long as may be
  bool head_made_ = false;
  bool ended_ = false;
  bool released_ = false;
  bool end_framed_ = false;
  bool failed_ = false;
  bool moved_ = false;
  bool short_ = false;          // the body ended before its length
  bool body_is_kept_ = true;    // body_ is of body_text_, not where it was read into
  bool paced_by_body_ = false;  // which pace the connection's deadline is of
};

}  // namespace perchild
