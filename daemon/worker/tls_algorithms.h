// Of OpenSSL's default provider the algorithms that TLS uses here. The first fetch of a cipher
// makes an object of every cipher that its provider has, and likewise of digests, keys and
// decoders: that was most of what OpenSSL did before a site's first handshake.
//
// Runs in: worker.
#pragma once

#include <array>
#include <string_view>

namespace perchild {

// Of key exchange, the best first, by the names that the provider gives them. It tells of no
// others.
inline constexpr std::array<std::string_view, 3> tls_groups = {"x25519", "secp256r1", "secp384r1"};

// Once in a process, in the default provider's place, before anything is fetched.
bool load_tls_algorithms();

}  // namespace perchild
