#include "policy/configuration_calls.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "policy/configuration_values.h"
#include "policy/spelling.h"

namespace perchild {
namespace {

constexpr std::string_view calls_keys[] = {"forbid", "allow"};
constexpr std::size_t most_names = 512;

using Names = std::span<const std::string_view>;

std::string groups_of(Names names) {
  std::vector<std::string> groups;
  for (const std::string_view name : names) {
    if (name.starts_with('@')) groups.push_back(in_quotes(name));
  }
  const std::vector<std::string_view> words(groups.begin(), groups.end());
  return listed(words);
}

// Of a name that stands for nothing here. `names`: those that could have been meant.
void tell_unknown(Report& report, JsonValue value, const std::string& name, Names names) {
  const std::string_view meant = nearest(name, names);
  const bool is_group = name.starts_with('@');
  std::string hint = meant.empty() ? "" : "did you mean " + in_quotes(meant) + "?";
  if (hint.empty() && is_group) hint = "there are " + groups_of(names);
  report.error(
      value,
      in_quotes(name) + (is_group ? " is no group of system calls here" : " is no system call"),
      std::move(hint));
}

bool is_known(SystemView& system, const std::string& name, Names names) {
  return std::find(names.begin(), names.end(), name) != names.end() ||
         (!name.starts_with('@') && system.is_system_call(name));
}

bool can_be_forbidden(Report& report, SystemView& system, JsonValue value,
                      const std::string& name) {
  const CallStanding standing = standing_of(name);
  if (standing == CallStanding::needed) {
    report.error(value, in_quotes(name) + " cannot be forbidden: no program starts without it");
    return false;
  }
  if (!is_known(system, name, forbiddable_calls())) {
    tell_unknown(report, value, name, forbiddable_calls());
    return false;
  }
  return standing != CallStanding::never;  // it is forbidden already
}

bool can_be_allowed(Report& report, SystemView& system, JsonValue value, const std::string& name) {
  const CallStanding standing = standing_of(name);
  if (standing == CallStanding::extra) return true;
  if (standing != CallStanding::never) return false;  // it is allowed already
  if (!is_known(system, name, allowable_calls())) {
    tell_unknown(report, value, name, allowable_calls());
    return false;
  }
  const std::string danger(danger_of(name));
  report.error(value,
               in_quotes(name) + " cannot be allowed" + (danger.empty() ? "" : ": " + danger),
               "what can be are " + groups_of(allowable_calls()) + ", and the calls in these");
  return false;
}

template <typename Question>
void take_names(Report& report, JsonValue object, std::string_view key, Question can_be,
                std::vector<std::string>& names) {
  const auto value = object.find(key);
  if (!value || !report.expect(*value, JsonKind::array)) return;
  names.clear();
  for (JsonValue element : *value) {
    if (names.size() == most_names) {
      report.error(element, in_quotes(key) + " must not name more than " +
                                std::to_string(most_names) + " calls");
      return;
    }
    auto name = read_text(report, element);
    if (name && can_be(element, *name)) names.push_back(std::move(*name));
  }
}

}  // namespace

void read_calls(Report& report, SystemView& system, JsonValue value, ProgramCalls& calls) {
  if (!report.expect_keys(value, R"("system_calls")", calls_keys)) return;
  take_names(
      report, value, "forbid",
      [&](JsonValue place, const std::string& name) {
        return can_be_forbidden(report, system, place, name);
      },
      calls.forbid);
  take_names(
      report, value, "allow",
      [&](JsonValue place, const std::string& name) {
        return can_be_allowed(report, system, place, name);
      },
      calls.allow);
}

}  // namespace perchild
