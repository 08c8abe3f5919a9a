#include "policy/configuration_programs.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "policy/configuration_presets.h"
#include "policy/configuration_program_values.h"
#include "policy/configuration_values.h"

namespace perchild {
namespace {

constexpr std::string_view php_interpreter = "/usr/bin/php-cgi";
constexpr std::string_view usual_cgi_folder = "/cgi-bin";
constexpr std::size_t most_folders = 64;
constexpr std::size_t most_connect_ports = 64;

constexpr std::string_view php_keys[] = {
    "interpreter",  "ini",          "extensions", "environment", "max_processes",
    "max_requests", "idle_timeout", "time_limit", "queue",       "queue_timeout"};
constexpr std::string_view cgi_keys[] = {"directories",   "extensions", "environment",
                                         "max_processes", "time_limit", "queue",
                                         "queue_timeout"};
constexpr std::string_view fastcgi_keys[] = {
    "command",      "socket",       "extensions", "environment", "directory",    "max_processes",
    "max_requests", "idle_timeout", "time_limit", "queue",       "queue_timeout"};
constexpr std::string_view proxy_keys[] = {"to",    "idle_timeout",  "time_limit",
                                           "queue", "queue_timeout", "request_buffer"};
constexpr std::string_view app_keys[] = {"command",       "environment",   "directory",
                                         "idle_timeout",  "time_limit",    "queue",
                                         "queue_timeout", "request_buffer"};

class ProgramsReader {
 public:
  ProgramsReader(Report& report, std::string_view folder, std::vector<HandlerSetting>& handlers,
                 OperatorsPart& operators)
      : report_(report), folder_(folder), handlers_(handlers), operators_(operators) {}

  void read(JsonValue object) {
    // What takes every path first: what runs files goes on within it.
    if (const auto app = object.find("app"); app && !has_preset(object)) {
      read_app(*app);
    }
    if (const auto proxy = object.find("proxy")) read_proxy(*proxy);
    if (const auto fastcgi = object.find("fastcgi")) read_fastcgi(*fastcgi);
    if (const auto cgi = object.find("cgi")) read_cgi(*cgi);
    if (const auto php = object.find("php")) read_php(*php);
    tell_of_rivals(object);
  }

 private:
  // `false`: what is inherited is switched off. `form`: `true` or an object, if true is enough.
  bool is_switched_off(JsonValue value) {
    if (!value.is(JsonKind::boolean) || value.text() != "false") return false;
    handlers_.push_back({.topic = std::string(value.key()), .program = std::nullopt});
    return true;
  }
  static bool is_true(JsonValue value) {
    return value.is(JsonKind::boolean) && value.text() == "true";
  }

  void read_php(JsonValue value) {
    if (is_switched_off(value)) return;
    ProgramSettings php{
        .kind = ProgramKind::fastcgi_pool, .protocol = ProgramProtocol::fastcgi, .name = "php"};
    php.forks = true;
    std::string interpreter(php_interpreter);
    IniValues ini = usual_php_ini();
    HandlerSetting handler{.topic = "php", .program = std::nullopt, .extensions = {"php"}};
    JsonValue interpreter_place = value;
    if (!is_true(value)) {
      if (!report_.expect_keys(value, R"("php")", php_keys)) return;
      if (const auto given = value.find("interpreter")) interpreter_place = *given;
      take_absolute_path(report_, value, "interpreter", interpreter);
      if (const auto given = value.find("ini")) read_php_ini(report_, *given, ini);
      take_extensions(report_, value, handler.extensions);
      take_program_values(report_, value, php);
    }
    if (!expect_program(report_, operators_.system, interpreter_place, interpreter)) return;
    if (operators_.system.is_php_without_fastcgi(interpreter)) {
      report_.error(interpreter_place,
                    in_quotes(interpreter) +
                        " answers no requests: it is the PHP of the command "
                        "line, or php-fpm",
                    R"("/usr/bin/php-cgi", of the package php-cgi)");
      return;
    }
    php.command = {interpreter};
    for (const auto& [name, text] : ini) {
      php.command.emplace_back("-d");
      php.command.push_back(name + "=" + text);
    }
    php.session = session_lifetime(ini);
    // How many it has served is counted for it: an end of its own would be a whole shutdown.
    php.environment.emplace_back("PHP_FCGI_MAX_REQUESTS=0");
    add(value, std::move(php), std::move(handler));
  }

  void read_cgi(JsonValue value) {
    if (is_switched_off(value)) return;
    ProgramSettings cgi{.kind = ProgramKind::cgi,
                        .protocol = ProgramProtocol::cgi,
                        .name = "cgi",
                        .most_processes = 8};
    HandlerSetting handler{.topic = "cgi"};
    if (!is_true(value)) {
      if (!report_.expect_keys(value, R"("cgi")", cgi_keys)) return;
      take_extensions(report_, value, handler.extensions);
      if (const auto folders = value.find("directories")) read_folders(*folders, handler);
      take_program_values(report_, value, cgi);
    }
    if (handler.extensions.empty() && handler.directories.empty()) {
      handler.directories.emplace_back(folder_.empty() ? usual_cgi_folder : folder_);
    }
    add(value, std::move(cgi), std::move(handler));
  }

  void read_folders(JsonValue value, HandlerSetting& handler) {
    if (!report_.expect(value, JsonKind::array)) return;
    for (JsonValue element : value) {
      auto path = read_site_path(report_, element);
      if (!path) continue;
      if (path->ends_with('/')) path->pop_back();
      if (path->empty()) {
        report_.error(element, "the site as a whole is no folder of scripts",
                      R"(name a folder in it, as "/cgi-bin", or "extensions")");
        continue;
      }
      handler.directories.push_back(std::move(*path));
    }
  }

  void read_fastcgi(JsonValue value) {
    if (is_switched_off(value)) return;
    if (!report_.expect_keys(value, R"("fastcgi")", fastcgi_keys)) return;
    ProgramSettings program{
        .kind = ProgramKind::fastcgi_pool, .protocol = ProgramProtocol::fastcgi, .name = "fastcgi"};
    HandlerSetting handler{.topic = "fastcgi"};
    const auto command = value.find("command");
    const auto socket = value.find("socket");
    if (command.has_value() == socket.has_value()) {
      report_.error(value, R"("fastcgi" needs either a "command" or a "socket")");
      return;
    }
    if (socket) {
      program.kind = ProgramKind::backend;
      const auto path = read_absolute_path(report_, *socket);
      if (!path) return;
      program.address = *path;
    } else if (!read_command(report_, operators_.system, *command, program.command)) {
      return;
    }
    take_extensions(report_, value, handler.extensions);
    take_program_values(report_, value, program);
    add(value, std::move(program), std::move(handler));
  }

  void read_proxy(JsonValue value) {
    if (is_switched_off(value)) return;
    if (!report_.expect_keys(value, R"("proxy")", proxy_keys)) return;
    ProgramSettings program{
        .kind = ProgramKind::backend, .protocol = ProgramProtocol::http, .name = "proxy"};
    program.most_kept = 0;  // some backends answer while the request still comes
    const auto to = value.find("to");
    if (!to) {
      report_.error(value, R"("proxy" needs "to")", std::string(backend_forms));
      return;
    }
    if (!read_backend(report_, *to, program.address)) return;
    take_program_values(report_, value, program);
    add(value, std::move(program), HandlerSetting{.topic = "proxy"});
  }

  void read_app(JsonValue value) {
    if (is_switched_off(value)) return;
    if (!report_.expect_keys(value, R"("app")", app_keys)) return;
    ProgramSettings program{.kind = ProgramKind::app,
                            .protocol = ProgramProtocol::http,
                            .name = "app",
                            .idle = std::chrono::minutes(5)};
    const auto command = value.find("command");
    if (!command) {
      report_.error(value, R"("app" needs a "command")",
                    R"(for example { "command": ["/usr/bin/node", "/home/alice/app.js"] })");
      return;
    }
    if (!read_command(report_, operators_.system, *command, program.command)) return;
    take_program_values(report_, value, program);
    add(value, std::move(program), HandlerSetting{.topic = "app"});
  }

  void add(JsonValue place, ProgramSettings program, HandlerSetting handler) {
    if (operators_.programs.size() == most_programs) {
      report_.error(place, "a vhost must not have more than " + std::to_string(most_programs) +
                               " programs, with those of \"defaults\"");
      return;
    }
    handler.program = static_cast<std::uint32_t>(operators_.programs.size());
    operators_.programs.push_back(std::move(program));
    handlers_.push_back(std::move(handler));
  }

  void tell_of_rivals(JsonValue object) {
    const auto takes_all = [](const HandlerSetting& handler) { return handler.takes_every_path(); };
    if (std::count_if(handlers_.begin(), handlers_.end(), takes_all) < 2) return;
    report_.error(object, R"(only one of "app", "proxy" and "fastcgi" can answer for every path)",
                  "give each a location of its own");
  }

  Report& report_;
  const std::string_view folder_;
  std::vector<HandlerSetting>& handlers_;
  OperatorsPart& operators_;
};

}  // namespace

void read_programs(Report& report, JsonValue object, std::string_view folder,
                   std::vector<HandlerSetting>& handlers, OperatorsPart& operators) {
  ProgramsReader(report, folder, handlers, operators).read(object);
}

void take_folders(Report& report, JsonValue object, std::string_view key,
                  std::vector<std::string>& folders) {
  const auto value = object.find(key);
  if (!value || !report.expect(*value, JsonKind::array)) return;
  folders.clear();
  for (JsonValue element : *value) {
    if (folders.size() == most_folders) {
      report.error(element, in_quotes(key) + " must not name more than " +
                                std::to_string(most_folders) + " folders");
      return;
    }
    auto path = read_absolute_path(report, element);
    if (path) folders.push_back(std::move(*path));
  }
}

void read_ports(Report& report, JsonValue value, std::optional<std::vector<std::uint16_t>>& ports) {
  if (!report.expect(value, JsonKind::array)) return;
  ports.emplace();
  for (JsonValue element : value) {
    if (ports->size() == most_connect_ports) {
      report.error(element, "\"connect_ports\" must not name more than " +
                                std::to_string(most_connect_ports) + " ports");
      return;
    }
    constexpr NumberRange every_port{1, 65'535};
    if (const auto port = read_number(report, element, every_port)) {
      ports->push_back(static_cast<std::uint16_t>(*port));
    }
  }
}

void finish_programs(Content& content, std::vector<ProgramSettings>& programs,
                     const std::string& root) {
  std::vector<ProgramSettings> named;
  std::map<std::uint32_t, std::uint32_t> numbers;
  const auto take = [&](ContentSettings& settings) {
    for (HandlerSetting& handler : settings.handlers) {
      if (!handler.program) continue;
      const auto [number, is_new] =
          numbers.try_emplace(*handler.program, static_cast<std::uint32_t>(named.size()));
      if (is_new) named.push_back(programs[*handler.program]);
      handler.program = number->second;
    }
  };
  take(content.settings);
  for (Location& location : content.locations) take(location.settings);
  for (ProgramSettings& program : named) {
    if (program.directory.empty()) program.directory = root;
  }
  programs = std::move(named);
}

}  // namespace perchild
