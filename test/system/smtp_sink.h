// A smarthost that takes every message and keeps it, or refuses them all.
#pragma once

#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "privsep/unique_fd.h"

namespace perchild::test {

struct ReceivedMail {
  std::string sender;  // of the envelope
  std::vector<std::string> recipients;
  std::string text;  // its lines end in LF
};

class SmtpSink {
 public:
  explicit SmtpSink(bool refuses = false);
  ~SmtpSink();
  SmtpSink(const SmtpSink&) = delete;
  SmtpSink& operator=(const SmtpSink&) = delete;

  std::uint16_t port() const { return port_; }
  // What has come so far.
  std::vector<ReceivedMail> mail();
  // The `number`-th message, from 1 on, once it is there; an empty one after the deadline.
  ReceivedMail wait_for(std::size_t number = 1);

 private:
  void run();
  void serve(BorrowedFd client);

  const bool refuses_;
  UniqueFd listener_, stop_;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::vector<ReceivedMail> mail_;
  std::thread thread_;
};

}  // namespace perchild::test
