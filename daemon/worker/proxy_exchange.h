// A request with a backend that speaks HTTP/1.1: both heads are written anew, and both bodies are
// framed anew, so that no reading of theirs but ours counts.
//
// Runs in: worker.
// Does not trust: the backend.
#pragma once

#include <string>
#include <string_view>

#include "daemon/worker/program_exchange.h"
#include "vhosts/gateway/backend_head.h"
#include "vhosts/http1/chunked.h"

namespace perchild {

class ProxyExchange final : public ProgramExchange {
 public:
  ProxyExchange(Connection& connection, SessionContext& context, Request& request,
                Response& response, BackendStream& stream, ProgramInput& input, Sending& sending);

  bool is_reusable() const override;
  std::optional<std::string_view> bytes_of_other_protocol() const override;

 protected:
  void take_output(std::string_view bytes) override;
  void take_end() override;
  int status() const override { return head_.status; }
  std::string_view reason() const override { return head_.reason; }
  void for_each_field(const FieldSink& sink) const override;
  void frame_input(std::string_view piece, std::string& before) override;
  void end_input(std::string& before) override;
  bool is_others_loss() const override { return false; }

 private:
  bool take_head(std::string_view& bytes);
  void pass_hints(std::string_view head);
  void take_body(std::string_view bytes);
  void take_chunks(std::string_view bytes);

  const std::string_view upgrade_;  // to which protocol the client wants to change
  const bool sends_chunks_;
  bool has_sent_chunk_ = false;
  gateway::BackendHeadParser parser_;
  std::string incomplete_;     // what there is of a head
  gateway::BackendHead head_;  // its views are into head_text_
  std::string head_text_;
  http1::ChunkedDecoder decoder_;
  std::uint64_t left_ = 0;
  unsigned hints_ = 0;    // responses of status 103 that have been passed on
  bool is_clean_ = true;  // nothing has come behind the response
};

}  // namespace perchild
