#include "policy/configuration_reach.h"

#include <algorithm>
#include <string>

#include "policy/configuration_addresses.h"
#include "policy/configuration_values.h"
#include "policy/written_host.h"

namespace perchild {
namespace {

constexpr std::string_view hsts_keys[] = {"max_age", "include_subdomains", "preload"};
constexpr std::string_view https_names[] = {"optional", "redirect"};
constexpr std::chrono::seconds day{24 * 60 * 60};
constexpr std::chrono::seconds year{365 * day};

void read_canonical(Report& report, JsonValue value, ReachSettings& reach) {
  if (!report.expect(value, JsonKind::string)) return;
  reach.canonical_host.reset();
  if (value.text() == "www" || value.text() == "apex") {
    reach.canonical = value.text() == "www" ? Canonical::www : Canonical::apex;
    return;
  }
  const auto [host, problem] = parse_written_host(value.text());
  if (!host || host->wildcard) {
    report.error(value, in_quotes(value.text()) + " is not a host name",
                 R"("canonical" is "www", "apex" or one of the vhost's hosts)");
    return;
  }
  reach.canonical = Canonical::host;
  reach.canonical_host = host->name;
}

// A number of seconds, "30d" or "1y".
std::optional<std::chrono::seconds> read_age(Report& report, JsonValue value) {
  const std::string_view text = value.text();
  const bool is_scalar = value.is(JsonKind::number) || value.is(JsonKind::string);
  std::chrono::seconds unit{1};
  std::string_view digits = text;
  if (text.ends_with('d') || text.ends_with('y')) {
    unit = text.ends_with('d') ? day : year;
    digits.remove_suffix(1);
  }
  const auto number = is_scalar ? parse_number(digits) : std::nullopt;
  const auto most = static_cast<std::uint64_t>(10 * year / unit);
  if (number && *number <= most) return unit * static_cast<std::int64_t>(*number);
  report.error(value, "\"max_age\" is not a number of seconds up to ten years",
               R"(or one with a unit: "30d", "1y")");
  return std::nullopt;
}

void read_flag(Report& report, JsonValue object, std::string_view key, bool& flag) {
  const auto value = object.find(key);
  if (value && report.expect(*value, JsonKind::boolean)) flag = value->text() == "true";
}

void read_hsts(Report& report, JsonValue value, std::optional<HstsSettings>& target) {
  if (value.is(JsonKind::boolean) && value.text() == "false") {
    target.reset();
    return;
  }
  if (!report.expect_keys(value, R"("hsts")", hsts_keys)) return;
  HstsSettings hsts;
  read_flag(report, value, "include_subdomains", hsts.include_subdomains);
  read_flag(report, value, "preload", hsts.preload);
  const auto max_age = value.find("max_age");
  if (!max_age) {
    report.error(value, R"("hsts" needs "max_age")", R"(for example "1y"; a browser forgets 0)");
    return;
  }
  const auto age = read_age(report, *max_age);
  if (!age) return;
  hsts.max_age = *age;
  if (hsts.preload && (hsts.max_age < year || !hsts.include_subdomains)) {
    report.error(*value.find("preload"),
                 "browsers preload no site without \"include_subdomains\" and a \"max_age\" of a "
                 "year");
    return;
  }
  target = hsts;
}

bool has(std::span<const HostPattern> hosts, std::string_view name) {
  return std::any_of(hosts.begin(), hosts.end(), [name](const HostPattern& host) {
    return !host.wildcard && host.name.view() == name;
  });
}

}  // namespace

void read_reach(Report& report, JsonValue object, ReachSettings& reach) {
  if (const auto value = object.find("canonical")) read_canonical(report, *value, reach);
  if (const auto value = object.find("https")) {
    if (const auto choice = read_choice(report, *value, https_names)) {
      reach.redirect_to_https = *choice == 1;
    }
  }
  if (const auto value = object.find("hsts")) read_hsts(report, *value, reach.hsts);
  if (const auto value = object.find("trusted_proxies")) {
    reach.trusted_proxies = read_address_blocks(report, *value);
  }
}

void check_canonical(Report& report, JsonValue vhost, const ReachSettings& reach,
                     std::span<const HostPattern> hosts) {
  const auto value = vhost.find("canonical");
  if (!value) return;
  if (reach.canonical == Canonical::host && reach.canonical_host) {
    const HostName& name = *reach.canonical_host;
    const bool is_own = std::any_of(hosts.begin(), hosts.end(), [&name](const HostPattern& host) {
      return host.matches(name);
    });
    if (is_own) return;
    report.error(*value, in_quotes(value->text()) + " is not among the hosts of this vhost",
                 "add it to them");
    return;
  }
  if (reach.canonical == Canonical::none) return;
  const bool has_pair = std::any_of(hosts.begin(), hosts.end(), [hosts](const HostPattern& host) {
    return !host.wildcard && has(hosts, "www." + std::string(host.name.view()));
  });
  if (has_pair) return;
  report.warning(*value, "no host of this vhost stands in it with and without \"www.\"",
                 "nothing is redirected");
}

}  // namespace perchild
