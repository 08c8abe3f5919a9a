// What the reader of a configuration asks of the machine: who is who, and who can go where.
// Answering changes ids for a moment, which is an act, and so is done outside of policy/.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "policy/certificate_facts.h"
#include "policy/host_name.h"
#include "policy/ids.h"

namespace perchild {

struct Account {
  Uid uid;
  Gid gid;
  std::vector<Gid> groups;  // supplementary, without `gid`
};

struct NamedAccount {
  std::string name;
  Account account;
};

struct RootAnswer {
  enum class Kind : std::uint8_t {
    enterable,
    missing,
    not_a_directory,
    denied,     // `where` is the first folder on the way that cannot be searched
    failed,     // for the reason `error`
    unchecked,  // it is a directory, but only root can ask for others
  };
  Kind kind = Kind::unchecked;
  std::string where;
  int error = 0;
  std::uint64_t device = 0;  // that one that is there lies on: st_dev
};

struct FolderAnswer {
  int error = 0;                          // an errno
  std::optional<struct ::stat> status{};  // none where only root can ask, or with an error
};

enum class ProgramAnswer : std::uint8_t {
  executable,
  missing,
  not_a_file,
  not_executable,  // by anybody
  unchecked,       // on the way to it is what only others can enter
};

class SystemView {
 public:
  virtual ~SystemView() = default;
  virtual std::optional<Account> find_user(const std::string& name) = 0;
  // The accounts whose uid lies in `range`, by name.
  virtual std::vector<NamedAccount> users_in(IdRange range) = 0;
  // The primary group of the account that has this uid.
  virtual std::optional<Gid> find_group_of(Uid uid) = 0;
  virtual std::optional<Gid> find_group(const std::string& name) = 0;
  virtual std::optional<std::string> find_group_name(Gid gid) = 0;
  // Could a process with these ids work in the directory `path`?
  virtual RootAnswer try_root(Uid uid, Gid gid, const std::vector<Gid>& groups,
                              const std::string& path) = 0;
  // Is `path` a directory that this user owns?
  virtual bool is_folder_of(Uid uid, const std::string& path) = 0;
  // What such a process sees there: a link itself.
  virtual FolderAnswer look_at_folder(Uid uid, Gid gid, const std::vector<Gid>& groups,
                                      const std::string& path) = 0;
  // Is `path` something that can be started, by somebody at least?
  virtual ProgramAnswer look_for_program(const std::string& path) = 0;
  // Is that a PHP that answers no request of who starts it: the command line's, or php-fpm?
  virtual bool is_php_without_fastcgi(const std::string& path) = 0;
  // Does any kernel have a system call of this name?
  virtual bool is_system_call(const std::string& name) = 0;
  virtual CertificateFacts read_certificate(const std::string& chain, const std::string& key) = 0;
  virtual Certificate make_self_signed(const std::vector<HostPattern>& hosts) = 0;
  virtual std::chrono::sys_seconds now() = 0;
};

}  // namespace perchild
