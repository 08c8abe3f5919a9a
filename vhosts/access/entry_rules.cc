#include "vhosts/access/entry_rules.h"

namespace perchild::access {
namespace {

// RFC 7617, 2: the realm as a quoted string; 2.1: names and passwords are to be sent as UTF-8.
std::string challenge_of(const std::string& realm) {
  std::string line = "WWW-Authenticate: Basic realm=\"";
  for (const char c : realm) {
    if (c == '"' || c == '\\') line.push_back('\\');
    line.push_back(c);
  }
  return line.append("\", charset=\"UTF-8\"\r\n");
}

}  // namespace

EntryRules::EntryRules(const AccessSettings& settings)
    : addresses_(settings.addresses.value_or(std::vector<AddressRule>())) {
  if (!settings.auth || !settings.auth->required) return;
  list_ = settings.auth->list;
  challenge_ = challenge_of(settings.auth->realm);
}

}  // namespace perchild::access
