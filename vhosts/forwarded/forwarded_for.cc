#include "vhosts/forwarded/forwarded_for.h"

#include <algorithm>
#include <array>

#include "vhosts/http1/authority.h"
#include "vhosts/http1/characters.h"
#include "vhosts/http1/request_head.h"

namespace perchild::forwarded {
namespace {

constexpr std::string_view for_name = "X-Forwarded-For";
constexpr std::string_view proto_name = "X-Forwarded-Proto";

// The last fields of that name: proxies append lines as well as entries.
class LastValues {
 public:
  explicit LastValues(std::string_view head) {
    http1::for_each_field(head, [this](const http1::Field& field) {
      if (!http1::equals_ignoring_case(field.name, for_name)) return;
      if (field.value.find_first_not_of(" \t,") == std::string_view::npos) return;  // no entry
      values_[count_++ % values_.size()] = field.value;
    });
  }
  // The rightmost entry that has not been taken yet. Empty ones are none (RFC 9110, 5.6.1).
  std::optional<std::string_view> take() {
    std::optional<std::string_view> entry = take_element();
    while (entry && entry->empty()) entry = take_element();
    return entry;
  }

 private:
  std::optional<std::string_view> take_element() {
    if (!rest_) {
      if (count_ == 0 || taken_ == values_.size()) return std::nullopt;
      rest_ = values_[--count_ % values_.size()];
      ++taken_;
    }
    const std::size_t comma = rest_->rfind(',');
    const bool is_last = comma == std::string_view::npos;
    const std::string_view entry = rest_->substr(is_last ? 0 : comma + 1);
    rest_ = is_last ? std::nullopt : std::optional(rest_->substr(0, comma));
    return http1::trim_whitespace(entry);
  }

  std::array<std::string_view, most_hops> values_{};
  std::size_t count_ = 0;
  std::size_t taken_ = 0;
  std::optional<std::string_view> rest_;  // of the field that is being taken apart
};

}  // namespace

bool is_trusted(std::span<const AddressBlock> trusted, const AddressBytes& address) {
  return std::any_of(trusted.begin(), trusted.end(),
                     [&address](const AddressBlock& block) { return block.contains(address); });
}

std::optional<AddressBytes> parse_entry(std::string_view entry) {
  const auto address_of = [](std::string_view text) -> std::optional<AddressBytes> {
    // A block would be a mask, "all" no address.
    if (text.find('/') != std::string_view::npos || text == "all") return std::nullopt;
    const auto block = AddressBlock::parse(text);
    return block ? std::optional(block->network) : std::nullopt;
  };
  if (const auto address = address_of(entry)) return address;
  const auto authority = http1::split_authority(entry);
  if (!authority) return std::nullopt;
  std::string_view host = authority->host_text;
  const bool in_brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (in_brackets) host = host.substr(1, host.size() - 2);
  const auto address = address_of(host);
  if (!address || in_brackets == (host.find(':') == std::string_view::npos)) return std::nullopt;
  return address;
}

std::optional<AddressBytes> client_of(std::string_view head,
                                      std::span<const AddressBlock> trusted) {
  LastValues values(head);
  std::optional<AddressBytes> client;
  for (int hop = 0; hop < most_hops; ++hop) {
    const auto entry = values.take();
    const auto address = entry ? parse_entry(*entry) : std::nullopt;
    // "unknown", or what a client made up: the proxy before it is the last that is known.
    if (!address) return client;
    client = address;
    if (!is_trusted(trusted, *address)) return client;
  }
  return client;
}

bool is_over_https(std::string_view head) {
  bool secure = false;
  bool seen = false;
  http1::for_each_field(head, [&](const http1::Field& field) {
    if (seen || !http1::equals_ignoring_case(field.name, proto_name)) return;
    seen = true;
    const std::string_view first = field.value.substr(0, field.value.find(','));
    secure = http1::equals_ignoring_case(http1::trim_whitespace(first), "https");
  });
  return secure;
}

}  // namespace perchild::forwarded
