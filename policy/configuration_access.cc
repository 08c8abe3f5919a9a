#include "policy/configuration_access.h"

#include <algorithm>
#include <string>
#include <utility>

#include "policy/configuration_addresses.h"
#include "policy/configuration_values.h"
#include "policy/password_hash.h"

namespace perchild {
namespace {

constexpr std::string_view auth_keys[] = {"realm", "users", "file"};
constexpr std::string_view access_keys[] = {"allow", "deny"};
constexpr std::string_view rates_keys[] = {"requests"};
constexpr std::string_view requests_keys[] = {"per_address", "burst"};
constexpr std::size_t most_users = 1000;
constexpr std::size_t most_lists = 256;
constexpr std::size_t longest_realm = 200;
constexpr std::uint64_t most_of_a_rate = 1'000'000;
constexpr std::string_view how_to_hash =
    R"(bcrypt, SHA-crypt, yescrypt and apr1 are taken: "htpasswd -nB NAME" or "mkpasswd" makes one)";

std::optional<std::string> read_realm(Report& report, JsonValue value) {
  const auto realm = read_text(report, value);
  if (!realm) return std::nullopt;
  // What bytes above ASCII mean in a field is not said anywhere (RFC 9110, 5.5).
  const bool is_ascii = std::all_of(realm->begin(), realm->end(),
                                    [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  if (!is_ascii || realm->size() > longest_realm) {
    report.error(value, "\"realm\" must be of ASCII, and not longer than " +
                            std::to_string(longest_realm) + " characters");
    return std::nullopt;
  }
  return realm;
}

void read_user(Report& report, JsonValue value, PasswordList& list) {
  const std::string_view name = value.key();
  if (!is_user_name(name)) {
    report.error_at_key(value, in_quotes(name) + " cannot be a user name",
                        "it must not be empty, have a colon or a control character, or be longer "
                        "than " +
                            std::to_string(longest_user_name) + " bytes");
    return;
  }
  const auto hash = read_text(report, value);
  if (!hash) return;
  const HashFault fault = classify_password_hash(*hash).fault;
  if (fault != HashFault::none) {
    // Without the value: it may be the password.
    report.error(
        value,
        "what stands for the password of " + in_quotes(name) + " " + std::string(text_of(fault)),
        std::string(how_to_hash));
    return;
  }
  list.users.push_back({std::string(name), *hash});
}

void read_users(Report& report, JsonValue value, PasswordList& list) {
  if (!report.expect(value, JsonKind::object)) return;
  if (value.empty()) report.error(value, "\"users\" must name at least one user");
  for (JsonValue user : value) {
    if (list.users.size() == most_users) {
      report.error_at_key(user, "there are more than " + std::to_string(most_users) + " users here",
                          "keep them in a file, which \"file\" names");
      return;
    }
    read_user(report, user, list);
  }
}

void read_auth(Report& report, JsonValue value, AccessSettings& access,
               std::vector<PasswordList>& lists) {
  if (value.is(JsonKind::boolean) && value.text() == "false") {
    access.auth = AuthSettings{.required = false, .realm = {}};
    return;
  }
  if (!report.expect_keys(value, R"("auth")", auth_keys)) return;
  AuthSettings auth{.realm = "Restricted"};
  if (const auto realm = value.find("realm")) {
    if (auto text = read_realm(report, *realm)) auth.realm = std::move(*text);
  }
  PasswordList list;
  const auto users = value.find("users");
  const auto file = value.find("file");
  if (users.has_value() == file.has_value()) {
    report.error(value, R"("auth" needs either "users" or a "file")");
    return;
  }
  if (users) read_users(report, *users, list);
  if (file) take_absolute_path(report, value, "file", list.file);
  if (lists.size() == most_lists) {
    report.error(
        value, "a vhost must not have more than " + std::to_string(most_lists) + " lists of users");
    return;
  }
  auth.list = static_cast<std::uint32_t>(lists.size());
  lists.push_back(std::move(list));
  access.auth = std::move(auth);
}

void read_blocks(Report& report, JsonValue list, bool allow, std::vector<AddressRule>& rules) {
  for (const AddressBlock& block : read_address_blocks(report, list)) {
    rules.push_back({block, allow});
  }
}

void read_addresses(Report& report, JsonValue value, AccessSettings& access) {
  if (!report.expect_keys(value, R"("access")", access_keys)) return;
  std::vector<AddressRule>& rules = access.addresses.emplace();
  if (const auto allow = value.find("allow")) read_blocks(report, *allow, true, rules);
  if (const auto deny = value.find("deny")) read_blocks(report, *deny, false, rules);
}

void read_requests(Report& report, JsonValue value, RateSettings& rate) {
  if (!report.expect_keys(value, R"("requests")", requests_keys)) return;
  const auto per_address = value.find("per_address");
  if (!per_address) {
    report.error(value, R"("requests" needs "per_address")");
    return;
  }
  take_rate(report, *per_address, rate);
  take_number(report, value, "burst", {1, most_of_a_rate}, rate.burst);
}

}  // namespace

void take_rate(Report& report, JsonValue value, RateSettings& rate) {
  if (!report.expect(value, JsonKind::string)) return;
  const auto read = parse_rate(value.text());
  if (read) {
    rate = *read;
    return;
  }
  report.error(value, in_quotes(value.text()) + " is not a rate",
               R"(a rate is a number and a unit of time: "10/s", "300/m", "1000/h")");
}

std::optional<RateSettings> parse_rate(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto count = parse_number(text.substr(0, slash));
  if (!count || *count == 0 || *count > most_of_a_rate) return std::nullopt;
  RateSettings rate{.count = static_cast<std::uint32_t>(*count),
                    .per = {},
                    .burst = static_cast<std::uint32_t>(*count)};
  const std::string_view unit = text.substr(slash + 1);
  if (unit == "s") {
    rate.per = std::chrono::seconds(1);
  } else if (unit == "m") {
    rate.per = std::chrono::minutes(1);
  } else if (unit == "h") {
    rate.per = std::chrono::hours(1);
  } else {
    return std::nullopt;
  }
  return rate;
}

void read_access(Report& report, JsonValue object, AccessSettings& access,
                 std::vector<PasswordList>& lists) {
  if (const auto auth = object.find("auth")) read_auth(report, *auth, access, lists);
  if (const auto addresses = object.find("access")) read_addresses(report, *addresses, access);
}

void read_request_rate(Report& report, JsonValue object, RateSettings& rate) {
  const auto rates = object.find("rates");
  if (!rates || !report.expect_keys(*rates, R"("rates")", rates_keys)) return;
  if (const auto requests = rates->find("requests")) read_requests(report, *requests, rate);
}

}  // namespace perchild
