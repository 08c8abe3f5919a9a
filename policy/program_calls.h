// What an operator says of the system calls of one site's programs, besides what holds for those of
// all sites (syscall_rules_of_programs.cc): calls that are refused them, and calls that only they
// may make. Names are those of calls, or of groups of these, which begin with '@'.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/syscall_rules.h"

namespace perchild {

struct ProgramCalls {
  std::vector<std::string> forbid{};  // counts for more than `allow`
  std::vector<std::string> allow{};
  auto operator<=>(const ProgramCalls&) const = default;
};

// What a name is to an operator.
enum class CallStanding : std::uint8_t {
  usual,   // all programs may
  needed,  // likewise, and no program starts without it
  extra,   // none may, but where a site says so
  never,   // none may, whatever is said
};
// A name that is in no list of ours is `never`, be there such a call or not.
CallStanding standing_of(std::string_view name);
// Why one of those that are `never` must be: "it goes round every filter"; empty if there is no
// more to say of it.
std::string_view danger_of(std::string_view name);
// Every name that can be forbidden, or allowed.
std::span<const std::string_view> forbiddable_calls();
std::span<const std::string_view> allowable_calls();

// The rules that `names` stand for, of calls that are to be refused, or to be allowed.
std::vector<SyscallRule> rules_to_forbid(std::span<const std::string> names);
std::vector<SyscallRule> rules_to_allow(std::span<const std::string> names);

// Whether programs from which these are taken cannot be forked from one that is loaded once
// (daemon/fork_server).
bool keep_from_forking(std::span<const std::string> forbidden);

}  // namespace perchild
