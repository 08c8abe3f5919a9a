// This machine, as the reader of the configuration sees it.
//
// Runs in: command, as the caller. As root it takes on a site's ids to see whether the site's root
// can be entered: for this thread only, effective ids only, and always back.
// Trusts: the account database.
// Does not trust: paths; a site's owner can have put anything there.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/command/check/accounts.h"
#include "daemon/command/check/certificates.h"
#include "policy/system_view.h"

namespace perchild {

class MachineView : public SystemView {
 public:
  MachineView();

  std::optional<Account> find_user(const std::string& name) override;
  std::vector<NamedAccount> users_in(IdRange range) override;
  std::optional<Gid> find_group_of(Uid uid) override;
  std::optional<Gid> find_group(const std::string& name) override;
  std::optional<std::string> find_group_name(Gid gid) override;
  RootAnswer try_root(Uid uid, Gid gid, const std::vector<Gid>& groups,
                      const std::string& path) override;
  bool is_folder_of(Uid uid, const std::string& path) override;
  FolderAnswer look_at_folder(Uid uid, Gid gid, const std::vector<Gid>& groups,
                              const std::string& path) override;
  ProgramAnswer look_for_program(const std::string& path) override;
  bool is_php_without_fastcgi(const std::string& path) override;
  bool is_system_call(const std::string& name) override;

  CertificateFacts read_certificate(const std::string& chain, const std::string& key) override;
  Certificate make_self_signed(const std::vector<HostPattern>& hosts) override;
  std::chrono::sys_seconds now() override;

 private:
  Accounts& accounts();

  std::optional<Accounts> accounts_;  // loaded when first asked for
  std::map<std::string, bool> phps_;  // each is read once, however many sites it is for
  CertificateFiles certificates_;
  std::vector<::gid_t> own_groups_;
  ::gid_t own_gid_;
  bool is_root_;
};

}  // namespace perchild
