// What a request comes by, and its response goes by, where a client's connection carries many at
// once: a stream of HTTP/2. To what serves the request it is a Connection like any other, but for
// one thing: where a body ends the carrier says, so nothing is framed.
//
// Runs in: worker.
// Does not trust: the client.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "daemon/worker/connection.h"
#include "privsep/unique_fd.h"

namespace perchild {

class Carrier {
 public:
  virtual ~Carrier() = default;

  // Bytes of the request's body; how many goes to `count`.
  virtual Connection::Received receive(std::span<char> room, std::size_t& count) = 0;

  // As Connection's. A `head` is a response's, whole, or those of interim ones; it is taken whole.
  virtual ssize_t send(std::string_view head, std::string_view body) = 0;
  virtual ssize_t send_file(BorrowedFd file, off_t& offset, std::size_t count) = 0;

  // Grows as long as the client does its part for the response to go on.
  virtual std::uint64_t bytes_taken() = 0;
};

}  // namespace perchild
