// The password lists of a site: read once, before the lock-down, and asked from then on.
//
// Runs in: checker.
// Trusts: its settings.
// Does not trust: password files, which the site's owner may change under it at any time.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "daemon/checker/hashing.h"
#include "policy/access_settings.h"
#include "privsep/checker_messages.h"
#include "privsep/unique_fd.h"
#include "vhosts/access/keyed_hash.h"
#include "vhosts/files/file_facts.h"

namespace perchild {

class PasswordLists {
 public:
  using Clock = std::chrono::steady_clock;

  // Opens and reads the files, as the site's user. What is wrong with one goes to `complaints`, a
  // sentence each; its list is then unavailable, or without the users concerned.
  PasswordLists(const std::vector<PasswordList>& settings, access::HashKey key,
                std::vector<std::string>& complaints);

  std::size_t size() const { return lists_.size(); }

  // Whether the files should be read again, which takes a new process: this one cannot open any.
  // They have changed, or are so old that what cannot be seen from here (another file under the
  // same name, a link on the way that leads elsewhere) may have happened.
  bool outdated(Clock::time_point now) const;

  // For a user who is not in the list it takes as long as for one who is.
  PasswordVerdict check(Hashing& hashing, std::uint32_t list, std::string_view user,
                        std::string_view password) const;

  static constexpr std::size_t largest_file = 1024 * 1024;
  static constexpr std::size_t most_users = 10'000;  // of one list
  static constexpr std::chrono::seconds lifetime{60};
  static constexpr std::chrono::seconds lifetime_in_trouble{2};

 private:
  struct Entry {
    PasswordScheme scheme{};
    std::string hash;
  };
  struct List {
    bool available = true;
    UniqueFd file;  // if it has one
    files::FileFacts facts{};
    std::unordered_map<std::string, std::size_t> users;  // into entries
    std::vector<Entry> entries;
  };

  void read_file(const std::string& path, List& list, std::vector<std::string>& complaints);
  void read_lines(const std::string& path, std::string_view text, List& list,
                  std::vector<std::string>& complaints);
  static bool add_user(List& list, std::string_view name, std::string_view hash);
  const Entry* entry_for(const List& list, const std::string& user, bool& known) const;

  std::vector<List> lists_;
  access::HashKey key_;
  Clock::time_point read_at_;
  bool has_files_ = false;
  bool in_trouble_ = false;
};

}  // namespace perchild
