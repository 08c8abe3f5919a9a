#include "vhosts/content/hidden_names.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>

namespace perchild::content {
namespace {

constexpr std::string_view owners_file = ".perchild.json";

// What stands behind the last dot, sorted. A script that nothing runs is a secret: it has the
// passwords of databases in it.
constexpr std::string_view hidden_extensions[] = {
    "backup", "bak", "bkp",  "old", "orig",   "phar",    "php", "phps", "pht",
    "phtml",  "rej", "save", "sql", "sqlite", "sqlite3", "swn", "swo",  "swp",
};
static_assert(std::is_sorted(std::begin(hidden_extensions), std::end(hidden_extensions)));

constexpr std::string_view compressions[] = {"bz2", "gz", "xz", "zip", "zst"};
constexpr std::string_view composer_files[] = {"auth.json", "composer.json", "composer.lock",
                                               "composer.phar"};

constexpr char folded(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// A short word as a number, folded; 0 if it is empty or too long to be one of ours. No path has a
// NUL in it.
constexpr std::uint64_t number_of(std::string_view word) {
  std::uint64_t number = 0;
  if (word.size() > sizeof number) return 0;
  for (const char c : word) number = number << 8 | static_cast<unsigned char>(folded(c));
  return number;
}

bool equal(std::string_view a, std::string_view lower) {
  return a.size() == lower.size() && std::equal(a.begin(), a.end(), lower.begin(),
                                                [](char x, char y) { return folded(x) == y; });
}

template <std::size_t n>
constexpr std::array<std::uint64_t, n> numbers_of(const std::string_view (&words)[n]) {
  std::array<std::uint64_t, n> numbers{};
  std::transform(std::begin(words), std::end(words), numbers.begin(), number_of);
  return numbers;
}

template <std::size_t n>
bool is_one_of(std::uint64_t number, const std::array<std::uint64_t, n>& numbers) {
  return number != 0 && std::find(numbers.begin(), numbers.end(), number) != numbers.end();
}

bool is_number(std::string_view word) {
  return !word.empty() && word.find_first_not_of("0123456789") == std::string_view::npos;
}

// "php7", what tells versions of an interpreter apart; "php_bak", what editors and people append.
bool is_marked_php(std::string_view extension) {
  if (extension.size() < 4 || !equal(extension.substr(0, 3), "php")) return false;
  return extension[3] == '_' || extension[3] == '-' ||
         (extension.size() == 4 && is_number(extension.substr(3)));
}

// The last extension of `name`, which it loses; empty if there is none.
std::string_view take_extension(std::string_view& name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return {};
  const std::string_view extension = name.substr(dot + 1);
  name = name.substr(0, dot);
  return extension;
}

// True or false if one of the patterns says so.
std::optional<bool> verdict_of(std::span<const std::string> patterns, std::string_view name) {
  for (std::size_t i = patterns.size(); i > 0; --i) {
    std::string_view pattern = patterns[i - 1];
    const bool shows = pattern.starts_with('!');
    if (shows) pattern.remove_prefix(1);
    if (matches_name(pattern, name)) return !shows;
  }
  return std::nullopt;
}

}  // namespace

bool is_hidden_by_default(std::string_view name) {
  if (name.starts_with('.')) return !equal(name, ".well-known");
  if (name.ends_with('~') || (name.starts_with('#') && name.ends_with('#'))) return true;
  std::string_view stem = name;
  std::string_view extension = take_extension(stem);
  if (extension.empty()) return false;
  static constexpr auto compressed = numbers_of(compressions);
  static constexpr auto hidden = numbers_of(hidden_extensions);
  // "dump.sql.gz", "index.php.1"
  if (is_one_of(number_of(extension), compressed) || is_number(extension)) {
    extension = take_extension(stem);
  }
  return is_one_of(number_of(extension), hidden) || is_marked_php(extension) ||
         std::any_of(std::begin(composer_files), std::end(composer_files),
                     [name](std::string_view one) { return equal(name, one); });
}

bool has_extension(std::string_view name, std::span<const std::string> extensions) {
  const std::string_view extension = take_extension(name);
  return std::any_of(extensions.begin(), extensions.end(),
                     [&](const std::string& one) { return equal(extension, one); });
}

bool matches_name(std::string_view pattern, std::string_view name) {
  // Going back to the last '*' suffices: an earlier one could take nothing that it could not.
  std::size_t at = 0;
  std::size_t star = std::string_view::npos;
  std::size_t taken = 0;  // up to where the last '*' reaches
  for (std::size_t i = 0; i < name.size();) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      taken = i;
    } else if (at < pattern.size() &&
               (pattern[at] == '?' || folded(pattern[at]) == folded(name[i]))) {
      ++at;
      ++i;
    } else if (star != std::string_view::npos) {
      at = star + 1;
      i = ++taken;
    } else {
      return false;
    }
  }
  while (at < pattern.size() && pattern[at] == '*') ++at;
  return at == pattern.size();
}

template <typename Question>
bool HiddenNames::any_segment(std::string_view path, Question question) {
  while (!path.empty()) {
    path.remove_prefix(1);  // the '/'
    const std::string_view name = path.substr(0, path.find('/'));
    if (!name.empty() && question(name)) return true;
    path.remove_prefix(name.size());
  }
  return false;
}

bool HiddenNames::hides(std::string_view path) const {
  return any_segment(path, [this](std::string_view name) { return hides_name(name); });
}

bool HiddenNames::denies(std::string_view path) const {
  return any_segment(path, [this](std::string_view name) { return denies_name(name); });
}

bool HiddenNames::is_run(std::string_view name) const {
  return !run_.empty() && !name.starts_with('.') && has_extension(name, run_);
}

bool HiddenNames::hides_name(std::string_view name) const {
  // His own settings name what he hides, and can hold more than is good to know.
  if (equal(name, owners_file)) return true;
  if (operators_.empty() && owners_.empty()) return !is_run(name) && is_hidden_by_default(name);
  const auto operators = verdict_of(operators_, name);
  const auto owners = verdict_of(owners_, name);
  if (operators.value_or(false) || owners.value_or(false)) return true;
  return !operators && !owners && !is_run(name) && is_hidden_by_default(name);
}

bool HiddenNames::denies_name(std::string_view name) const {
  return equal(name, owners_file) || verdict_of(operators_, name).value_or(false) ||
         verdict_of(owners_, name).value_or(false);
}

}  // namespace perchild::content
