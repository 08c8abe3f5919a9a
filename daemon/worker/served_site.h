// What all sessions of a worker share: the site's settings, files and logs.
//
// Runs in: worker.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <ctime>
#include <optional>

#include "daemon/worker/admission.h"
#include "daemon/worker/owner_rules.h"
#include "daemon/worker/traffic_counter.h"
#include "policy/host_name.h"
#include "vhosts/content/rule_book.h"
#include "vhosts/files/date_cache.h"
#include "vhosts/files/docroot.h"
#include "vhosts/files/encoder.h"
#include "vhosts/files/file_cache.h"
#include "vhosts/logs/access_log.h"
#include "vhosts/logs/error_log.h"
#include "vhosts/logs/log_clock.h"
#include "vhosts/sites/site_settings.h"

namespace perchild {

class ServedSite {
 public:
  ServedSite(SiteSettings site_settings, files::Docroot root, BorrowedFd error_file,
             BorrowedFd access_file, std::uint64_t hash_seed,
             access::VisitorMemory* shared = nullptr)
      : settings(std::move(site_settings)),
        hsts_line(hsts_line_of(settings.reach)),
        date(::time(nullptr)),
        log_clock(::time(nullptr)),
        access_log(access_file, log_clock, settings.log_format, settings.limits.log),
        error_log(error_file, log_clock, logs::ErrorLog::lines_per_second, settings.limits.log),
        rules(rules_of(settings)),
        docroot(std::move(root)),
        admission(settings, shared),
        cache(docroot, {.bytes = settings.limits.cache}, hash_seed, settings.compression),
        access_file_(access_file),
        error_file_(error_file) {}

  const SiteSettings settings;
  const std::string hsts_line;  // for whom came over https
  files::DateCache date;
  logs::LogClock log_clock;
  logs::AccessLog access_log;
  logs::ErrorLog error_log;
  content::RuleBook rules;
  OwnerRules owner_rules;
  const files::Docroot docroot;
  std::optional<files::Docroot> acme;  // the operator's folder of challenges
  Admission admission;
  files::FileCache cache;
  files::EncoderPool encoders;
  TrafficCounter traffic;
  std::uint64_t turn = 1;  // what the cache has checked in it is good until the next

  // What has been found by other rules must not be answered from memory.
  void use_rules(content::RuleBook changed) {
    rules = std::move(changed);
    cache.clear();
  }

  bool has_programs() const { return !settings.programs.empty(); }

  // A request that was received later may have been sent after the file was changed.
  void forget_checks() { ++turn; }

  void begin_turn() {
    forget_checks();
    const ::time_t now = ::time(nullptr);
    date.update(now);
    log_clock.update(now);
  }
  void end_turn(Clock::time_point now) {
    access_log.flush_at_rate(now);
    flush_error_log();
  }
  void flush_logs() {
    access_log.flush();
    flush_error_log();
  }

  // The lines so far still go to the old file. The new one gets its number, which is also
  // where a dying process speaks.
  void replace_log(bool is_error_log, BorrowedFd file) {
    flush_logs();
    ::dup3(file.get(), (is_error_log ? error_file_ : access_file_).get(), O_CLOEXEC);
    if (is_error_log) {
      error_log.begin_new_file();
    } else {
      access_log.begin_new_file();
    }
  }

 private:
  void flush_error_log() {
    if (const std::uint64_t lost = access_log.take_lost(); lost > 0) {
      error_log.add_lost_lines("access log", lost);
    }
    if (access_log.take_full()) {
      error_log.add({.severity = logs::Severity::warning,
                     .message = "the access log is as large as it may be (\"log\" of \"limits\"): "
                                "lines are lost until it is rotated"});
    }
    error_log.flush();
  }

  static content::RuleBook rules_of(const SiteSettings& settings) {
    auto rules = content::RuleBook::make(settings.content);
    PERCHILD_ASSERT(rules);  // the command has compiled its patterns
    return std::move(*rules);
  }

  const BorrowedFd access_file_;
  const BorrowedFd error_file_;
};

}  // namespace perchild
