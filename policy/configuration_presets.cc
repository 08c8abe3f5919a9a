#include "policy/configuration_presets.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string>
#include <utility>

#include "policy/configuration_programs.h"
#include "policy/spelling.h"

namespace perchild {
namespace {

struct Preset {
  std::string_view name;
  std::string_view rules;  // as a vhost would have them
  // What the docroot is called in a project whose other folders are not for visitors.
  std::array<std::string_view, 2> docroots{};
};

constexpr std::string_view with_php =
    R"({"php": {"ini": {"upload_max_filesize": "64M", "post_max_size": "64M"}}})";

// Names are for whoever does not want to look up what each application needs; so these rules are as
// its manual has them for servers without .htaccess, and nothing is added for speed.
constexpr Preset presets[] = {
    // wordpress.org, "Nginx": everything that is no file goes to index.php; no scripts in uploads.
    {"wordpress", R"({
       "try": ["{path}", "{path}/", "/index.php"],
       "locations": [{"prefix": "/wp-content/uploads", "php": false}]})"},
    // drupal.org, "Nginx", and what its .htaccess has: likewise; scripts are those of the root and
    // of /core; no source, no private files, and nothing that Composer brings.
    {"drupal",
     R"rules({
       "try": ["{path}", "{path}/", "/index.php"],
       "deny": ["*.engine", "*.inc", "*.install", "*.make", "*.module", "*.profile", "*.po",
                "*.sh", "*.*sql", "*.theme", "*.tpl", "*.tpl.php", "*.twig", "*.xtmpl", "*.yml",
                "composer.*", "package.json", "yarn.lock", "web.config", "Entries*", "Repository",
                "Root", "Tag", "Template", "#*#"],
       "locations": [{"pattern": "^/sites/[^/]+/private(/|$)", "access": {"deny": ["all"]}},
                     {"php": false, "pattern":
                        "^/(?!core/([^/]*|modules/statistics/statistics)[.]php$)(.+/.*|autoload)[.]php(/|$)"},
                     {"prefix": "/sites/default/files", "php": false},
                     {"prefix": "/vendor", "access": {"deny": ["all"]}}]})rules",
     {"web", "docroot"}},
    // dokuwiki.org, "rewrite": its data lie within the docroot.
    {"dokuwiki", R"({
       "index": ["doku.php", "index.html"],
       "try": ["{path}", "{path}/", "/doku.php?id={path}"],
       "rewrite": [
         {"pattern": "^/_media/(.*)$", "to": "/lib/exe/fetch.php?media=$1"},
         {"pattern": "^/_detail/(.*)$", "to": "/lib/exe/detail.php?media=$1"},
         {"pattern": "^/_export/([^/]+)/(.*)$", "to": "/doku.php?do=export_$1&id=$2"}],
       "locations": [{"prefix": "/data", "access": {"deny": ["all"]}},
                     {"prefix": "/conf", "access": {"deny": ["all"]}},
                     {"prefix": "/bin", "access": {"deny": ["all"]}},
                     {"prefix": "/inc", "access": {"deny": ["all"]}},
                     {"prefix": "/vendor", "access": {"deny": ["all"]}}]})"},
    // mediawiki.org, "Manual:Short URL", Apache's and Nginx's, for a wiki in /w whose pages are
    // /wiki/NAME. Its installer runs where "/w/mw-config" has "php".
    {"mediawiki", R"rules({
       "rewrite": [{"pattern": "^/(wiki/?)?$", "to": "/w/index.php"},
                   {"pattern": "^/wiki/(.*)$", "to": "/w/index.php?title=$1"}],
       "locations": [{"prefix": "/w/images", "php": false},
                     {"prefix": "/w/images/deleted", "access": {"deny": ["all"]}},
                     {"prefix": "/w/mw-config", "php": false},
                     {"prefix": "/w/cache", "access": {"deny": ["all"]}},
                     {"prefix": "/w/includes", "access": {"deny": ["all"]}},
                     {"prefix": "/w/languages", "access": {"deny": ["all"]}},
                     {"prefix": "/w/maintenance", "access": {"deny": ["all"]}},
                     {"prefix": "/w/tests", "access": {"deny": ["all"]}},
                     {"prefix": "/w/vendor", "access": {"deny": ["all"]}}]})rules"},
    // laravel.com, "Deployment": no other script runs, whatever is uploaded.
    {"laravel",
     R"rules({
       "try": ["{path}", "{path}/", "/index.php"],
       "locations": [{"pattern": "^/(?!index[.]php(/|$)).+[.]php(/|$)",
                      "rewrite": {"to": "/index.php"}}]})rules",
     {"public"}},
    // Any other whose docroot is a "public" folder with one script.
    {"front-controller", R"({"try": ["{path}", "{path}/", "/index.php"]})", {"public"}},
};

const Preset* preset_named(std::string_view name) {
  const auto* const found = std::find_if(std::begin(presets), std::end(presets),
                                         [&](const Preset& one) { return one.name == name; });
  return found == std::end(presets) ? nullptr : found;
}

const Preset* find_preset(Report& report, JsonValue app) {
  if (const Preset* const found = preset_named(app.text())) return found;
  std::vector<std::string_view> names;
  for (const Preset& one : presets) names.push_back(one.name);
  const std::string_view near = nearest(app.text(), names);
  report.error(app, in_quotes(app.text()) + " is no application that is known by name",
               near.empty() ? "there are " + listed(names) + R"(; or {"command": [...]})"
                            : "did you mean " + in_quotes(near) + "?");
  return nullptr;
}

bool says_something_of_php(const Content& content) {
  const auto& handlers = content.settings.handlers;
  return std::any_of(handlers.begin(), handlers.end(),
                     [](const HandlerSetting& handler) { return handler.topic == "php"; });
}

std::unique_ptr<JsonDocument> document_of(std::string_view name, std::string_view text) {
  std::vector<Mistake> none;
  return JsonDocument::parse("the rules for " + std::string(name), std::string(text), none);
}

}  // namespace

bool has_preset(JsonValue object) {
  const auto app = object.find("app");
  return app && app->is(JsonKind::string);
}

std::optional<Content> read_preset(Report& report, JsonValue object, const Content& content,
                                   OperatorsPart& operators) {
  if (!has_preset(object)) return std::nullopt;
  const Preset* const preset = find_preset(report, *object.find("app"));
  if (preset == nullptr) return std::nullopt;
  Content rules;
  const auto document = document_of(preset->name, preset->rules);
  read_content(report, document->root(), rules, &operators);
  if (object.find("php") || says_something_of_php(content)) return rules;
  const auto php = document_of(preset->name, with_php);
  read_programs(report, php->root(), {}, rules.settings.handlers, operators);
  return rules;
}

std::optional<std::string> project_of_preset(std::string_view app, std::string_view root, Uid owner,
                                             SystemView& system) {
  const Preset* const preset = preset_named(app);
  const std::size_t slash = root.rfind('/');
  if (preset == nullptr || slash == std::string_view::npos || slash == 0) return std::nullopt;
  const std::string_view name = root.substr(slash + 1);
  const auto& known = preset->docroots;
  if (name.empty() || std::find(known.begin(), known.end(), name) == known.end()) {
    return std::nullopt;
  }
  std::string project(root.substr(0, slash));
  const bool is_all_own =
      system.is_folder_of(owner, project) && system.is_folder_of(owner, project + "/vendor");
  return is_all_own ? std::optional(std::move(project)) : std::nullopt;
}

void add_locations_of_preset(Content& content, std::vector<Location> locations) {
  for (Location& location : locations) {
    const auto own = std::find_if(
        content.locations.begin(), content.locations.end(), [&](const Location& other) {
          return other.kind == location.kind && other.match == location.match;
        });
    if (own == content.locations.end()) {
      content.locations.push_back(std::move(location));
      continue;
    }
    overlay(location.settings, own->settings);
    own->settings = std::move(location.settings);
  }
}

}  // namespace perchild
