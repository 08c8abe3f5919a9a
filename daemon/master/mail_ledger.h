// What sites have sent by mail of late, so that neither a site's next runner nor the next start of
// the service begins to count anew. It is kept in memory and in a file of the runtime directory, to
// which a record is appended for each message: it is lost with the machine's memory, not before.
//
// Runs in: master.
// Trusts: masters before it, and one beside it during an upgrade: nobody else can open the file.
// Does not trust: runners, of which each speaks of its own site.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "privsep/fixed_text.h"
#include "privsep/unique_fd.h"

namespace perchild {

class MailLedger {
 public:
  // Of the clock that is never set, which is the machine's: milliseconds.
  using Time = std::uint64_t;
  static Time time_of(std::chrono::steady_clock::time_point time);
  using Sent = std::map<Time, std::uint32_t>;  // recipients, by when what they are counted in began

  struct Record {
    static constexpr std::size_t longest_name = 256;
    FixedText<longest_name> site;
    Time since;
    std::uint32_t recipients;
    std::uint32_t reserved;
  };

  // Longer than any rate's period and the slot in which it is counted.
  static constexpr Time remembered = 62 * 60 * 1000;
  static constexpr std::size_t most_times = 64;  // of a site: a period has 61
  static constexpr std::uint64_t small_file = 1024 * sizeof(Record);

  // `file`: open for reading and appending.
  MailLedger(UniqueFd file, Time now);

  void add(const std::string& site, Time since, std::uint32_t recipients, Time now);
  const Sent& of(const std::string& site, Time now);
  // Counts what a master beside this one has appended meanwhile, and says what that is: nothing
  // where that one has rewritten the file, and all is read anew.
  std::vector<Record> catch_up(Time now);

 private:
  void count(const std::string& site, Time since, std::uint32_t recipients, Time now);
  void append(const Record& record);
  std::uint64_t size_of_file() const;
  void read_all(Time now);
  std::vector<Record> read_on(Time now);
  void rewrite(Time now);

  UniqueFd file_;
  std::uint64_t size_ = 0;                   // of the file, as far as it is known
  std::uint64_t rewritten_at_ = small_file;  // the size from which on it is
  bool is_whole_ = true;                     // no part of a record stands at its end
  std::map<std::string, Sent> sites_;
};

}  // namespace perchild
