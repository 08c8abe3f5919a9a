#include "daemon/worker/owner_rules.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <utility>

#include "daemon/worker/served_site.h"
#include "policy/owner_settings.h"

namespace perchild {
namespace {

constexpr std::size_t most_told = 10;  // mistakes of one reading

// Within two seconds of a file's ctime a further change may show in nothing that fstat tells.
bool has_settled(const files::FileFacts& facts) {
  return ::time(nullptr) - facts.ctime.sec > 2;
}

// All of the file, as far as it is not too long; false if it cannot be read.
bool read_all(BorrowedFd file, std::string& text) {
  text.resize(most_owner_settings_bytes + 1);
  std::size_t length = 0;
  while (length < text.size()) {
    const ssize_t got = ::pread64(file.get(), text.data() + length, text.size() - length,
                                  static_cast<::off64_t>(length));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    if (got == 0) break;
    length += static_cast<std::size_t>(got);
  }
  text.resize(length);
  return true;
}

std::string line_of(const Mistake& mistake) {
  std::string line = mistake.file;
  if (mistake.line != 0) {
    line += ":" + std::to_string(mistake.line) + ":" + std::to_string(mistake.column);
  }
  line += ": " + std::string(name_of(mistake.severity)) + ": " + mistake.sentence;
  return mistake.hint.empty() ? line : line + " (" + mistake.hint + ")";
}

void log_mistakes(ServedSite& site, const std::vector<Mistake>& mistakes) {
  for (std::size_t i = 0; i < std::min(mistakes.size(), most_told); ++i) {
    site.error_log.add({.message = line_of(mistakes[i])});
  }
  if (mistakes.size() <= most_told) return;
  site.error_log.add({.message = "mistakes in .perchild.json that are not told here:",
                      .subject = std::to_string(mistakes.size() - most_told)});
}

}  // namespace

void OwnerRules::check(ServedSite& site) {
  if (site.settings.content.owner_settings.empty() || checked_ == site.turn) return;
  checked_ = site.turn;
  look(site);
}

void OwnerRules::look(ServedSite& site) {
  // A link could lead to whatever else the worker can read.
  const files::Opened opened = site.docroot.open(owner_settings_name, Symlinks::none);
  if (opened.kind == files::Kind::not_found) return forget(site);
  if (opened.kind != files::Kind::file) {
    return fail(site, ".perchild.json cannot be opened, or is no file", opened.error);
  }
  if (is_there_ && settled_ && opened.facts == facts_) return;
  facts_ = opened.facts;
  settled_ = has_settled(facts_);
  std::string text;
  if (!read_all(opened.fd.borrow(), text)) {
    return fail(site, ".perchild.json cannot be read", errno);
  }
  if (!is_there_ || text != text_) use(site, std::move(text));
}

void OwnerRules::use(ServedSite& site, std::string text) {
  text_ = text;
  is_there_ = true;
  OwnerSettings owners = read_owner_settings(std::move(text), site.settings.content.owner_settings);
  log_mistakes(site, owners.mistakes);
  broken_ = !owners.content;
  if (broken_) return;
  auto rules = content::RuleBook::make(site.settings.content, std::move(*owners.content));
  PERCHILD_ASSERT(rules);  // every pattern has been compiled by the reader
  site.use_rules(std::move(*rules));
}

void OwnerRules::fail(ServedSite& site, std::string_view why, int error) {
  // Told once for each time that it comes to be so.
  if (!broken_ || is_there_) site.error_log.add({.message = why, .error = error});
  broken_ = true;
  is_there_ = false;
  text_.clear();
}

void OwnerRules::forget(ServedSite& site) {
  if (!is_there_ && !broken_) return;
  *this = OwnerRules();
  checked_ = site.turn;
  auto rules = content::RuleBook::make(site.settings.content);
  PERCHILD_ASSERT(rules);
  site.use_rules(std::move(*rules));
}

}  // namespace perchild
