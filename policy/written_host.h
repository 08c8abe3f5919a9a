// A host as people write it in a configuration: in Unicode, if they like. It is matched in the form
// in which browsers ask for it, the ASCII one of IDNA2008 (RFC 5891, with UTS #46's mapping and
// without its transitional processing: "ß" is "ß"). Linked by the command only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "policy/host_name.h"

namespace perchild {

struct WrittenHost {
  std::optional<HostPattern> host;
  std::string problem;  // without one: why `text` is none, as the end of a sentence; may be empty
};

// "name" or "*.name", in UTF-8.
WrittenHost parse_written_host(std::string_view text);

// For messages: `text` in quotes, and the ASCII form if that is another.
std::string told_host(std::string_view text, const HostPattern& host);

}  // namespace perchild
