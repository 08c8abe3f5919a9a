#include "policy/configuration_sites.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "policy/configuration_access.h"
#include "policy/configuration_calls.h"
#include "policy/configuration_compression.h"
#include "policy/configuration_content.h"
#include "policy/configuration_life.h"
#include "policy/configuration_log.h"
#include "policy/configuration_mail.h"
#include "policy/configuration_presets.h"
#include "policy/configuration_programs.h"
#include "policy/configuration_reach.h"
#include "policy/configuration_values.h"
#include "policy/written_host.h"

namespace perchild {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr std::uint64_t mebi = 1024ULL * 1024;
constexpr std::uint64_t gibi = 1024 * mebi;
constexpr std::uint64_t most_cpu_percent = 100 * 1024;
constexpr DurationRange lasting{Milliseconds(10), hours(1)};

// Besides the keys that speak of content. Of a vhost all of these, and "except".
constexpr std::string_view one_vhosts_keys[] = {"hosts",     "user", "uid",     "gid",   "root",
                                                "locations", "tls",  "fastcgi", "proxy", "app"};
constexpr std::string_view defaults_keys[] = {"owner_settings",
                                              "timeouts",
                                              "limits",
                                              "workers",
                                              "start",
                                              "idle_timeout",
                                              "suspended",
                                              "minimum_rates",
                                              "compression",
                                              "log",
                                              "canonical",
                                              "https",
                                              "hsts",
                                              "trusted_proxies",
                                              "auth",
                                              "access",
                                              "rates",
                                              "php",
                                              "cgi",
                                              "writable_folders",
                                              "executable_folders",
                                              "tmp",
                                              "connect_ports",
                                              "system_calls",
                                              "mail",
                                              "http2"};
constexpr std::string_view timeouts_keys[] = {"head", "idle", "body", "send", "linger"};
constexpr std::string_view minimum_rates_keys[] = {"body", "response"};
constexpr std::string_view limits_keys[] = {"connections", "body", "queue", "cache",       "memory",
                                            "processes",   "cpu",  "io",    "per_address", "log"};
constexpr std::string_view included_keys[] = {"vhosts"};

// Asked for once for each of many thousand vhosts.
std::span<const std::string_view> vhost_keys() {
  static const std::vector<std::string_view> all = [] {
    std::vector<std::string_view> keys(std::begin(one_vhosts_keys), std::end(one_vhosts_keys));
    keys.insert(keys.end(), std::begin(defaults_keys), std::end(defaults_keys));
    keys.emplace_back("except");
    return with_content_keys(keys);
  }();
  return all;
}

std::string key_of(const HostPattern& host) {
  return (host.wildcard ? "*." : "") + std::string(host.name.view());
}

void read_timeouts(Report& report, JsonValue value, SiteTimeouts& timeouts) {
  if (!report.expect_keys(value, R"("timeouts")", timeouts_keys)) return;
  take_duration(report, value, "head", brief, timeouts.head);
  take_duration(report, value, "idle", lasting, timeouts.idle);
  take_duration(report, value, "body", lasting, timeouts.body);
  take_duration(report, value, "send", lasting, timeouts.send);
  take_duration(report, value, "linger", brief, timeouts.linger);
}

void read_minimum_rates(Report& report, JsonValue value, MinimumRates& rates) {
  if (!report.expect_keys(value, R"("minimum_rates")", minimum_rates_keys)) return;
  take_size(report, value, "body", {0, gibi}, rates.body);
  take_size(report, value, "response", {0, gibi}, rates.response);
}

// "50%" of one CPU; "200%" is two.
std::optional<std::uint32_t> parse_percent(std::string_view text) {
  if (!text.ends_with('%')) return std::nullopt;
  const auto number = parse_number(text.substr(0, text.size() - 1));
  if (!number || *number == 0 || *number > most_cpu_percent) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

void read_cpu(Report& report, JsonValue value, std::uint32_t& percent) {
  const auto parsed =
      value.is(JsonKind::string) ? parse_percent(value.text()) : std::optional<std::uint32_t>();
  if (parsed) {
    percent = *parsed;
    return;
  }
  report.error(
      value, "\"cpu\" must be a share from \"1%\" to \"" + std::to_string(most_cpu_percent) + "%\"",
      "100% is one CPU");
}

void read_quota(Report& report, JsonValue value, SiteQuota& quota) {
  // Less than that a worker cannot start in.
  take_size(report, value, "memory", {16 * mebi, 1024 * gibi}, quota.memory);
  take_number(report, value, "processes", {1, 1'000'000}, quota.processes);
  if (const auto cpu = value.find("cpu")) read_cpu(report, *cpu, quota.cpu_percent);
  take_size(report, value, "io", {64 * 1024, 1024 * gibi}, quota.io);
}

void read_limits(Report& report, JsonValue value, SiteLimits& limits) {
  if (!report.expect_keys(value, R"("limits")", limits_keys)) return;
  // Each may take a file besides: see the worker's limit in role_policy.cc.
  take_number(report, value, "connections", {1, 30'000}, limits.connections);
  take_size(report, value, "body", {0, 1024 * gibi}, limits.body);
  take_number(report, value, "queue", {1, 65'536}, limits.queue);
  take_size(report, value, "cache", {0, 16 * gibi}, limits.cache);
  read_quota(report, value, limits.quota);
  take_number(report, value, "per_address", {1, 30'000}, limits.per_address);
  take_size(report, value, "log", {mebi, 1024 * gibi}, limits.log);
}

bool asks_for_passwords(const Content& content) {
  const auto asks = [](const ContentSettings& settings) {
    return settings.access.auth && settings.access.auth->required;
  };
  return asks(content.settings) ||
         std::any_of(content.locations.begin(), content.locations.end(),
                     [&](const Location& location) { return asks(location.settings); });
}

bool is_for_accounts(JsonValue vhost) {
  const auto user = vhost.find("user");
  return user && user->is(JsonKind::string) && user->text().find("{1}") != std::string_view::npos;
}

}  // namespace

void read_site_values(Report& report, SystemView& system, JsonValue object, SiteValues& values) {
  OperatorsPart operators{values.password_lists, values.programs, system};
  read_content(report, object, values.content, &operators);
  read_reach(report, object, values.reach);
  if (const auto owners = object.find("owner_settings")) {
    read_owner_topics(report, *owners, values.content.owner_settings);
  }
  if (const auto timeouts = object.find("timeouts")) {
    read_timeouts(report, *timeouts, values.timeouts);
  }
  if (const auto rates = object.find("minimum_rates")) {
    read_minimum_rates(report, *rates, values.minimum_rates);
  }
  if (const auto compression = object.find("compression")) {
    read_compression(report, *compression, values.compression);
  }
  if (const auto limits = object.find("limits")) {
    read_limits(report, *limits, values.limits);
    if (limits->is(JsonKind::object) && limits->find("body")) values.has_body_limit = true;
  }
  if (has_preset(object) && !values.has_body_limit) values.limits.body = body_of_presets;
  read_request_rate(report, object, values.request_rate);
  read_site_life(report, object, values.life);
  if (const auto app = object.find("app")) {
    values.app = app->is(JsonKind::string) ? app->text() : std::string_view();
  }
  take_folders(report, object, "writable_folders", values.writable_folders);
  take_folders(report, object, "executable_folders", values.executable_folders);
  read_tmp(report, object, values.tmp);
  if (const auto ports = object.find("connect_ports")) {
    read_ports(report, *ports, values.connect_ports);
  }
  if (const auto calls = object.find("system_calls")) {
    read_calls(report, system, *calls, values.calls);
  }
  if (const auto mail = object.find("mail")) read_mail(report, system, *mail, values.mail);
  if (const auto log = object.find("log")) read_log(report, *log, values.log_format);
  if (const auto http2 = object.find("http2")) {
    if (report.expect(*http2, JsonKind::boolean)) values.http2 = http2->text() == "true";
  }
}

RootProblem problem_of(const RootAnswer& answer, const std::string& path,
                       const SiteIdentity& identity) {
  switch (answer.kind) {
    case RootAnswer::Kind::missing:
      return {"the root " + in_quotes(path) + " does not exist", {}};
    case RootAnswer::Kind::not_a_directory:
      return {"the root " + in_quotes(path) + " is not a directory", {}};
    case RootAnswer::Kind::denied:
      return {identity.text + " cannot enter the root " + in_quotes(path) +
                  (answer.where == path ? "" : ": " + in_quotes(answer.where) + " is closed to it"),
              "it needs execute permission there: chmod o+x, or setfacl"};
    case RootAnswer::Kind::failed:
      return {"the root " + in_quotes(path) + " cannot be opened: " + std::strerror(answer.error),
              {}};
    case RootAnswer::Kind::enterable:
    case RootAnswer::Kind::unchecked:
      break;
  }
  return {};
}

void SitesReader::read_defaults(JsonValue defaults) {
  if (!report_.expect(defaults, JsonKind::object)) return;
  bool misplaced = false;
  for (JsonValue member : defaults) {
    if (std::find(std::begin(one_vhosts_keys), std::end(one_vhosts_keys), member.key()) ==
        std::end(one_vhosts_keys)) {
      continue;
    }
    report_.error_at_key(member,
                         in_quotes(member.key()) + " belongs to one vhost and has no default");
    misplaced = true;
  }
  if (!misplaced) report_.expect_keys(defaults, R"("defaults")", with_content_keys(defaults_keys));
  read_site_values(report_, system_, defaults, defaults_);
}

void SitesReader::read_vhosts(JsonValue vhosts) {
  if (!report_.expect(vhosts, JsonKind::array)) return;
  for (JsonValue vhost : vhosts) {
    if (drafts_ == most_sites) {
      report_.error(vhost, "there are more than " + std::to_string(most_sites) + " vhosts");
      return;
    }
    read_vhost(vhost);
  }
}

void SitesReader::read_included(JsonValue root) {
  if (root.is(JsonKind::array)) {
    read_vhosts(root);
  } else if (const auto vhosts = root.find("vhosts")) {
    report_.expect_keys(root, "an included file", included_keys);
    read_vhosts(*vhosts);
  } else {
    read_vhost(root);
  }
}

std::optional<SiteId> SitesReader::find(const HostPattern& host) const {
  const auto found = hosts_.find(key_of(host));
  return found == hosts_.end() ? std::nullopt : std::optional(found->second.site);
}

void SitesReader::read_vhost(JsonValue vhost) {
  if (vhost.is(JsonKind::object) && is_for_accounts(vhost)) {
    report_.expect_keys(vhost, "a vhost", vhost_keys());
    for_accounts_.push_back(vhost);
    return;
  }
  const SiteId site{drafts_++};
  if (!report_.expect_keys(vhost, "a vhost", vhost_keys())) return;
  if (const auto except = vhost.find("except")) {
    report_.error_at_key(*except, R"("except" goes with "user": "{1}", a vhost for every account)");
  }
  auto hosts = read_hosts(vhost, site);
  const auto identity = identities_.read_site(vhost);
  const auto root = read_root(vhost);
  SiteValues values = read_values(vhost);
  check_canonical(report_, vhost, values.reach, hosts);
  check_tls_hosts(report_, values.tls, hosts);
  if (identity) check_uid_is_alone(*identity, vhost);
  if (!identity || !root || !check_root(*vhost.find("root"), *identity, *root)) return;
  if (hosts.empty()) return;  // each was a mistake; nothing can be made for a site without a name
  std::string tmp = take_tmp(report_, system_, vhost, *identity, *root, values.tmp);
  const auto written = values.tmp;
  push(make_site(std::move(hosts), *identity, *root, std::move(values)), std::move(tmp), written);
}

Site SitesReader::make_site(std::vector<HostPattern> hosts, const SiteIdentity& identity,
                            std::string root, SiteValues values) {
  // An inherited "auth" that is switched off leaves users whom nobody asks for.
  if (!asks_for_passwords(values.content)) values.password_lists.clear();
  std::vector<std::string> certificate_names = names_of(values.tls);
  TlsSettings tls = std::move(values.tls.settings);
  auto certificates = certificates_of(std::move(values.tls), system_, hosts);
  finish_programs(values.content, values.programs, root);
  if (keep_from_forking(values.calls.forbid)) {
    for (ProgramSettings& program : values.programs) program.forks = false;
  }
  if (values.mail) finish_mail(*values.mail, hosts, values.programs);
  if (auto project = project_of_preset(values.app, root, identity.uid.uid(), system_)) {
    values.writable_folders.push_back(std::move(*project));
  }
  return {.hosts = std::move(hosts),
          .uid = identity.uid,
          .gid = identity.gid,
          .groups = identity.groups,
          .root = std::move(root),
          .content = std::move(values.content),
          .reach = std::move(values.reach),
          .timeouts = values.timeouts,
          .minimum_rates = values.minimum_rates,
          .limits = values.limits,
          .compression = std::move(values.compression),
          .life = values.life,
          .log_format = values.log_format,
          .password_lists = std::move(values.password_lists),
          .request_rate = values.request_rate,
          .certificates = std::move(certificates),
          .certificate_names = std::move(certificate_names),
          .tls = std::move(tls),
          .http2 = values.http2,
          .programs = std::move(values.programs),
          .writable_folders = std::move(values.writable_folders),
          .executable_folders = std::move(values.executable_folders),
          .connect_ports = std::move(values.connect_ports),
          .mail = std::move(values.mail),
          .calls = std::move(values.calls)};
}

SiteValues SitesReader::read_values(JsonValue vhost) {
  SiteValues values = defaults_;
  read_site_values(report_, system_, vhost, values);
  if (const auto tls = vhost.find("tls")) {
    any_has_tls_ = true;
    values.tls = read_tls(report_, system_, *tls);
  }
  return values;
}

void SitesReader::add(std::vector<HostPattern> hosts, JsonValue place, const SiteIdentity& identity,
                      std::string root, std::string tmp, SiteValues values) {
  const SiteId site{drafts_++};
  for (const HostPattern& host : hosts) hosts_.try_emplace(key_of(host), HostPlace{site, place});
  uids_.try_emplace(identity.uid.uid().value, UidUser{in_quotes(key_of(hosts.front())), place});
  const auto written = values.tmp;
  push(make_site(std::move(hosts), identity, std::move(root), std::move(values)), std::move(tmp),
       written);
}

void SitesReader::push(Site site, std::string tmp, const std::optional<WrittenTmp>& written) {
  if (!tmp.empty()) tmp_places_.emplace_back(sites_.size(), written->place);
  site.tmp = std::move(tmp);
  sites_.push_back(std::move(site));
}

std::vector<HostPattern> SitesReader::read_hosts(JsonValue vhost, SiteId site) {
  std::vector<HostPattern> hosts;
  const auto list = vhost.find("hosts");
  if (!list) {
    report_.error(vhost, R"(a vhost needs "hosts")");
  } else if (report_.expect(*list, JsonKind::array)) {
    if (list->empty()) report_.error(*list, "\"hosts\" must name at least one host");
    for (JsonValue element : *list) add_host(element, site, hosts);
  }
  return hosts;
}

void SitesReader::add_host(JsonValue value, SiteId site, std::vector<HostPattern>& hosts) {
  if (!report_.expect(value, JsonKind::string)) return;
  const auto [host, problem] = parse_written_host(value.text());
  if (!host) {
    report_.error(
        value,
        in_quotes(value.text()) + " is not a host name" + (problem.empty() ? "" : ": " + problem),
        R"(a host is "name.example", or "*.name.example" for all below it; no port)");
    return;
  }
  if (hosts.empty() && host->name.view().size() > longest_first_host) {
    report_.error(value,
                  "the first host names the log files and must not be longer than " +
                      std::to_string(longest_first_host) + " characters",
                  "put a shorter one in front of it");
  }
  const auto [other, is_new] = hosts_.try_emplace(key_of(*host), HostPlace{site, value});
  if (is_new) {
    hosts.push_back(*host);
    return;
  }
  report_.error(value, "the host " + told_host(value.text(), *host) +
                           (other->second.site == site ? " is named twice in this vhost"
                                                       : " belongs to another vhost") +
                           ", first at " + other->second.place.place());
}

void SitesReader::check_uid_is_alone(const SiteIdentity& identity, JsonValue vhost) {
  const std::uint32_t uid = identity.uid.uid().value;
  const auto hosts = vhost.find("hosts");
  const std::string name =
      hosts && !hosts->empty() ? in_quotes((*hosts->begin()).text()) : std::string("a vhost");
  const auto [other, is_new] = uids_.try_emplace(uid, UidUser{name, identity.place});
  if (is_new) return;
  report_.warning(identity.place,
                  "uid " + std::to_string(uid) + " is that of " + other->second.name + " at " +
                      other->second.place.place() +
                      " too: the two are not isolated from each other",
                  "give every site a user of its own");
}

std::optional<std::string> SitesReader::read_root(JsonValue vhost) {
  if (const auto root = vhost.find("root")) return read_absolute_path(report_, *root);
  report_.error(vhost, R"(a vhost needs a "root")");
  return std::nullopt;
}

bool SitesReader::check_root(JsonValue root, const SiteIdentity& identity,
                             const std::string& path) {
  RootProblem problem = problem_of(try_root(identity, path), path, identity);
  if (problem.sentence.empty()) return true;
  report_.error(root, std::move(problem.sentence), std::move(problem.hint));
  return false;
}

RootAnswer SitesReader::try_root(const SiteIdentity& identity, const std::string& path) {
  RootAnswer answer = system_.try_root(identity.uid.uid(), identity.gid, identity.groups, path);
  if (answer.kind == RootAnswer::Kind::unchecked) left_roots_unchecked_ = true;
  return answer;
}

}  // namespace perchild
