// The Accept-Encoding field (RFC 9110, 12.5.3): which content codings a client takes.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "policy/compression_settings.h"

namespace perchild::http1 {

// Qualities in thousandths; 0: not acceptable.
struct AcceptedCodings {
  std::array<std::uint16_t, coding_count> quality{};
  // Of the plain representation. Where the field does not mention it, it is acceptable, and any
  // coding that is acceptable is better.
  std::uint16_t identity = 1;

  std::uint16_t of(ContentCoding coding) const { return quality[index_of(coding)]; }
};

// Reads the field's value. Without the field (an empty value says the same of codings) only the
// plain representation is wanted, though RFC 9110 lets a server choose. An element that is
// malformed is passed over. The last one decides about a coding that is named twice.
AcceptedCodings accepted_codings(std::string_view accept_encoding);

}  // namespace perchild::http1
