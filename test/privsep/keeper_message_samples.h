// Samples, as in message_samples.h, of what is said to the keeper and by it.
#pragma once

#include <vector>

#include "privsep/keeper_messages.h"
#include "test/privsep/message_samples.h"

namespace perchild::test {

template <>
struct Samples<TakeKeys> {
  static std::vector<TakeKeys> valid() { return {{0}}; }
  static std::vector<TakeKeys> invalid() { return {{1}, {~0U}}; }
};
template <>
struct Samples<AttachSigner> {
  static std::vector<AttachSigner> valid() { return {{{0}, 1, 1}, {{max_sites - 1}, ~0U, ~0U}}; }
  static std::vector<AttachSigner> invalid() {
    return {{{max_sites}, 1, 1}, {{~0U}, 1, 1}, {{0}, 0, 1}, {{0}, 1, 0}};
  }
};
template <>
struct Samples<Sign> {
  static std::vector<Sign> valid() {
    return {{0, 0, 0, 1, {}}, {~0U, max_keys - 1, 0xffff, max_signed_content, {'x'}}};
  }
  static std::vector<Sign> invalid() {
    return {{0, max_keys, 0, 1, {}},
            {0, 0xffff, 0, 1, {}},
            {0, 0, 0, 0, {}},
            {0, 0, 0, max_signed_content + 1, {}},
            {0, 0, 0, ~0U, {}}};
  }
};
template <>
struct Samples<Signature> {
  static std::vector<Signature> valid() { return {{0, 0, {}}, {~0U, max_signature, {'x'}}}; }
  static std::vector<Signature> invalid() { return {{0, max_signature + 1, {}}, {0, ~0U, {}}}; }
};
template <>
struct Samples<TicketKeys> {
  static std::vector<TicketKeys> valid() { return {{{{1}, {2}, {3}}, {{4}, {5}, {6}}}}; }
  static std::vector<TicketKeys> invalid() { return {{}, {{{1}, {2}, {3}}, {{1}, {5}, {6}}}}; }
};

}  // namespace perchild::test
