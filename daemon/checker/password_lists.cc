#include "daemon/checker/password_lists.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "vhosts/access/htpasswd.h"

namespace perchild {
namespace {

constexpr std::size_t most_complaints_of_a_file = 8;

// Nullopt, and errno, if it cannot be read or is longer than `most`.
std::optional<std::string> read_all(BorrowedFd file, std::size_t most) {
  std::string text(most + 1, '\0');
  std::size_t length = 0;
  while (length < text.size()) {
    const ssize_t got = ::read(file.get(), text.data() + length, text.size() - length);
    if (got < 0) return std::nullopt;
    if (got == 0) break;
    length += static_cast<std::size_t>(got);
  }
  if (length > most) {
    errno = EFBIG;
    return std::nullopt;
  }
  text.resize(length);
  return text;
}

}  // namespace

PasswordLists::PasswordLists(const std::vector<PasswordList>& settings, access::HashKey key,
                             std::vector<std::string>& complaints)
    : key_(key), read_at_(Clock::now()) {
  lists_.reserve(settings.size());
  for (const PasswordList& each : settings) {
    List& list = lists_.emplace_back();
    for (const PasswordUser& user : each.users) add_user(list, user.name, user.hash);
    if (!each.file.empty()) read_file(each.file, list, complaints);
  }
}

void PasswordLists::read_file(const std::string& path, List& list,
                              std::vector<std::string>& complaints) {
  has_files_ = true;
  const auto give_up = [&](const char* reason) {
    list.file.reset();  // not watched: it is looked at again soon
    complaints.push_back("the password file " + path + " cannot be used: " + reason);
    list.available = false;
    in_trouble_ = true;
  };
  // NONBLOCK: a FIFO in its place does not keep this process from starting.
  list.file = UniqueFd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!list.file.has_value()) return give_up(std::strerror(errno));
  // Before it is read: what is written meanwhile shows as a change.
  const files::FileStatus status = files::status_of(list.file.borrow());
  if (status.error != 0) return give_up(std::strerror(status.error));
  if (!S_ISREG(status.mode)) return give_up("it is no regular file");
  list.facts = status.facts;
  const auto text = read_all(list.file.borrow(), largest_file);
  if (!text) return give_up(std::strerror(errno));
  read_lines(path, *text, list, complaints);
}

void PasswordLists::read_lines(const std::string& path, std::string_view text, List& list,
                               std::vector<std::string>& complaints) {
  std::size_t wrong = 0;
  const auto complain = [&](std::size_t line, std::string_view fault) {
    if (++wrong > most_complaints_of_a_file) return;
    complaints.push_back("the password file " + path + ", line " + std::to_string(line) + ": " +
                         std::string(fault));
  };
  access::HtpasswdReader reader(text);
  while (const auto line = reader.next()) {
    if (!line->fault.empty()) {
      complain(line->number, line->fault);
    } else if (list.entries.size() == most_users) {
      return complain(line->number, "is one user too many: this one and the rest are left out");
    } else if (!add_user(list, line->name, line->hash)) {
      complain(line->number, "names a user a second time: the first one counts");
    }
  }
}

bool PasswordLists::add_user(List& list, std::string_view name, std::string_view hash) {
  const auto [place, is_new] = list.users.try_emplace(std::string(name), list.entries.size());
  if (is_new) list.entries.push_back({classify_password_hash(hash).scheme, std::string(hash)});
  return is_new;
}

bool PasswordLists::outdated(Clock::time_point now) const {
  if (!has_files_) return false;
  if (now - read_at_ >= (in_trouble_ ? lifetime_in_trouble : lifetime)) return true;
  // Whatever becomes of a file or its name changes its change time.
  return std::any_of(lists_.begin(), lists_.end(), [](const List& list) {
    return list.file.has_value() && files::status_of(list.file.borrow()).facts != list.facts;
  });
}

// A stranger's name stands for some user's hash, always the same one's: were it the first, or a
// random one, the time taken would tell him from a user wherever hashes are not all alike.
const PasswordLists::Entry* PasswordLists::entry_for(const List& list, const std::string& user,
                                                     bool& known) const {
  const auto found = list.users.find(user);
  known = found != list.users.end();
  if (known) return &list.entries[found->second];
  if (list.entries.empty()) return nullptr;
  return &list.entries[access::keyed_hash(key_, user).low % list.entries.size()];
}

PasswordVerdict PasswordLists::check(Hashing& hashing, std::uint32_t list, std::string_view user,
                                     std::string_view password) const {
  const List& asked = lists_[list];
  if (!asked.available) return PasswordVerdict::unavailable;
  bool known = false;
  const Entry* entry = entry_for(asked, std::string(user), known);
  if (entry == nullptr) return PasswordVerdict::wrong;
  const bool matches = hashing.matches(entry->scheme, entry->hash, std::string(password));
  return matches && known ? PasswordVerdict::right : PasswordVerdict::wrong;
}

}  // namespace perchild
