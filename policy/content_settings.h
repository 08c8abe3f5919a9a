// What can be said about a site's content. The same keys can stand in "defaults", in a vhost, in a
// location of it, and in what its owner says himself; what is left out there is inherited.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace perchild {

// Where requests are sent on to: by a redirect out to the client, by a rewrite within the site.
struct Move {
  std::optional<std::string> pattern{};  // of the decoded path; none: the location's, or every path
  std::string to{};                      // a PathTemplate; with 410 nothing
  std::uint16_t status = 302;            // of a redirect
  bool keep_query = true;
};

// Paths that are tried in turn until there is a file or folder of that name.
struct Try {
  std::vector<std::string> paths{};       // PathTemplates
  std::optional<std::string> fallback{};  // a PathTemplate, which need not be there
  std::uint16_t status = 404;             // if there is no fallback
};

struct ContentSettings {
  std::optional<std::vector<std::string>> index{};  // file names, tried in order
  std::optional<std::vector<Move>> redirect{};      // the first that matches
  std::optional<std::vector<Move>> rewrite{};       // likewise, again and again
  std::optional<Try> try_paths{};                   // none in it: the path itself
  // Patterns of names ("*" and "?") that are not served, and with '!' before them those that are,
  // whatever an earlier one says. They add up.
  std::vector<std::string> deny{};
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
  std::string match{};  // a prefix: without its last '/', and so empty for the whole site
  ContentSettings settings{};
};

struct Content {
  ContentSettings settings{};
  std::vector<Location> locations{};  // their order counts for patterns only
};

}  // namespace perchild
