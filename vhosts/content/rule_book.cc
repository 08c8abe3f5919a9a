#include "vhosts/content/rule_book.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

namespace perchild::content {
namespace {

// Rules that are kept. Beyond that, which takes a site with patterns upon patterns, they are made
// for each request.
constexpr std::size_t most_made = 2048;

}  // namespace

std::optional<RuleBook> RuleBook::make(Content operators, Content owners) {
  RuleBook book;
  book.operators_ = std::make_unique<const Content>(std::move(operators));
  book.owners_ = std::make_unique<const Content>(std::move(owners));
  if (!book.add_patterns(*book.operators_, false) || !book.add_patterns(*book.owners_, true)) {
    return std::nullopt;
  }
  book.add_places();
  if (book.places_.size() > UINT16_MAX || book.patterns_.size() > UINT16_MAX) return std::nullopt;
  book.base_ = book.make_rules({});
  return book;
}

bool RuleBook::add_patterns(const Content& content, bool of_owner) {
  for (const Location& location : content.locations) {
    if (location.kind != Location::Kind::pattern) continue;
    PatternProblem problem;
    auto pattern = Pattern::compile(location.match, problem);
    if (!pattern) return false;
    patterns_.push_back({.settings = &location.settings,
                         .of_owner = of_owner,
                         .prefix_length = 0,
                         .pattern = std::make_shared<const Pattern>(std::move(*pattern))});
  }
  return true;
}

void RuleBook::add_places() {
  using Kind = Location::Kind;
  // Of one prefix or path, the operator's layer comes first: in the order of this loop.
  std::map<std::string_view, std::vector<Layer>> prefixes;
  std::map<std::string_view, std::vector<Layer>> exact;
  for (const Content* content : {operators_.get(), owners_.get()}) {
    for (const Location& location : content->locations) {
      if (location.kind == Kind::pattern) continue;
      auto& places = location.kind == Kind::prefix ? prefixes : exact;
      places[location.match].push_back(
          {.settings = &location.settings,
           .of_owner = content == owners_.get(),
           .prefix_length = location.kind == Kind::prefix ? location.match.size() : 0});
    }
  }
  std::vector<std::string> folders;
  for (const auto& [folder, layers] : prefixes) folders.emplace_back(folder);
  prefixes_ = PrefixIndex(std::move(folders));
  for (std::size_t i = 0; i < prefixes_.size(); ++i) {
    places_.push_back({std::move(prefixes[prefixes_.folder(i)]), prefixes_.around(i)});
  }
  for (auto& [path, layers] : exact) {
    exact_.emplace(path, places_.size());
    places_.push_back({std::move(layers), prefixes_.find(path)});
  }
}

std::optional<RuleBook::Position> RuleBook::position_of(std::string_view path) const {
  Position position;
  if (const auto exact = exact_.find(path); exact != exact_.end()) {
    position.place = static_cast<std::uint16_t>(exact->second + 1);
    return position;
  }
  if (const auto prefix = prefixes_.find(path)) {
    position.place = static_cast<std::uint16_t>(*prefix + 1);
  }
  Captures captures;
  for (std::size_t i = 0; i < patterns_.size(); ++i) {
    std::uint16_t& first =
        patterns_[i].of_owner ? position.owners_pattern : position.operators_pattern;
    if (first != 0) continue;
    const MatchOutcome outcome = matcher_.match(*patterns_[i].pattern, path, captures);
    // As it may be what keeps a file from being served, the request cannot go on without it.
    if (outcome == MatchOutcome::too_costly) return std::nullopt;
    if (outcome == MatchOutcome::matched) first = static_cast<std::uint16_t>(i + 1);
  }
  return position;
}

RuleBook::Found RuleBook::find_place(std::string_view path) const {
  const auto position = position_of(path);
  if (!position) return {.rules = base_, .too_costly = true};
  return {rules_at(*position)};
}

std::vector<std::string> RuleBook::locations_of(std::string_view path) const {
  const auto position = position_of(path);
  if (!position) return {};
  std::vector<std::string> names;
  const auto add = [&](const Layer& layer, std::string name) {
    names.push_back(layer.of_owner ? name + " of .perchild.json" : std::move(name));
  };
  for (const std::size_t place : places_around(*position)) {
    const bool is_prefix = place < prefixes_.size();
    for (const Layer& layer : places_[place].layers) {
      add(layer, is_prefix ? "prefix " + prefixes_.folder(place) : "exact " + std::string(path));
    }
  }
  for (const std::uint16_t pattern : {position->operators_pattern, position->owners_pattern}) {
    if (pattern == 0) continue;
    const Layer& layer = patterns_[pattern - std::size_t{1}];
    add(layer, "pattern " + layer.pattern->text());
  }
  return names;
}

std::shared_ptr<const Rules> RuleBook::rules_at(Position position) const {
  const std::uint64_t key = position.key();
  if (key == 0) return base_;
  if (const auto made = made_.find(key); made != made_.end()) return made->second;
  auto rules = make_rules(position);
  if (made_.size() < most_made) made_.emplace(key, rules);
  return rules;
}

std::vector<std::size_t> RuleBook::places_around(Position position) const {
  std::vector<std::size_t> chain;
  for (auto at = position.place == 0 ? std::nullopt
                                     : std::optional(position.place - std::size_t{1});
       at; at = places_[*at].around) {
    chain.push_back(*at);
  }
  std::reverse(chain.begin(), chain.end());
  return chain;
}

std::shared_ptr<const Rules> RuleBook::make_rules(Position position) const {
  std::vector<Layer> layers{{.settings = &operators_->settings},
                            {.settings = &owners_->settings, .of_owner = true}};
  for (const std::size_t place : places_around(position)) {
    const auto& more = places_[place].layers;
    layers.insert(layers.end(), more.begin(), more.end());
  }
  for (const std::uint16_t pattern : {position.operators_pattern, position.owners_pattern}) {
    if (pattern != 0) layers.push_back(patterns_[pattern - std::size_t{1}]);
  }
  return std::make_shared<const Rules>(layers);
}

}  // namespace perchild::content
