// Paths and addresses with holes in them, as redirects, rewrites and "try" have them:
//   "/new$1"   "https://{host}{path}"   "{path}/"   "/page.html?id=$1"
//
// $0 to $9 are what a pattern has captured, {path} is the request's decoded path, {host} the name
// that it asks for. $$ is a dollar sign.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/pattern.h"

namespace perchild {

class PathTemplate {
 public:
  // `problem` says why a text is none.
  static std::optional<PathTemplate> parse(std::string_view text, PatternProblem& problem);

  struct Values {
    std::string_view path;
    std::string_view host;
    const Captures& captures;
  };
  // As a path of this site, decoded: begins with '/', without empty segments. Without the query.
  std::string path(const Values& values) const;
  // As an address for clients, what fills the holes percent-encoded. Without the query.
  std::string address(const Values& values) const;
  // What follows the '?', with its holes percent-encoded as parts of a query.
  std::string query(const Values& values) const;

  std::uint32_t captures() const { return captures_; }  // the highest number that it uses
  // Whether the path that it makes depends on the request's.
  bool names_by_path() const;
  bool has_query() const { return !query_.empty(); }

 private:
  enum class Hole : std::uint8_t { none, path, host, capture };
  struct Part {
    std::string literal;  // with Hole::none
    Hole hole = Hole::none;
    std::uint32_t capture = 0;
    std::string_view value(const Values& values) const;
  };
  static bool add_hole(std::string_view& rest, Part& part);

  std::vector<Part> parts_;  // up to the query
  std::vector<Part> query_;
  std::uint32_t captures_ = 0;
};

}  // namespace perchild
