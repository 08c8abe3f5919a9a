// A backend that takes for a request whatever could be one: lines that end in LF, the last of
// several lengths, "chunked" anywhere in Transfer-Encoding. It says what it has been asked for.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "privsep/unique_fd.h"

namespace perchild::test {

class LenientBackend {
 public:
  // Of two framings, which one it goes by.
  enum class Prefers : std::uint8_t { length, chunks };

  explicit LenientBackend(Prefers prefers);
  ~LenientBackend();
  LenientBackend(const LenientBackend&) = delete;
  LenientBackend& operator=(const LenientBackend&) = delete;

  std::uint16_t port() const { return port_; }
  // The key of a vhost that leads to it.
  std::string settings() const;
  // The heads of all requests that it believes to have had.
  std::vector<std::string> heads() const;
  // Of these, whether one asks for the path.
  bool was_asked_for(const std::string& path) const;
  // Connections that have had more than one.
  std::size_t shared_connections() const;

 private:
  void run();
  void serve(UniqueFd client);

  const Prefers prefers_;
  UniqueFd listener_;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;  // of what follows
  std::vector<std::string> heads_;
  std::vector<int> open_;
  std::vector<std::thread> servers_;
  std::size_t shared_ = 0;
  bool ends_ = false;
  std::thread acceptor_;
};

}  // namespace perchild::test
