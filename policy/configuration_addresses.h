// Lists of addresses, as several sections have them.
#pragma once

#include <vector>

#include "policy/address_block.h"
#include "policy/configuration_report.h"

namespace perchild {

inline constexpr std::size_t most_address_blocks = 1024;  // of one list

// ["192.0.2.7", "10.0.0.0/8", "2001:db8::/32"]. What is no block is reported and left out.
std::vector<AddressBlock> read_address_blocks(Report& report, JsonValue list);

}  // namespace perchild
