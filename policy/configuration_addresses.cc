#include "policy/configuration_addresses.h"

#include <string>

namespace perchild {

std::vector<AddressBlock> read_address_blocks(Report& report, JsonValue list) {
  std::vector<AddressBlock> blocks;
  if (!report.expect(list, JsonKind::array)) return blocks;
  for (JsonValue element : list) {
    if (!report.expect(element, JsonKind::string)) continue;
    if (blocks.size() == most_address_blocks) {
      report.error(element, "there are more than " + std::to_string(most_address_blocks) +
                                " addresses in one list");
      break;
    }
    if (const auto block = AddressBlock::parse(element.text())) {
      blocks.push_back(*block);
      continue;
    }
    report.error(element, in_quotes(element.text()) + " is no address and no block of addresses",
                 R"(for example "192.0.2.7", "10.0.0.0/8", "2001:db8::/32"; )"
                 "behind its prefix a block has no bits");
  }
  return blocks;
}

}  // namespace perchild
