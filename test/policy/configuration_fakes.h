// A machine and its files that exist in memory only, for the reader of configurations.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "policy/configuration_source.h"
#include "policy/system_view.h"

namespace perchild::test {

class FakeSystem final : public SystemView {
 public:
  std::map<std::string, Account> users{
      {"root", {Uid{0}, Gid{0}, {}}},
      {"perchild", {Uid{900}, Gid{900}, {}}},
      {"perchild-router", {Uid{901}, Gid{901}, {}}},
      {"alice", {Uid{1001}, Gid{1001}, {}}},
  };
  std::map<std::string, Gid> groups{
      {"root", Gid{0}}, {"perchild", Gid{900}}, {"www-data", Gid{33}}, {"users", Gid{100}}};
  std::map<std::string, Uid> owned_folders;
  std::map<std::string, RootAnswer> roots;      // others can be entered
  std::map<std::string, FolderAnswer> folders;  // others are the asking site's own

  std::map<std::string, ProgramAnswer> programs;  // others are missing, but for /usr/bin's
  std::set<std::string> other_calls{"bpf", "mount", "vmsplice", "io_uring_setup"};
  std::map<std::string, CertificateFacts> certificates;  // by the path of their chain
  std::chrono::sys_seconds time{std::chrono::days(20'000)};

  struct Tried {
    Uid uid;
    Gid gid;
    std::vector<Gid> groups;
    std::string path;
  };
  std::vector<Tried> tried;

  std::optional<Account> find_user(const std::string& name) override {
    const auto user = users.find(name);
    return user == users.end() ? std::nullopt : std::optional(user->second);
  }
  std::vector<NamedAccount> users_in(IdRange range) override {
    std::vector<NamedAccount> found;
    for (const auto& [name, account] : users) {
      if (range.contains(account.uid.value)) found.push_back({name, account});
    }
    return found;
  }
  std::optional<Gid> find_group_of(Uid uid) override {
    for (const auto& [name, account] : users) {
      if (account.uid == uid) return account.gid;
    }
    return std::nullopt;
  }
  std::optional<Gid> find_group(const std::string& name) override {
    const auto group = groups.find(name);
    return group == groups.end() ? std::nullopt : std::optional(group->second);
  }
  std::optional<std::string> find_group_name(Gid gid) override {
    for (const auto& [name, number] : groups) {
      if (number == gid) return name;
    }
    return std::nullopt;
  }
  RootAnswer try_root(Uid uid, Gid gid, const std::vector<Gid>& site_groups,
                      const std::string& path) override {
    tried.push_back({uid, gid, site_groups, path});
    const auto answer = roots.find(path);
    return answer == roots.end() ? RootAnswer{RootAnswer::Kind::enterable, {}, 0} : answer->second;
  }
  bool is_folder_of(Uid uid, const std::string& path) override {
    const auto owned = owned_folders.find(path);
    return owned != owned_folders.end() && owned->second == uid;
  }
  FolderAnswer look_at_folder(Uid uid, Gid gid, const std::vector<Gid>& site_groups,
                              const std::string& path) override {
    tried.push_back({uid, gid, site_groups, path});
    const auto answer = folders.find(path);
    if (answer != folders.end()) return answer->second;
    struct ::stat own {};
    own.st_mode = S_IFDIR | 0700;
    own.st_uid = uid.value;
    return {0, own};
  }
  ProgramAnswer look_for_program(const std::string& path) override {
    const auto found = programs.find(path);
    if (found != programs.end()) return found->second;
    return path.starts_with("/usr/bin/") ? ProgramAnswer::executable : ProgramAnswer::missing;
  }
  bool is_php_without_fastcgi(const std::string& path) override {
    return path.ends_with("/php") || path.ends_with("/php-fpm");
  }
  bool is_system_call(const std::string& name) override { return other_calls.contains(name); }
  CertificateFacts read_certificate(const std::string& chain, const std::string&) override {
    const auto found = certificates.find(chain);
    if (found != certificates.end()) return found->second;
    CertificateFacts missing;
    missing.chain_problem = missing.key_problem = "No such file or directory";
    return missing;
  }
  Certificate make_self_signed(const std::vector<HostPattern>& hosts) override {
    return {{"self-signed for " + std::string(hosts.front().name.view())}, "a key"};
  }
  std::chrono::sys_seconds now() override { return time; }
};

class FakeFiles final : public ConfigurationFiles {
 public:
  std::map<std::string, std::string> texts;
  std::map<std::string, std::vector<std::string>> matches;  // by pattern

  OpenedSource open(const std::string& path) override {
    OpenedSource opened;
    const auto text = texts.find(path);
    if (text == texts.end()) {
      opened.problem = "No such file or directory";
    } else {
      opened.text = text->second;
    }
    return opened;
  }
  std::vector<std::string> matching(const std::string& pattern, const std::string&) override {
    const auto found = matches.find(pattern);
    return found == matches.end() ? std::vector<std::string>{} : found->second;
  }
};

}  // namespace perchild::test
