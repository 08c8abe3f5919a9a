#include "policy/content_settings.h"

namespace perchild {

void overlay(ContentSettings& base, const ContentSettings& more) {
  if (more.index) base.index = more.index;
  if (more.redirect) base.redirect = more.redirect;
  if (more.rewrite) base.rewrite = more.rewrite;
  if (more.try_paths) base.try_paths = more.try_paths;
  base.deny.insert(base.deny.end(), more.deny.begin(), more.deny.end());
}

}  // namespace perchild
