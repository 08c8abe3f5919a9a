#include "policy/password_hash.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace perchild {
namespace {

// 2^15 rounds of bcrypt, or a million of SHA-crypt, take some two seconds of a processor.
constexpr unsigned most_bcrypt_cost = 15;
constexpr unsigned least_bcrypt_cost = 4;
constexpr unsigned long most_sha_rounds = 1'000'000;
constexpr unsigned long least_sha_rounds = 1'000;
// yescrypt takes 128 * N * r bytes: 2^14 * 32 are 64 MiB. The parameters are numbers in crypt(5)'s
// base64, N as its logarithm less one.
constexpr std::size_t most_yescrypt_n = 13;
constexpr std::size_t most_yescrypt_r = 31;

constexpr std::string_view base64_digits =
    "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

bool is_base64(std::string_view text) {
  return text.find_first_not_of(base64_digits) == std::string_view::npos;
}

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// Up to the next '$', which is taken too; nullopt if there is none.
std::optional<std::string_view> take_part(std::string_view& text) {
  const std::size_t end = text.find('$');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(end + 1);
  return part;
}

std::optional<unsigned long> whole_number(std::string_view digits) {
  unsigned long number = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, number);
  if (digits.empty() || error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

// `salt` and what follows it, "SALT$HASH".
bool has_salt_and_hash(std::string_view text, std::size_t longest_salt, std::size_t hash_length) {
  const auto salt = take_part(text);
  return salt && !salt->empty() && salt->size() <= longest_salt && is_base64(*salt) &&
         text.size() == hash_length && is_base64(text);
}

HashFault fault_of_bcrypt(std::string_view text) {
  const auto cost_text = take_part(text);
  const auto cost = cost_text && cost_text->size() == 2 ? whole_number(*cost_text) : std::nullopt;
  if (!cost || *cost < least_bcrypt_cost) return HashFault::malformed;
  if (text.size() != 53 || !is_base64(text)) return HashFault::malformed;
  return *cost > most_bcrypt_cost ? HashFault::too_costly : HashFault::none;
}

HashFault fault_of_sha_crypt(std::string_view text, std::size_t hash_length) {
  bool costly = false;
  if (take(text, "rounds=")) {
    const auto part = take_part(text);
    const auto rounds = part ? whole_number(*part) : std::nullopt;
    if (!rounds || part->front() == '0' || *rounds < least_sha_rounds) return HashFault::malformed;
    costly = *rounds > most_sha_rounds;
  }
  if (!has_salt_and_hash(text, 16, hash_length)) return HashFault::malformed;
  return costly ? HashFault::too_costly : HashFault::none;
}

HashFault fault_of_yescrypt(std::string_view text) {
  const auto parameters = take_part(text);
  // 'j': the flavour that crypt(5) makes. More than N and r, as parallelism, nobody's tools write.
  if (!parameters || parameters->size() != 3 || parameters->front() != 'j' ||
      !is_base64(*parameters) || !has_salt_and_hash(text, 86, 43)) {
    return HashFault::malformed;
  }
  const bool costly = base64_digits.find((*parameters)[1]) > most_yescrypt_n ||
                      base64_digits.find((*parameters)[2]) > most_yescrypt_r;
  return costly ? HashFault::too_costly : HashFault::none;
}

}  // namespace

PasswordHash classify_password_hash(std::string_view text) {
  if (text.size() > longest_password_hash) return {HashFault::not_a_hash, {}};
  if (take(text, "$2a$") || take(text, "$2b$") || take(text, "$2y$")) {
    return {fault_of_bcrypt(text), PasswordScheme::bcrypt};
  }
  if (take(text, "$5$")) return {fault_of_sha_crypt(text, 43), PasswordScheme::sha_crypt};
  if (take(text, "$6$")) return {fault_of_sha_crypt(text, 86), PasswordScheme::sha_crypt};
  if (take(text, "$y$")) return {fault_of_yescrypt(text), PasswordScheme::yescrypt};
  if (take(text, "$apr1$")) {
    const bool good = has_salt_and_hash(text, 8, 22);
    return {good ? HashFault::none : HashFault::malformed, PasswordScheme::apr1};
  }
  return {HashFault::not_a_hash, {}};
}

std::string_view text_of(HashFault fault) {
  switch (fault) {
    case HashFault::none:
      return "is a password hash";
    case HashFault::not_a_hash:
      return "is not a password hash of a kind that is taken";
    case HashFault::malformed:
      return "is not a complete password hash";
    case HashFault::too_costly:
      return "is a password hash that takes too long, or too much memory, to check";
  }
  __builtin_unreachable();
}

bool is_user_name(std::string_view text) {
  return !text.empty() && text.size() <= longest_user_name &&
         std::none_of(text.begin(), text.end(), [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return byte < 0x20 || byte == 0x7f || c == ':';
         });
}

}  // namespace perchild
