#include "vhosts/content/move_rule.h"

#include <utility>

#include "privsep/result.h"
#include "vhosts/content/rules.h"

namespace perchild::content {

std::vector<MoveRule> move_rules_of(std::span<const Move> moves, const Layer& layer) {
  std::vector<MoveRule> rules;
  for (const Move& move : moves) {
    MoveRule rule{.pattern = layer.pattern,
                  .prefix_length = layer.prefix_length,
                  .to = template_of(move.to),
                  .status = move.status,
                  .keep_query = move.keep_query};
    if (move.pattern) {
      PatternProblem problem;
      auto pattern = Pattern::compile(*move.pattern, problem);
      PERCHILD_ASSERT(pattern);
      rule.pattern = std::make_shared<const Pattern>(std::move(*pattern));
    }
    rules.push_back(std::move(rule));
  }
  return rules;
}

MoveMatch first_match(std::span<const MoveRule> rules, std::string_view path,
                      const PatternMatcher& matcher) {
  MoveMatch match;
  for (const MoveRule& rule : rules) {
    if (rule.pattern == nullptr) {
      match.captures[0] = path;
      match.captures[1] = path.substr(rule.prefix_length);
      match.rule = &rule;
      return match;
    }
    switch (matcher.match(*rule.pattern, path, match.captures)) {
      case MatchOutcome::matched:
        match.rule = &rule;
        return match;
      case MatchOutcome::too_costly:
        match.too_costly = true;
        return match;
      case MatchOutcome::not_matched:
        break;
    }
  }
  return match;
}

}  // namespace perchild::content
