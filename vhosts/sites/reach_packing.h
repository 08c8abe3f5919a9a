// A site's reach settings as part of its packed settings.
#pragma once

#include "policy/packed.h"
#include "policy/reach_settings.h"

namespace perchild {

void put_reach(PackedWriter& writer, const ReachSettings& reach);
// What cannot be is left to the reader's done(), or gives false.
[[nodiscard]] bool get_reach(PackedReader& reader, ReachSettings& reach);

}  // namespace perchild
