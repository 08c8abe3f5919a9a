// What holds for the requests of one part of a site: its settings, put together from general to
// special and made ready for use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/content_settings.h"
#include "policy/path_template.h"
#include "policy/pattern.h"
#include "vhosts/access/entry_rules.h"
#include "vhosts/content/hidden_names.h"
#include "vhosts/content/move_rule.h"
#include "vhosts/files/content_types.h"

namespace perchild::content {

// One of the places whose settings add up.
struct Layer {
  const ContentSettings* settings = nullptr;
  bool of_owner = false;                     // he can narrow what the operator says, never widen it
  std::size_t prefix_length = 0;             // of a prefix: bytes of a path in it that it takes up
  std::shared_ptr<const Pattern> pattern{};  // of a pattern
};

// Paths to try, ready for use.
struct TryRule {
  std::vector<PathTemplate> paths;
  std::optional<PathTemplate> fallback;
  std::uint16_t status = 404;
};

// What a program answers.
struct Handler {
  std::uint32_t program = 0;  // in SiteSettings::programs
  std::vector<std::string> extensions{};
  std::vector<std::string> directories{};

  // Whether it runs the file `path`.
  bool runs(std::string_view path) const;
};

class Rules {
 public:
  // From general to special. Every pattern and template in them is one.
  explicit Rules(std::span<const Layer> layers);

  std::span<const std::string> index() const { return index_; }
  std::span<const MoveRule> redirects() const { return redirects_; }
  std::span<const MoveRule> rewrites() const { return rewrites_; }
  const TryRule* try_rule() const { return try_ ? &*try_ : nullptr; }
  // Whether there is a redirect, rewrite or path to try at all.
  bool lead_elsewhere() const { return lead_elsewhere_; }
  bool hides(std::string_view path) const { return hidden_.hides(path); }
  // Likewise, but only what somebody says: for paths that need not be files.
  bool denies(std::string_view path) const { return hidden_.denies(path); }
  // What runs the file `path`; nullptr: it is sent.
  const Handler* handler_of_file(std::string_view path) const;
  // Those that run files.
  std::span<const Handler> file_handlers() const { return file_handlers_; }
  // What answers for every path that is no file of the others'; nullptr: nothing does.
  const Handler* handler_of_all() const { return handler_of_all_ ? &*handler_of_all_ : nullptr; }
  // Never what the owner says: he must not let in whom the operator keeps out.
  const access::EntryRules& entry() const { return entry_; }

  Symlinks symlinks() const { return symlinks_; }
  // None: those that are compiled in.
  const files::ContentTypes* content_types() const { return types_ ? &*types_ : nullptr; }
  // The path of the page for an error; empty if it is the one that is built in.
  std::string_view error_page(int status) const;

  // Whether a finished head has to be edited for what follows.
  bool edit_heads() const { return edit_heads_; }
  std::span<const HeaderSetting> headers() const { return headers_; }
  const Cors* cors() const { return cors_ ? &*cors_ : nullptr; }
  bool has_caching() const { return !caching_.empty(); }
  // The value of Cache-Control for a file of this type; empty for none.
  std::string_view caching_of(std::string_view content_type) const;
  bool etag() const { return etag_; }
  // Whether a folder without an index shows what is in it.
  bool listing() const { return listing_; }

 private:
  std::vector<std::string> index_;
  std::vector<MoveRule> redirects_;
  std::vector<MoveRule> rewrites_;
  std::optional<TryRule> try_;
  bool lead_elsewhere_ = false;
  HiddenNames hidden_;
  std::vector<Handler> file_handlers_;  // the last that fits
  std::optional<Handler> handler_of_all_;
  std::optional<files::ContentTypes> types_;
  std::vector<ErrorPageSetting> error_pages_;
  std::vector<HeaderSetting> headers_;
  std::vector<CachingSetting> caching_;
  std::optional<Cors> cors_;
  Symlinks symlinks_ = Symlinks::beneath;
  bool etag_ = true;
  bool listing_ = false;
  bool edit_heads_ = false;
  access::EntryRules entry_{{}};
};

// Whether a list of statuses, or of their first digits, names `status`; an empty one names all.
bool names_status(std::span<const std::uint16_t> statuses, int status);

// Of a text that is a template, as the reader of the configuration has found.
PathTemplate template_of(std::string_view text);

}  // namespace perchild::content
