// One request on its way through the steps of answer.h.
//
// Runs in: worker.
// Does not trust: the client, whose bytes `head` points into.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/worker/connection.h"
#include "daemon/worker/explanation.h"
#include "daemon/worker/served_site.h"
#include "vhosts/content/rules.h"
#include "vhosts/files/response_head.h"
#include "vhosts/http1/accept_encoding.h"
#include "vhosts/http1/request_head.h"

namespace perchild {

// That a program answers the request.
struct ProgramCall {
  std::uint32_t program = 0;  // in SiteSettings::programs
  std::string script{};       // its path, with the first '/'; empty: the program takes every path
  std::string path_info{};    // what comes behind it
};

// What the "%2F" of a client's path is in Request::path: an application can take it for either.
enum class EncodedSlashes : std::uint8_t { none, part_of_name, separator };

struct Request {
  ServedSite& site;
  IoBuffer& buffer;  // `path` is in buffer.path, the response's head is made in buffer.output
  const logs::ClientAddress& client;
  const http1::RequestHead& head;
  std::string_view head_bytes;  // for http1::for_each_field
  files::Persistence persistence;
  // What is asked for: decoded and normalised, begins with '/'. A rewrite changes both.
  std::string_view path{};
  std::string_view query{};
  std::shared_ptr<const content::Rules> rules{};  // those of `path`
  EncodedSlashes encoded_slashes = EncodedSlashes::none;
  bool over_https = false;        // the client spoke TLS, to us or to a proxy that may say so
  bool had_dot_segments = false;  // in the client's path, and they are not in `path`
  bool settled = false;           // the path has been found to be there: no rule leads away from it
  int moves = 0;                  // to other paths than the client's
  std::string own_query{};
  std::string_view user{};             // whose password came with it, right or wrong
  std::string path_info{};             // what the client's path has behind that of a script
  std::optional<ProgramCall> call{};   // with Progress::by_program
  Explanation* explanation = nullptr;  // of who asks how the response comes about

  // `query` becomes what a rule has made of it.
  void set_query(std::string made) {
    own_query = std::move(made);
    query = own_query;
  }
  bool head_only() const { return head.method == http1::Method::head; }
  http1::AcceptedCodings accepted_codings() const {
    if (!head.has_split_lists) return http1::accepted_codings(head.accept_encoding);
    return http1::accepted_codings(http1::whole_list(head_bytes, "accept-encoding"));
  }
};

inline files::FileRules file_rules_of(const content::Rules& rules) {
  return {.index = rules.index(), .types = rules.content_types(), .symlinks = rules.symlinks()};
}

}  // namespace perchild
