// What a machine has that belongs to somebody else, for attacks to be aimed at, and the attacks
// that a site's program makes on it.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "privsep/unique_fd.h"
#include "test/support/temporary_directory.h"

namespace perchild::test {

// From where an attack must work, since what stands in its way is not there.
enum class Stand {
  plain,     // an ordinary process under the attacker's own uid
  as_owner,  // the same under its victim's uid: what two sites of one user are to each other
  as_root,
};

struct TenantsAttack {
  const char* name;
  std::string argument;
  int answer;  // errno
  Stand control;
};

// Everything of it under the uid of site b, and with modes that keep nobody out but where they say
// so: what a tenant leaves behind who has not thought of neighbours.
class Neighbourhood {
 public:
  Neighbourhood();
  ~Neighbourhood();
  Neighbourhood(const Neighbourhood&) = delete;
  Neighbourhood& operator=(const Neighbourhood&) = delete;

  std::vector<TenantsAttack> attacks() const;
  const std::string& home() const { return home_.path(); }  // with `open`, `secret` and `socket`
  std::string left_in_tmp() const { return left_in_tmp_.path() + "/left"; }
  const std::string& name() const { return name_; }
  const std::string& session() const { return session_; }
  const std::string& port() const { return port_; }
  const std::string& unused_port() const { return unused_port_; }
  ::key_t key() const { return key_; }
  ::pid_t process() const { return process_; }

 private:
  void make_files();
  void make_sockets();
  void make_shared_objects();

  TemporaryDirectory home_;  // not below any folder that a runner has of its own
  TemporaryDirectory left_in_tmp_;
  std::string name_;     // of all that has one
  std::string session_;  // a file of PHP's, if there is a folder for these
  ::key_t key_;
  int memory_ = -1, semaphores_ = -1, queue_ = -1;  // System V's
  UniqueFd listener_, at_path_, abstract_;
  std::string port_, unused_port_;
  ::pid_t process_ = 0;
};

}  // namespace perchild::test
