#include "policy/configuration_json.h"

#include <algorithm>
#include <memory>
#include <set>
#include <tuple>
#include <utility>

#include "policy/configuration_accounts.h"
#include "policy/configuration_identities.h"
#include "policy/configuration_life.h"
#include "policy/configuration_listeners.h"
#include "policy/configuration_report.h"
#include "policy/configuration_sites.h"
#include "policy/configuration_values.h"
#include "policy/json_tree.h"

namespace perchild {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr std::size_t most_bytes = 512 * 1024 * 1024;  // of all files together
constexpr std::uint64_t most_connections = 1'000'000;

constexpr std::string_view top_keys[] = {
    "listen",  "id_range", "groups", "service_ids", "runtime_dir", "log_dir",       "acme_webroot",
    "include", "defaults", "vhosts", "router",      "mechanisms",  "drain_timeout", "child_groups"};
constexpr Uid nobody{65534};  // as little as any site's user may be
constexpr std::string_view router_keys[] = {"processes", "connections", "per_address",
                                            "head_timeout", "queue_timeout"};
constexpr std::string_view mechanism_keys[] = {"landlock", "cgroup"};
constexpr std::string_view requirement_names[] = {"required", "if-available"};

class ConfigurationReader {
 public:
  ConfigurationReader(std::string path, ConfigurationFiles& files, SystemView& system)
      : path_(std::move(path)),
        files_(files),
        system_(system),
        report_(result_.mistakes),
        identities_(report_, system),
        sites_(report_, system, identities_),
        accounts_(report_, system, identities_, sites_) {}

  ReadConfiguration read() {
    OpenedSource main = files_.open(path_);
    if (!main.problem.empty()) {
      result_.unreadable = main.problem;
      return std::move(result_);
    }
    if (const JsonDocument* document = load(path_, std::move(main))) read_top(document->root());
    finish();
    return std::move(result_);
  }

 private:
  const JsonDocument* load(const std::string& path, OpenedSource opened) {
    std::vector<Mistake> mistakes = std::move(opened.objections);
    bytes_ += opened.text.size();
    auto document = JsonDocument::parse(path, std::move(opened.text), mistakes);
    for (const Mistake& mistake : mistakes) {
      report_.add(mistake, mistake.sentence, mistake.hint);
    }
    if (!document) return nullptr;
    return documents_.emplace_back(std::move(document)).get();
  }

  // The order is that in which one section needs another, not that of the file.
  void read_top(JsonValue top) {
    if (!report_.expect_keys(top, "the configuration", top_keys)) return;
    identities_.read_common(top, configuration_);
    if (const auto defaults = top.find("defaults")) sites_.read_defaults(*defaults);
    if (const auto vhosts = top.find("vhosts")) sites_.read_vhosts(*vhosts);
    if (const auto include = top.find("include")) read_include(*include);
    for (JsonValue vhost : sites_.for_accounts()) accounts_.read(vhost);
    sites_.check_tmp();
    if (sites_.count() == 0) {
      report_.error(top.find("vhosts").value_or(top), "there is no vhost",
                    R"(vhosts stand in "vhosts", or in files that "include" names)");
    }
    identities_.read_further_service(top, "keeper", sites_.any_has_tls(), configuration_.keeper,
                                     configuration_);
    if (const auto listen = top.find("listen")) {
      configuration_.listeners = read_listeners(
          report_, *listen, [this](const HostPattern& host) { return sites_.find(host); });
      check_tls_is_used(*listen);
    } else {
      report_.error(top, R"(the configuration needs "listen")",
                    R"(for example "listen": [{ "address": "*:80" }])");
    }
    if (const auto router = top.find("router")) read_router(*router);
    read_groups(top);
    if (const auto mechanisms = top.find("mechanisms")) read_mechanisms(*mechanisms);
    take_absolute_path(report_, top, "runtime_dir", configuration_.runtime_dir);
    take_absolute_path(report_, top, "log_dir", configuration_.log_dir);
    if (const auto webroot = top.find("acme_webroot")) read_acme_webroot(*webroot);
    take_duration(report_, top, "drain_timeout", {Milliseconds(0), hours(1)}, configuration_.drain);
  }

  void read_groups(JsonValue top) {
    const auto groups = top.find("child_groups");
    GroupLimits& limits = configuration_.group_limits;
    if (groups) read_group_limits(report_, *groups, limits);
    identities_.read_further_service(top, "spare", limits.spares != 0, configuration_.spare,
                                     configuration_);
    const bool is_said =
        groups && groups->is(JsonKind::object) && groups->find("spares").has_value();
    // Who has the user for them, such as a package makes, wants one.
    if (!is_said && configuration_.spare) limits.spares = 1;
  }

  // Workers are given the folder itself: what stands above it need not be open to them.
  void read_acme_webroot(JsonValue value) {
    const auto path = read_absolute_path(report_, value);
    if (!path) return;
    const RootAnswer answer = system_.try_root(nobody, Gid{nobody.value}, {}, *path);
    if (answer.kind == RootAnswer::Kind::missing) {
      report_.error(value, "there is no folder " + in_quotes(*path));
    } else if (answer.kind == RootAnswer::Kind::not_a_directory) {
      report_.error(value, in_quotes(*path) + " is no folder");
    } else if (answer.kind == RootAnswer::Kind::denied && answer.where == *path) {
      report_.error(value, "sites cannot look into " + in_quotes(*path), "chmod o+x");
    } else {
      configuration_.acme_webroot = *path;
    }
  }

  // Certificates and addresses that speak TLS need each other.
  void check_tls_is_used(JsonValue listen) {
    const std::vector<Listener>& listeners = configuration_.listeners;
    const bool spoken = std::any_of(listeners.begin(), listeners.end(),
                                    [](const Listener& listener) { return listener.tls; });
    if (spoken == sites_.any_has_tls()) return;
    if (spoken) {
      report_.warning(listen, "no vhost has a certificate for the addresses that speak TLS",
                      R"(give a vhost "tls": "self-signed", or {"certificates": [...]})");
    } else {
      report_.warning(listen, "vhosts have certificates, but no address speaks TLS",
                      R"(for example { "address": "*:443", "tls": true })");
    }
  }

  void read_router(JsonValue router) {
    if (!report_.expect_keys(router, R"("router")", router_keys)) return;
    RouterLimits& limits = configuration_.router_limits;
    take_number(report_, router, "processes", {0, 64}, limits.routers);
    take_number(report_, router, "connections", {1, most_connections}, limits.connections);
    take_number(report_, router, "per_address", {1, most_connections}, limits.per_address);
    take_duration(report_, router, "head_timeout", brief, limits.head);
    take_duration(report_, router, "queue_timeout", brief, limits.queue);
  }

  void read_mechanisms(JsonValue mechanisms) {
    if (!report_.expect_keys(mechanisms, R"("mechanisms")", mechanism_keys)) return;
    take_requirement(mechanisms, "landlock", configuration_.mechanisms.landlock);
    take_requirement(mechanisms, "cgroup", configuration_.mechanisms.cgroup);
  }

  void take_requirement(JsonValue mechanisms, std::string_view key, Requirement& target) {
    const auto value = mechanisms.find(key);
    if (!value) return;
    if (const auto choice = read_choice(report_, *value, requirement_names)) {
      target = *choice == 0 ? Requirement::required : Requirement::if_available;
    }
  }

  void read_include(JsonValue include) {
    if (!report_.expect(include, JsonKind::array)) return;
    std::set<std::string> read{path_};
    for (JsonValue element : include) {
      const auto pattern = read_text(report_, element);
      if (!pattern) continue;
      const std::vector<std::string> paths = files_.matching(*pattern, path_);
      if (paths.empty() && pattern->find_first_of("*?[") == std::string::npos) {
        report_.error(element, "there is no file " + in_quotes(*pattern));
      }
      for (const std::string& path : paths) {
        if (read.insert(path).second) read_included(element, path);
      }
    }
  }

  void read_included(JsonValue element, const std::string& path) {
    OpenedSource opened = files_.open(path);
    if (!opened.problem.empty()) {
      report_.error(element, "cannot read " + in_quotes(path) + ": " + opened.problem);
    } else if (bytes_ + opened.text.size() > most_bytes) {
      report_.error(element, "with " + in_quotes(path) + " there are more than 512 MiB of files");
    } else if (const JsonDocument* document = load(path, std::move(opened))) {
      sites_.read_included(document->root());
    }
  }

  // False, and said so, if the default site of an address does not speak what is spoken there.
  bool defaults_are_able() {
    bool good = true;
    const auto complain = [&](const Listener& listener, const char* what) {
      report_.about_file(Severity::error, path_,
                         "the default site of " + in_quotes(listener.text) + what);
      good = false;
    };
    for (const Listener& listener : configuration_.listeners) {
      if (!listener.default_site) continue;
      Site& site = configuration_.sites[listener.default_site->value];
      if (listener.tls && site.certificates.empty()) {
        complain(listener, ", which speaks TLS, has no certificate");
      }
      if (!listener.plain_http2) continue;
      site.plain_http2 = true;
      if (!site.http2) complain(listener, ", which speaks HTTP/2, has \"http2\": false");
    }
    return good;
  }

  void finish() {
    identities_.finish();
    if (sites_.left_roots_unchecked()) {
      report_.about_file(Severity::note, path_,
                         "whether sites can enter their roots was not checked: only root can");
    }
    const Report::LeftOut left_out = report_.left_out();
    if (left_out.errors == 0 && count_of(result_.mistakes, Severity::error) == 0) {
      configuration_.sites = sites_.take();
      if (!defaults_are_able()) return sort_mistakes();
      result_.configuration = std::move(configuration_);
    }
    sort_mistakes();
    if (left_out.errors + left_out.others == 0) return;
    Mistake rest;
    rest.file = path_;
    rest.severity = left_out.errors != 0 ? Severity::error : Severity::warning;
    rest.sentence = "there are " + std::to_string(left_out.errors) + " errors and " +
                    std::to_string(left_out.others) + " warnings more than are told here";
    result_.mistakes.push_back(std::move(rest));
  }

  // The first file before those that it includes.
  void sort_mistakes() {
    const auto key = [this](const Mistake& mistake) {
      return std::make_tuple(mistake.file != path_, std::string_view(mistake.file), mistake.line,
                             mistake.column);
    };
    std::stable_sort(result_.mistakes.begin(), result_.mistakes.end(),
                     [&key](const Mistake& a, const Mistake& b) { return key(a) < key(b); });
  }

  const std::string path_;
  ConfigurationFiles& files_;
  SystemView& system_;
  ReadConfiguration result_;
  Report report_;
  std::vector<std::unique_ptr<JsonDocument>> documents_;
  IdentitiesReader identities_;
  SitesReader sites_;
  AccountVhostsReader accounts_;
  Configuration configuration_;
  std::size_t bytes_ = 0;
};

}  // namespace

ReadConfiguration read_configuration(const std::string& path, ConfigurationFiles& files,
                                     SystemView& system) {
  return ConfigurationReader(path, files, system).read();
}

}  // namespace perchild
