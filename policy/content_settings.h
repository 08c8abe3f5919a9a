// What can be said about a site's content. The same keys can stand in "defaults", in a vhost, in a
// location of it, and in what its owner says himself; what is left out there is inherited.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace perchild {

struct ContentSettings {
  std::optional<std::vector<std::string>> index;  // file names, tried in order
};

// `base` with what `more` says. The one place that says how each key is inherited.
void overlay(ContentSettings& base, const ContentSettings& more);

// A part of the site that has settings of its own.
struct Location {
  enum class Kind : std::uint8_t {
    prefix,   // a folder and all below it: "/a" is "/a", "/a/" and "/a/b", but not "/ab"
    exact,    // one path
    pattern,  // PCRE2, of the decoded path
  };
  Kind kind = Kind::prefix;
  std::string match;  // a prefix: without its last '/', and so empty for the whole site
  ContentSettings settings;
};

struct Content {
  ContentSettings settings;
  std::vector<Location> locations;  // their order counts for patterns only
};

}  // namespace perchild
