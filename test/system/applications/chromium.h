// Chromium without a window, driven by its DevTools protocol: what a page is for who opens it.
#pragma once

#include <sys/types.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "privsep/unique_fd.h"
#include "test/support/temporary_directory.h"

namespace perchild::test {

class Chromium {
 public:
  // It finds `host` on this machine, and nothing else anywhere.
  explicit Chromium(const std::string& host);
  ~Chromium();
  Chromium(const Chromium&) = delete;
  Chromium& operator=(const Chromium&) = delete;

  // Until its document and all that belongs to it has been loaded.
  void open(const std::string& url);
  // What an expression is worth in the page, the outcome of a promise; null if there is none.
  nlohmann::json evaluate(const std::string& expression);
  // Waits until an expression is true, and nothing more is on its way.
  bool shows(const std::string& expression);

  // Of the requests to `host`, all redirects included.
  std::size_t answers() const { return answers_; }
  // Those that failed or were answered by an error, and exceptions that no script has caught: a
  // line each.
  const std::string& problems() const { return problems_; }

  // For whoever wants to look: as a PNG of this name, in the folder $PERCHILD_SCREENSHOTS if there
  // is one.
  void keep_screenshot(const std::string& name);

 private:
  nlohmann::json call(const std::string& method, const nlohmann::json& parameters);
  nlohmann::json receive();
  void add_problem(const std::string& problem);
  void on_event(const nlohmann::json& event);
  bool is_of_host(const std::string& url) const;

  TemporaryDirectory folder_;
  const std::string host_;
  UniqueFd to_, from_;
  ::pid_t pid_ = 0;
  std::string received_;
  std::string session_;  // with the page
  int last_call_ = 0;
  bool is_loaded_ = false;
  std::set<std::string> on_their_way_;  // requests to the host
  std::size_t answers_ = 0;
  std::string problems_;
};

}  // namespace perchild::test
