#include "vhosts/content/rules.h"

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
  if (all.index) index_ = std::move(*all.index);
  if (all.try_paths) try_ = try_rule_of(*all.try_paths);
  lead_elsewhere_ = !redirects_.empty() || !rewrites_.empty() || try_;
  hidden_ = HiddenNames(std::move(operators.deny), std::move(owners.deny));
}

PathTemplate template_of(std::string_view text) {
  PatternProblem problem;
  auto parsed = PathTemplate::parse(text, problem);
  PERCHILD_ASSERT(parsed);
  return std::move(*parsed);
}

}  // namespace perchild::content
