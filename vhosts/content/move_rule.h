// A redirect or rewrite, ready for use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "policy/content_settings.h"
#include "policy/path_template.h"
#include "policy/pattern.h"

namespace perchild::content {

struct Layer;

struct MoveRule {
  std::shared_ptr<const Pattern> pattern;  // none: every path
  std::size_t prefix_length = 0;           // without a pattern: $1 is what follows these bytes
  PathTemplate to;
  std::uint16_t status = 302;
  bool keep_query = true;
};

// What `moves` of `layer` are. Their patterns compile, and so do their templates.
std::vector<MoveRule> move_rules_of(std::span<const Move> moves, const Layer& layer);

struct MoveMatch {
  const MoveRule* rule = nullptr;  // none matches
  Captures captures{};             // of it
  bool too_costly = false;         // a pattern was given up
};
// The first of `rules` that `path` matches.
MoveMatch first_match(std::span<const MoveRule> rules, std::string_view path,
                      const PatternMatcher& matcher);

}  // namespace perchild::content
