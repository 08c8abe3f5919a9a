// "compression" of a vhost or of "defaults".
#pragma once

#include "policy/compression_settings.h"
#include "policy/configuration_report.h"

namespace perchild {

// `false` turns all of it off, `true` asks for what holds without the key; an object changes what
// it names.
void read_compression(Report& report, JsonValue value, CompressionSettings& compression);

}  // namespace perchild
