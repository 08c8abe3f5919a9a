// MariaDB for the sites of a test, under a uid of its own. It knows no users: whoever reaches its
// socket may do everything, so that nothing has to be installed.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace perchild::test {

class Database {
 public:
  // With these databases, all empty.
  explicit Database(const std::vector<std::string>& names);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  const std::string& socket() const { return socket_; }
  std::string log() const;

 private:
  std::string folder_;  // in /run: a site's programs have a /tmp of their own
  std::string socket_;
  ::pid_t pid_ = 0;
};

}  // namespace perchild::test
