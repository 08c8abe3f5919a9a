#include "policy/written_host.h"

#include <idn2.h>

#include <algorithm>
#include <memory>

#include "policy/mistake.h"

namespace perchild {
namespace {

struct FreeName {
  void operator()(std::uint8_t* name) const { ::idn2_free(name); }
};

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0; });
}

}  // namespace

WrittenHost parse_written_host(std::string_view text) {
  if (is_ascii(text)) return {HostPattern::parse(text), {}};
  const bool wildcard = text.starts_with("*.");
  const std::string unicode(wildcard ? text.substr(2) : text);
  // It would end where the library finds a NUL.
  if (unicode.find('\0') != std::string::npos) return {};
  std::uint8_t* made = nullptr;
  const int outcome = ::idn2_lookup_u8(reinterpret_cast<const std::uint8_t*>(unicode.c_str()),
                                       &made, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  const std::unique_ptr<std::uint8_t, FreeName> name(made);
  if (outcome != IDN2_OK) return {std::nullopt, ::idn2_strerror(outcome)};
  // The mapping can make characters that a name has not got, a '/' out of a fraction for example.
  const std::string ascii = reinterpret_cast<const char*>(name.get());
  return {HostPattern::parse((wildcard ? "*." : "") + ascii), {}};
}

std::string told_host(std::string_view text, const HostPattern& host) {
  if (is_ascii(text)) return in_quotes(text);
  return in_quotes(text) + " (" + (host.wildcard ? "*." : "") + std::string(host.name.view()) + ")";
}

}  // namespace perchild
