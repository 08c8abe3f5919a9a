// "{1}" in the configuration: the name of an account.
#pragma once

#include <string>
#include <string_view>

namespace perchild {

inline constexpr std::string_view account_name = "{1}";

inline std::string with_account_name(std::string text, std::string_view name) {
  for (std::size_t at = text.find(account_name); at != std::string::npos;
       at = text.find(account_name, at + name.size())) {
    text.replace(at, account_name.size(), name);
  }
  return text;
}

}  // namespace perchild
