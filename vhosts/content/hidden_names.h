// Names that lie in a docroot but are not meant for visitors: version control, secrets, backups,
// dumps. Each segment of a path is looked at, without regard to ASCII case, for some file systems
// have none.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace perchild::content {

// Whether `name` is hidden where nobody says otherwise and nothing runs it: names that begin with a
// dot, but
// ".well-known" (RFC 8615); what editors leave behind; database dumps; what composer keeps; PHP's
// source.
bool is_hidden_by_default(std::string_view name);

// Whether the last extension of `name` is one of `extensions`, which are in lower case.
bool has_extension(std::string_view name, std::span<const std::string> extensions);

// Whether `name` matches `pattern`, in which '*' is any text and '?' any one byte.
bool matches_name(std::string_view pattern, std::string_view name);

class HiddenNames {
 public:
  HiddenNames() = default;
  // The patterns of either party, as ContentSettings::deny has them: of each the last that matches
  // decides. A name that either hides is hidden; what neither speaks of is hidden by default or
  // not.
  // `run`: extensions of what is no secret by its name, since a program runs it.
  HiddenNames(std::vector<std::string> operators, std::vector<std::string> owners,
              std::vector<std::string> run = {})
      : operators_(std::move(operators)), owners_(std::move(owners)), run_(std::move(run)) {}

  // Whether `path`, decoded, has a segment that is hidden.
  bool hides(std::string_view path) const;
  // Likewise, but by a pattern, or since it is the site's settings.
  bool denies(std::string_view path) const;

 private:
  template <typename Question>
  static bool any_segment(std::string_view path, Question question);
  bool hides_name(std::string_view name) const;
  bool denies_name(std::string_view name) const;
  bool is_run(std::string_view name) const;

  std::vector<std::string> operators_;
  std::vector<std::string> owners_;
  std::vector<std::string> run_;
};

}  // namespace perchild::content
