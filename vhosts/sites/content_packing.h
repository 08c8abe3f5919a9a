// A site's content settings as part of its packed settings.
#pragma once

#include "policy/content_settings.h"
#include "policy/packed.h"

namespace perchild {

void put_content(PackedWriter& writer, const Content& content);
// What cannot be is left to the reader's done(), or gives false.
[[nodiscard]] bool get_content(PackedReader& reader, Content& content);

}  // namespace perchild
