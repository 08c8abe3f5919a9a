#include "policy/content_settings.h"

namespace perchild {

void overlay(ContentSettings& base, const ContentSettings& more) {
  if (more.index) base.index = more.index;
}

}  // namespace perchild
