#include "daemon/command/doctor/linked_openssl.h"

#include <openssl/crypto.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "daemon/command/doctor/shell_word.h"
#include "daemon/command/serve/executables.h"

namespace perchild {

void check_linked_openssl(const std::string& path, std::string_view executable,
                          std::string_view installed, Diagnosis& diagnosis) {
  // A distribution mends its package without changing the version's number: it is the time of the
  // build that tells one from another.
  if (::memmem(executable.data(), executable.size(), installed.data(), installed.size()) !=
      nullptr) {
    diagnosis.is_in_order("executables: workers that speak TLS have the machine's OpenSSL");
    return;
  }
  diagnosis.add({Severity::warning, "executables", shell_word(path),
                 "has another OpenSSL in it than the machine has (" + std::string(installed) + ")",
                 "what has been mended in the machine's since then is not in the workers that "
                 "speak TLS: build perchild anew",
                 ""});
}

void check_linked_openssl(Diagnosis& diagnosis) {
  const auto path = find_executable(tls_worker_executable);
  if (!path) return;  // which check_executables() says
  std::error_code unknown;
  const auto size = std::filesystem::file_size(*path, unknown);
  std::string bytes(unknown ? 0 : size, '\0');
  std::ifstream(*path, std::ios::binary)
      .read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  check_linked_openssl(*path, bytes, ::OpenSSL_version(OPENSSL_BUILT_ON), diagnosis);
}

}  // namespace perchild
