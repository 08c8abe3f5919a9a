#include "daemon/command/doctor/process_texts.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>

#include "policy/role_policy.h"

namespace perchild {
namespace {

// The next text between blanks, taken off the front.
std::string_view next_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  return word;
}

bool parse_limit(std::string_view word, std::uint64_t& limit) {
  if (word == "unlimited") {
    limit = ResourceLimits::no_limit;
    return true;
  }
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), limit);
  return error == std::errc() && end == word.data() + word.size();
}

// The next line, taken off the front.
std::string_view next_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  return line;
}

std::optional<std::uint64_t> limit_in(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    std::string_view line = next_line(text);
    if (!line.starts_with(name) || !line.substr(name.size()).starts_with("  ")) continue;
    line.remove_prefix(name.size());
    std::uint64_t soft = 0, hard = 0;
    if (!parse_limit(next_word(line), soft) || !parse_limit(next_word(line), hard)) {
      return std::nullopt;
    }
    return std::max(soft, hard);
  }
  return std::nullopt;
}

DescriptorKind kind_of_device(std::string_view path) {
  if (path == "/dev/null") return DescriptorKind::null;
  for (const char* const plain :
       {"/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"}) {
    if (path == plain) return DescriptorKind::plain_device;
  }
  return DescriptorKind::other;
}

}  // namespace

std::optional<ProcessLimits> parse_process_limits(std::string_view text) {
  ProcessLimits limits;
  for (const auto& [name, into] : {std::pair("Max open files", &limits.open_files),
                                   std::pair("Max processes", &limits.processes),
                                   std::pair("Max file size", &limits.file_size),
                                   std::pair("Max core file size", &limits.core_size),
                                   std::pair("Max msgqueue size", &limits.queued_bytes),
                                   std::pair("Max locked memory", &limits.locked_memory)}) {
    const auto limit = limit_in(text, name);
    if (!limit) return std::nullopt;
    *into = *limit;
  }
  return limits;
}

DescriptorKind kind_of_descriptor(std::string_view target, ::mode_t mode) {
  // No path: these begin with no '/'. A memfd is a regular file to stat(2), and no file on a disk
  // has its name, for there is a blank of the kernel's behind it.
  if (target.starts_with("socket:[")) return DescriptorKind::socket;
  if (target.starts_with("pipe:[")) return DescriptorKind::pipe;
  if (target == "anon_inode:[eventpoll]") return DescriptorKind::event_loop;
  if (target == "anon_inode:[signalfd]") return DescriptorKind::signals;
  if (target == "anon_inode:[landlock-ruleset]") return DescriptorKind::ruleset;
  if (target == "anon_inode:[pidfd]" || target.starts_with("pidfd:[")) {
    return DescriptorKind::process;
  }
  if (!target.starts_with('/')) return DescriptorKind::other;
  if (target.starts_with("/memfd:") && target.ends_with(" (deleted)") && S_ISREG(mode)) {
    return DescriptorKind::memory;
  }
  if (S_ISCHR(mode)) return kind_of_device(target);
  if (S_ISREG(mode)) return DescriptorKind::file;
  if (S_ISDIR(mode)) return DescriptorKind::folder;
  if (S_ISFIFO(mode)) return DescriptorKind::pipe;
  return S_ISSOCK(mode) ? DescriptorKind::socket : DescriptorKind::other;
}

std::optional<int> open_flags_of(std::string_view text) {
  constexpr std::string_view name = "flags:\t";
  while (!text.empty()) {
    std::string_view line = next_line(text);
    if (!line.starts_with(name)) continue;
    line.remove_prefix(name.size());
    int flags = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), flags, 8);
    if (error != std::errc() || end != line.data() + line.size()) return std::nullopt;
    return flags;
  }
  return std::nullopt;
}

void add_listening_sockets(std::string_view text, std::set<std::string>& sockets) {
  constexpr std::size_t state_column = 3, inode_column = 9;
  constexpr std::string_view listens = "0A";  // TCP_LISTEN
  while (!text.empty()) {
    std::string_view line = next_line(text);
    bool is_listener = false;
    for (std::size_t column = 0; column <= inode_column; ++column) {
      const std::string_view word = next_word(line);
      if (column == state_column) is_listener = word == listens;
      if (column == inode_column && is_listener) {
        sockets.insert("socket:[" + std::string(word) + "]");
      }
    }
  }
}

std::string_view without_mark_of_deleted(std::string_view target) {
  constexpr std::string_view mark = " (deleted)";
  if (target.ends_with(mark)) target.remove_suffix(mark.size());
  return target;
}

ExecutableName executable_name(std::string_view target) {
  const std::string_view path = without_mark_of_deleted(target);
  ExecutableName found;
  found.is_replaced = path.size() != target.size();
  found.name = path.substr(path.rfind('/') + 1);
  return found;
}

std::string cgroup_of(std::string_view text) {
  constexpr std::string_view start = "0::";
  while (!text.empty()) {
    const std::string_view line = next_line(text);
    if (line.starts_with(start)) return std::string(line.substr(start.size()));
  }
  return {};
}

}  // namespace perchild
