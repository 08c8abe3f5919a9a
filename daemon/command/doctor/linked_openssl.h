// Whether the workers that speak TLS have the OpenSSL that the machine has: they bring their own
// along, which is mended only by building them anew.
//
// Runs in: command, as root.
#pragma once

#include <string>
#include <string_view>

#include "daemon/command/doctor/finding.h"

namespace perchild {

// `executable`: the bytes of the file at `path`. `installed`: when the machine's OpenSSL was built,
// as it says itself.
void check_linked_openssl(const std::string& path, std::string_view executable,
                          std::string_view installed, Diagnosis& diagnosis);

// Of the executable that this command would start.
void check_linked_openssl(Diagnosis& diagnosis);

}  // namespace perchild
