#include "vhosts/content/rules.h"

#include <algorithm>
#include <utility>

#include "privsep/result.h"

namespace perchild::content {
namespace {

std::optional<TryRule> try_rule_of(const Try& settings) {
  if (settings.paths.empty() && !settings.fallback) return std::nullopt;
  TryRule rule{.paths = {}, .fallback = std::nullopt, .status = settings.status};
  for (const std::string& path : settings.paths) rule.paths.push_back(template_of(path));
  if (settings.fallback) rule.fallback = template_of(*settings.fallback);
  return rule;
}

}  // namespace

Rules::Rules(std::span<const Layer> layers) {
  ContentSettings operators;
  ContentSettings owners;
  ContentSettings all;
  for (const Layer& layer : layers) {
    overlay(layer.of_owner ? owners : operators, *layer.settings);
    overlay(all, *layer.settings);
    // What they capture depends on where they stand.
    if (layer.settings->redirect) redirects_ = move_rules_of(*layer.settings->redirect, layer);
    if (layer.settings->rewrite) rewrites_ = move_rules_of(*layer.settings->rewrite, layer);
  }
  index_ = all.index ? std::move(*all.index) : std::vector<std::string>{"index.html", "index.php"};
  std::vector<std::string> run;
  for (HandlerSetting& setting : operators.handlers) {
    if (!setting.program) continue;
    run.insert(run.end(), setting.extensions.begin(), setting.extensions.end());
    const bool takes_every_path = setting.takes_every_path();
    Handler handler{*setting.program, std::move(setting.extensions),
                    std::move(setting.directories)};
    if (takes_every_path) {
      handler_of_all_ = std::move(handler);
    } else {
      file_handlers_.push_back(std::move(handler));
    }
  }
  if (all.try_paths) try_ = try_rule_of(*all.try_paths);
  // What comes last where a program takes every path is that program.
  if (try_ && handler_of_all_ && try_->fallback) {
    try_->paths.push_back(std::move(*try_->fallback));
    try_->fallback.reset();
  }
  lead_elsewhere_ = !redirects_.empty() || !rewrites_.empty() || try_;
  if (!all.types.empty() || all.charset) {
    types_.emplace(all.types, all.charset.value_or("utf-8"));
  }
  error_pages_ = std::move(all.error_pages);
  headers_ = std::move(all.headers);
  caching_ = std::move(all.caching);
  if (all.cors && !all.cors->origins.empty()) cors_ = std::move(all.cors);
  // He can be stricter than the operator, never the other way round.
  symlinks_ = std::min(operators.symlinks.value_or(Symlinks::beneath),
                       owners.symlinks.value_or(Symlinks::beneath));
  etag_ = all.etag.value_or(true);
  listing_ = all.listing.value_or(false);
  edit_heads_ = !headers_.empty() || !caching_.empty() || cors_ || !etag_;
  entry_ = access::EntryRules(operators.access);
  hidden_ = HiddenNames(std::move(operators.deny), std::move(owners.deny), std::move(run));
  // A folder must not show by its index what nobody is shown by its name.
  std::erase_if(index_, [this](const std::string& name) { return hidden_.hides("/" + name); });
}

bool Handler::runs(std::string_view path) const {
  const auto is_in = [&](const std::string& folder) {
    return path.size() > folder.size() && path[folder.size()] == '/' && path.starts_with(folder);
  };
  return has_extension(path.substr(path.rfind('/') + 1), extensions) ||
         std::any_of(directories.begin(), directories.end(), is_in);
}

const Handler* Rules::handler_of_file(std::string_view path) const {
  const auto fits = [&](const Handler& handler) { return handler.runs(path); };
  const auto last = std::find_if(file_handlers_.rbegin(), file_handlers_.rend(), fits);
  return last == file_handlers_.rend() ? nullptr : &*last;
}

std::string_view Rules::error_page(int status) const {
  // The page of one status before that of its class.
  std::string_view of_class;
  for (const ErrorPageSetting& page : error_pages_) {
    if (page.status == status) return page.path;
    if (page.status == status / 100) of_class = page.path;
  }
  return of_class;
}

std::string_view Rules::caching_of(std::string_view content_type) const {
  const std::string_view type = content_type.substr(0, content_type.find(';'));
  const std::string_view major = type.substr(0, type.find('/') + 1);
  std::string_view best;
  std::size_t most = 0;  // of the type that is named
  for (const CachingSetting& caching : caching_) {
    const std::string_view named = caching.type;
    const bool is_class = named.ends_with("/*") && named.substr(0, named.size() - 1) == major;
    const std::size_t weight = named == type ? 3 : is_class ? 2 : named == "*" ? 1 : 0;
    if (weight <= most) continue;
    most = weight;
    best = caching.value;
  }
  return best;
}

bool names_status(std::span<const std::uint16_t> statuses, int status) {
  return statuses.empty() || std::any_of(statuses.begin(), statuses.end(), [&](int named) {
           return named == status || named == status / 100;
         });
}

PathTemplate template_of(std::string_view text) {
  PatternProblem problem;
  auto parsed = PathTemplate::parse(text, problem);
  PERCHILD_ASSERT(parsed);
  return std::move(*parsed);
}

}  // namespace perchild::content
