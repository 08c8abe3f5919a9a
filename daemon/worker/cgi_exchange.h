// A request with a program that speaks FastCGI, or with a CGI script: what they answer has the same
// head.
//
// Runs in: worker.
// Does not trust: the program.
#pragma once

#include <string>
#include <string_view>

#include "daemon/worker/program_exchange.h"
#include "daemon/worker/program_stderr.h"
#include "vhosts/gateway/cgi_head.h"
#include "vhosts/gateway/cgi_variables.h"
#include "vhosts/gateway/fastcgi_record.h"

namespace perchild {

// What a program is told of the request.
// `local`: the address that the client has connected to.
gateway::CgiRequest cgi_request_of(const Request& request, const ProgramInput& input,
                                   const logs::ClientAddress& local);

class CgiExchange : public ProgramExchange {
 public:
  using ProgramExchange::ProgramExchange;
  // The script has ended with its answer.
  bool is_reusable() const override { return false; }

 protected:
  void take_output(std::string_view bytes) override;
  void take_end() override;
  int status() const override { return head_.status; }
  std::string_view reason() const override { return head_.reason; }
  void for_each_field(const FieldSink& sink) const override;
  void frame_input(std::string_view, std::string&) override {}
  void end_input(std::string&) override { stream().end_sending(); }
  bool ends_with_response() const override { return true; }

 private:
  bool take_head(std::string_view& bytes);

  gateway::CgiHeadParser parser_;
  std::string incomplete_;  // what there is of the head
  gateway::CgiHead head_;   // its views are into head_text_
  std::string head_text_;
};

class FastCgiExchange final : public CgiExchange {
 public:
  FastCgiExchange(Connection& connection, SessionContext& context, Request& request,
                  Response& response, BackendStream& stream, ProgramInput& input, Sending& sending)
      : CgiExchange(connection, context, request, response, stream, input, sending),
        stderr_(request) {}

  // False, and failed, if what the request says does not fit. `keep`: the program is not to close
  // the connection afterwards. There is no FCGI_ABORT_REQUEST: a connection has one request at a
  // time, so a request is given up by closing it, which every program notices; php-cgi does not
  // read while it works.
  [[nodiscard]] bool begin(const gateway::CgiRequest& request, bool keep);
  bool is_reusable() const override { return is_clean_ && has_sent_all_input(); }

 protected:
  void take_output(std::string_view bytes) override;
  void take_end() override;
  void frame_input(std::string_view piece, std::string& before) override;
  void end_input(std::string& before) override;
  bool ends_with_response() const override { return false; }

 private:
  void take_request_end();

  gateway::FastCgiDecoder decoder_;
  ProgramStderr stderr_;
  bool is_clean_ = false;  // the answer has ended, and nothing came behind it
};

}  // namespace perchild
