// Who may see what: "auth", "access" and "rates" of a vhost, and what a location has of them.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "policy/access_settings.h"
#include "policy/configuration_report.h"

namespace perchild {

// What `object`, a vhost, "defaults" or a location, says of who may come there. The users of an
// "auth" are added to `lists`, which are the site's.
void read_access(Report& report, JsonValue object, AccessSettings& access,
                 std::vector<PasswordList>& lists);

// "rates" of a vhost.
void read_request_rate(Report& report, JsonValue object, RateSettings& rate);

// A string as parse_rate() has it.
void take_rate(Report& report, JsonValue value, RateSettings& rate);

// "10/s", "600/m", "5/h".
std::optional<RateSettings> parse_rate(std::string_view text);

}  // namespace perchild
