// All rules of a site, and which of them hold for a path.
//
// Settings add up, the more special ones last: the site's, those of each prefix that holds the path
// from the outermost to the innermost, then those of the first pattern that matches. An exact path
// ends the search: its settings follow those of the prefixes around it, and no pattern is tried. At
// each of these places the owner's own follow the operator's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "policy/content_settings.h"
#include "policy/pattern.h"
#include "vhosts/content/prefix_index.h"
#include "vhosts/content/rules.h"

namespace perchild::content {

class RuleBook {
 public:
  // None if a pattern does not compile. `perchild check` has compiled all of the operator's.
  static std::optional<RuleBook> make(Content operators, Content owners = {});

  struct Found {
    std::shared_ptr<const Rules> rules;  // they outlive the book if need be
    bool too_costly = false;             // a pattern was given up for this path: no rules
  };
  Found find(std::string_view path) const {
    // A site without locations answers at once.
    if (places_.empty() && patterns_.empty()) return {base_};
    return find_place(path);
  }
  // The locations that `path` stands in, from the outermost on, in words: "prefix /a",
  // "pattern \.png$ of .perchild.json".
  std::vector<std::string> locations_of(std::string_view path) const;
  const PatternMatcher& matcher() const { return matcher_; }

 private:
  // A prefix or an exact path.
  struct Place {
    std::vector<Layer> layers;
    std::optional<std::size_t> around;  // the prefix around it
  };
  // What a path stands in: numbers of places_ and patterns_, from 1; 0 for none.
  struct Position {
    std::uint16_t place = 0;
    std::uint16_t operators_pattern = 0;
    std::uint16_t owners_pattern = 0;
    std::uint64_t key() const {
      return std::uint64_t{place} << 32 | std::uint64_t{operators_pattern} << 16 | owners_pattern;
    }
  };

  RuleBook() = default;
  bool add_patterns(const Content& content, bool of_owner);
  void add_places();
  std::optional<Position> position_of(std::string_view path) const;  // none: too costly
  std::vector<std::size_t> places_around(Position position) const;   // from the outermost on
  Found find_place(std::string_view path) const;
  std::shared_ptr<const Rules> rules_at(Position position) const;
  std::shared_ptr<const Rules> make_rules(Position position) const;

  std::unique_ptr<const Content> operators_;  // the layers point into both
  std::unique_ptr<const Content> owners_;
  std::shared_ptr<const Rules> base_;
  PrefixIndex prefixes_;
  std::unordered_map<std::string_view, std::size_t> exact_;  // into places_
  std::vector<Place> places_;  // the prefixes in the order of their index, then exact paths
  std::vector<Layer> patterns_;
  PatternMatcher matcher_;
  // By Position::key(). Made when first met: few of all possible ones ever are.
  mutable std::unordered_map<std::uint64_t, std::shared_ptr<const Rules>> made_;
};

}  // namespace perchild::content
