#include "policy/path_template.h"

#include <algorithm>

namespace perchild {
namespace {

constexpr std::string_view path_hole = "{path}";
constexpr std::string_view host_hole = "{host}";

bool is_unreserved(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         std::string_view("-._~").find(c) != std::string_view::npos;
}

// Of an address, as it is written in a template: RFC 3986, 2.
bool may_stand_in_address(char c) {
  return is_unreserved(c) ||
         std::string_view("!$&'()*+,;=:@/?#[]%").find(c) != std::string_view::npos;
}

void append_encoded(std::string& out, std::string_view text, std::string_view verbatim) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  for (const char c : text) {
    if (is_unreserved(c) || verbatim.find(c) != std::string_view::npos) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += {'%', hex[byte >> 4], hex[byte & 15]};
    }
  }
}

constexpr std::string_view in_paths = "!$&'()*+,;=:@/";

// Two slashes in a row mean one, as in a request's own path.
void append_merging_slashes(std::string& path, std::string_view text) {
  for (const char c : text) {
    if (c != '/' || path.empty() || path.back() != '/') path += c;
  }
}

}  // namespace

std::optional<PathTemplate> PathTemplate::parse(std::string_view text, PatternProblem& problem) {
  PathTemplate parsed;
  std::vector<Part>* parts = &parsed.parts_;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t offset = text.size() - rest.size();
    Part part;
    if (add_hole(rest, part)) {
      if (part.hole == Hole::capture) parsed.captures_ = std::max(parsed.captures_, part.capture);
      parts->push_back(std::move(part));
      continue;
    }
    if (rest.starts_with("$$")) {
      rest.remove_prefix(1);
    } else if (rest.front() == '$' || !may_stand_in_address(rest.front())) {
      problem = {offset, rest.front() == '$' ? "a '$' wants a digit behind it, or another '$'"
                                             : "this character cannot stand here as it is"};
      return std::nullopt;
    }
    if (rest.front() == '?' && parts == &parsed.parts_) {
      parts = &parsed.query_;
      parts->emplace_back();  // a query, be it empty
    } else {
      if (parts->empty() || parts->back().hole != Hole::none) parts->emplace_back();
      parts->back().literal += rest.front();
    }
    rest.remove_prefix(1);
  }
  return parsed;
}

bool PathTemplate::add_hole(std::string_view& rest, Part& part) {
  if (rest.starts_with(path_hole) || rest.starts_with(host_hole)) {
    part.hole = rest.starts_with(path_hole) ? Hole::path : Hole::host;
    rest.remove_prefix(path_hole.size());
    return true;
  }
  if (rest.size() < 2 || rest[0] != '$' || rest[1] < '0' || rest[1] > '9') return false;
  part.hole = Hole::capture;
  part.capture = static_cast<std::uint32_t>(rest[1] - '0');
  rest.remove_prefix(2);
  return true;
}

std::string_view PathTemplate::Part::value(const Values& values) const {
  switch (hole) {
    case Hole::none:
      return literal;
    case Hole::path:
      return values.path;
    case Hole::host:
      return values.host;
    case Hole::capture:
      return values.captures[capture];
  }
  return {};
}

std::string PathTemplate::path(const Values& values) const {
  std::string path = "/";
  for (const Part& part : parts_) append_merging_slashes(path, part.value(values));
  return path;
}

bool PathTemplate::names_by_path() const {
  return std::any_of(parts_.begin(), parts_.end(), [](const Part& part) {
    return part.hole == Hole::path || part.hole == Hole::capture;
  });
}

std::string PathTemplate::address(const Values& values) const {
  std::string address;
  for (const Part& part : parts_) {
    if (part.hole == Hole::none) {
      address += part.literal;
    } else {
      append_encoded(address, part.value(values), in_paths);
    }
  }
  // "//host" would be another site's address (RFC 3986, 4.2), and of the visitor's choice.
  if (address.starts_with("//")) address.erase(0, address.find_first_not_of('/') - 1);
  return address;
}

std::string PathTemplate::query(const Values& values) const {
  std::string query;
  for (const Part& part : query_) {
    if (part.hole == Hole::none) {
      query += part.literal;
    } else {
      append_encoded(query, part.value(values), "/");
    }
  }
  return query;
}

}  // namespace perchild
