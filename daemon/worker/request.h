// One request on its way through the steps of answer.h.
//
// Runs in: worker.
// Does not trust: the client, whose bytes `head` points into.
#pragma once

#include <memory>
#include <string_view>

#include "daemon/worker/connection.h"
#include "daemon/worker/served_site.h"
#include "vhosts/content/rules.h"
#include "vhosts/files/response_head.h"
#include "vhosts/http1/request_head.h"

namespace perchild {

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

  bool head_only() const { return head.method == http1::Method::head; }
};

}  // namespace perchild
