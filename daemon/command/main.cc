// perchild: the command that people and panels call.
//
// Runs in: command, with its caller's rights.
// Trusts: its caller.
#include <CLI/CLI.hpp>
#include <iostream>

#include "daemon/command/check/check.h"
#include "daemon/command/control/control_client.h"
#include "daemon/command/control/metrics.h"
#include "daemon/command/control/reopen.h"
#include "daemon/command/control/status.h"
#include "daemon/command/control/top.h"
#include "daemon/command/doctor/doctor.h"
#include "daemon/command/explain/explain.h"
#include "daemon/command/exporter/exporter.h"
#include "daemon/command/reload/reload.h"
#include "daemon/command/serve/serve.h"
#include "daemon/command/upgrade/upgrade.h"

int main(int argc, char** argv) {
  CLI::App app("perchild: a web server that serves each virtual host under its own userid");
  app.set_version_flag("--version", "perchild " PERCHILD_VERSION);
  app.require_subcommand(1);
  std::string config = "/etc/perchild/perchild.json";
  bool json = false;

  CLI::App* serve = app.add_subcommand("serve", "Serve the configured sites until told to stop");
  CLI::App* check = app.add_subcommand("check", "Say what is wrong with a configuration");
  CLI::App* reload = app.add_subcommand("reload", "Let the running server go by a configuration");
  CLI::App* upgrade =
      app.add_subcommand("upgrade", "Let this version take over from the one that runs");
  CLI::App* doctor = app.add_subcommand(
      "doctor", "Say what keeps the sites of this machine less apart than it should");
  for (CLI::App* command : {serve, check, reload, upgrade, doctor}) {
    command->add_option("-c,--config", config, "The configuration file")->capture_default_str();
  }
  bool verbose = false;
  for (CLI::App* command : {check, doctor}) {
    command->add_flag("--json", json, "Print what is found as JSON");
  }
  std::uint64_t names = 200'000;
  doctor->add_option("--names", names, "How many names of each site's root it looks at")
      ->capture_default_str();
  doctor->add_flag("--verbose", verbose, "Print what is in order, too");

  CLI::App* explain = app.add_subcommand("explain", "Say which site, rules and file would answer");
  std::string url;
  explain->add_option("url", url, "http[s]://HOST[:PORT][/PATH][?QUERY]")->required();
  std::string from = "127.0.0.1";
  explain->add_option("--from", from, "The visitor's address")->capture_default_str();
  explain->add_option("-c,--config", config, "The configuration file")->capture_default_str();

  CLI::App* status = app.add_subcommand("status", "Say which sites run, and how");
  CLI::App* top = app.add_subcommand("top", "Show what the sites are doing, live");
  CLI::App* metrics = app.add_subcommand("metrics", "Print the same for Prometheus");
  CLI::App* reopen = app.add_subcommand("reopen", "Write to new log files: for logrotate");
  std::string runtime_dir = perchild::default_runtime_dir;
  for (CLI::App* command : {status, top, metrics, reopen}) {
    command->add_option("--runtime-dir", runtime_dir, "Where the server's sockets are")
        ->capture_default_str();
  }
  std::string listen;
  std::string user = "perchild-metrics";
  metrics->add_option("--listen", listen, "Answer Prometheus: 127.0.0.1:PORT, or a socket's path");
  metrics->add_option("--user", user, "Whose process does that")->capture_default_str();
  std::string site;
  status->add_option("site", site, "One site, by its first host");
  status->add_flag("--json", json, "Print it as JSON");

  CLI11_PARSE(app, argc, argv);
  if (explain->parsed()) return perchild::run_explain(config, url, from, std::cout, std::cerr);
  if (status->parsed()) {
    return perchild::run_status({runtime_dir, site, json}, std::cout, std::cerr);
  }
  if (top->parsed()) return perchild::run_top(runtime_dir, std::cerr);
  if (!listen.empty()) return perchild::run_exporter({runtime_dir, listen, user}, std::cerr);
  if (metrics->parsed()) return perchild::run_metrics(runtime_dir, std::cout, std::cerr);
  if (reopen->parsed()) return perchild::run_reopen(runtime_dir, std::cerr);
  if (reload->parsed()) return perchild::run_reload(config, std::cout, std::cerr);
  if (upgrade->parsed()) return perchild::run_upgrade(config, std::cout, std::cerr);
  if (doctor->parsed()) {
    return perchild::run_doctor({config, json, verbose, names}, std::cout, std::cerr);
  }
  if (serve->parsed()) return perchild::run_serve(config);
  return perchild::run_check(config, json, std::cout);
}
