// What can be said about a site's content. The same keys can stand in "defaults", in a vhost, in a
// location of it, and in what its owner says himself; what is left out there is inherited.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "policy/access_settings.h"

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

// A field that responses have, or lose.
struct HeaderSetting {
  std::string name{};                  // as it is sent
  std::optional<std::string> value{};  // none: taken out
  // Statuses, or their first digits; none: whatever the status.
  std::vector<std::uint16_t> statuses{2, 3};
};

// Whose scripts may read responses (Fetch, 3.2).
struct Cors {
  std::vector<std::string> origins{};  // "https://a.example"; "*" alone for everybody
  std::vector<std::string> methods{};  // besides GET, HEAD and POST
  std::vector<std::string> headers{};  // of requests; "*" for all
  std::vector<std::string> exposed{};  // of responses
  bool credentials = false;
  std::uint32_t max_age = 5;  // seconds that an answer to a preflight holds
};

// Cache-Control for files of a type: "text/css", "image/*", or "*" for all.
struct CachingSetting {
  std::string type{};
  std::string value{};
};

struct TypeOfExtension {
  std::string extension{};  // in lower case, without the dot
  std::string type{};
};

// The page for a status, or for all that begin with a digit; "" for the one that is built in.
struct ErrorPageSetting {
  std::uint16_t status = 0;
  std::string path{};
};

// Which symbolic links are followed. Never one that leads out of the docroot.
enum class Symlinks : std::uint8_t {
  none,
  owner,    // those whose target belongs to the link's owner
  beneath,  // all
};

// What of a part of the site a program answers.
struct HandlerSetting {
  std::string topic{};                     // the key that says so: "php", "proxy"
  std::optional<std::uint32_t> program{};  // in Site::programs; none: no program, after all
  // Files that it runs, by their extensions (in lower case) or the folders that they are in; with
  // neither every path is its own, whether there is a file or not.
  std::vector<std::string> extensions{};
  std::vector<std::string> directories{};

  bool takes_every_path() const { return program && extensions.empty() && directories.empty(); }
};

struct ContentSettings {
  std::optional<std::vector<std::string>> index{};  // file names, tried in order
  std::optional<std::vector<Move>> redirect{};      // the first that matches
  std::optional<std::vector<Move>> rewrite{};       // likewise, again and again
  std::optional<Try> try_paths{};                   // none in it: the path itself
  // Patterns of names ("*" and "?") that are not served, and with '!' before them those that are,
  // whatever an earlier one says. They add up.
  std::vector<std::string> deny{};
  std::vector<HeaderSetting> headers{};         // these are put together by name
  std::vector<CachingSetting> caching{};        // by type
  std::vector<TypeOfExtension> types{};         // by extension
  std::vector<ErrorPageSetting> error_pages{};  // by status
  std::optional<Cors> cors{};                   // no origins: none
  std::optional<bool> etag{};
  std::optional<bool> listing{};  // of folders without an index
  std::optional<Symlinks> symlinks{};
  std::optional<std::string> charset{};  // of text; "" for none
  // Never for the owner to say: who may come here, and what is run for them.
  AccessSettings access{};
  std::vector<HandlerSetting> handlers{};  // by topic; the last that fits a path
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
  // Of an operator's: the keys that the site's owner may set himself. None: he is not asked.
  std::vector<std::string> owner_settings{};
};

}  // namespace perchild
