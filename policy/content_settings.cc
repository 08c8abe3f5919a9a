#include "policy/content_settings.h"

#include <algorithm>

namespace perchild {
namespace {

// What has the same key is replaced; the rest is added.
template <typename Setting, typename Key>
void overlay_by(std::vector<Setting>& base, const std::vector<Setting>& more, Key Setting::*key) {
  for (const Setting& setting : more) {
    const auto same = std::find_if(base.begin(), base.end(), [&](const Setting& candidate) {
      return candidate.*key == setting.*key;
    });
    if (same == base.end()) {
      base.push_back(setting);
    } else {
      *same = setting;
    }
  }
}

// A part in which a program takes every path is that program's: what runs files around it, and is
// tried before them, ends there. Of one topic the latest counts, and stands last.
void overlay_handlers(ContentSettings& base, const ContentSettings& more) {
  for (const HandlerSetting& handler : more.handlers) {
    if (handler.takes_every_path()) {
      base.handlers.clear();
      base.try_paths.reset();
    }
    std::erase_if(base.handlers,
                  [&](const HandlerSetting& other) { return other.topic == handler.topic; });
    base.handlers.push_back(handler);
  }
}

}  // namespace

void overlay(ContentSettings& base, const ContentSettings& more) {
  overlay_handlers(base, more);
  if (more.index) base.index = more.index;
  if (more.redirect) base.redirect = more.redirect;
  if (more.rewrite) base.rewrite = more.rewrite;
  if (more.try_paths) base.try_paths = more.try_paths;
  base.deny.insert(base.deny.end(), more.deny.begin(), more.deny.end());
  overlay_by(base.headers, more.headers, &HeaderSetting::name);
  overlay_by(base.caching, more.caching, &CachingSetting::type);
  overlay_by(base.types, more.types, &TypeOfExtension::extension);
  overlay_by(base.error_pages, more.error_pages, &ErrorPageSetting::status);
  if (more.cors) base.cors = more.cors;
  if (more.etag) base.etag = more.etag;
  if (more.listing) base.listing = more.listing;
  if (more.symlinks) base.symlinks = more.symlinks;
  if (more.charset) base.charset = more.charset;
  if (more.access.auth) base.access.auth = more.access.auth;
  if (more.access.addresses) base.access.addresses = more.access.addresses;
}

}  // namespace perchild
