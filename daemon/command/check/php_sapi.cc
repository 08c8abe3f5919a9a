#include "daemon/command/check/php_sapi.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string_view>

#include "privsep/unique_fd.h"

namespace perchild {
namespace {

constexpr std::string_view elf_magic("\177ELF", 4);
// In every PHP that is one file, and in php-cgi alone (sapi/cgi/cgi_main.c).
constexpr std::string_view in_any = "X-Powered-By: PHP/";
constexpr std::string_view in_php_cgi = "PHP_FCGI_MAX_REQUESTS";
constexpr ::off_t largest = 64 * 1024 * 1024;

std::string bytes_of(const UniqueFd& file, std::size_t length) {
  std::string bytes(length, '\0');
  std::size_t have = 0;
  while (have < length) {
    const ::ssize_t got = ::read(file.get(), bytes.data() + have, length - have);
    if (got <= 0) break;
    have += static_cast<std::size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

}  // namespace

bool is_php_without_fastcgi(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct ::stat status {};
  if (!file.has_value() || ::fstat(file.get(), &status) != 0) return false;
  if (!S_ISREG(status.st_mode) || status.st_size > largest) return false;
  if (bytes_of(file, elf_magic.size()) != elf_magic) return false;
  const std::string rest = bytes_of(file, static_cast<std::size_t>(status.st_size));
  return rest.find(in_any) != std::string::npos && rest.find(in_php_cgi) == std::string::npos;
}

}  // namespace perchild
