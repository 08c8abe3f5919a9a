// What the configuration says about content: of all sites, of a site, of a part of it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "policy/configuration_report.h"
#include "policy/content_settings.h"
#include "policy/program_settings.h"
#include "policy/system_view.h"

namespace perchild {

// The keys that `object` (a vhost, "defaults", a location) has of ContentSettings. What it does not
// have stays as it is. `captures`: how many $1 and so on a location has.
void read_content_settings(Report& report, JsonValue object, ContentSettings& settings,
                           std::uint32_t captures = 0);

// `keys`, and those that read_content_settings() looks for, for Report::expect_keys().
std::vector<std::string_view> with_content_keys(std::span<const std::string_view> keys);

bool is_content_key(std::string_view key);

// "owner_settings": true, false, or an array of such keys.
void read_owner_topics(Report& report, JsonValue value, std::vector<std::string>& topics);

// Where what only the operator can say goes: the users of each "auth", and the programs.
struct OperatorsPart {
  std::vector<PasswordList>& lists;
  std::vector<ProgramSettings>& programs;
  SystemView& system;  // is asked whether the programs are there
};

// Besides those keys, "locations". With a part for the operator also who may come here, and what is
// run for them. The owner has none, and no say in it.
void read_content(Report& report, JsonValue object, Content& content,
                  OperatorsPart* operators = nullptr);

}  // namespace perchild
