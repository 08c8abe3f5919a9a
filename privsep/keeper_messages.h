// What is said to the keeper, and by it. The rules of messages.h hold.
//
// Runs in: keeper, worker, master.
// Trusts: nobody.
#pragma once

#include "privsep/messages.h"

namespace perchild {

inline constexpr std::uint32_t max_keys = 8;            // of one site
inline constexpr std::uint32_t max_signatures = 64;     // asked for by one worker, not answered yet
inline constexpr std::size_t max_signed_content = 256;  // a handshake's is 201 at most
inline constexpr std::size_t max_signature = 1024;      // by RSA with 8192 bits

// master → keeper. Sealed memory with the private keys of all sites (vhosts/*/key_ring.h), the
// first or in place of the one before. Channels that there are keep the keys that they have.
struct TakeKeys {
  static constexpr MessageType type = MessageType::take_keys;
  static constexpr std::size_t fd_count = 1;
  std::uint32_t reserved;
  bool valid() const { return reserved == 0; }
};

// master → keeper. The keeper's end of a channel to a worker of `site` (see AttachKeeper), which
// may have that site's keys used and no others.
struct AttachSigner {
  static constexpr MessageType type = MessageType::attach_signer;
  static constexpr std::size_t fd_count = 1;
  SiteId site;
  std::uint32_t generation;  // of the site: after a reload its number may be another's
  std::uint32_t channel;     // never the same twice
  bool valid() const { return site.value < max_sites && generation != 0 && channel != 0; }
};

// worker → keeper. A signature by one of the site's keys. At most max_signatures at a time.
struct Sign {
  static constexpr MessageType type = MessageType::sign;
  static constexpr std::size_t fd_count = 0;
  std::uint32_t number;  // comes back with the signature
  std::uint16_t key;     // of the site's, in the order of its certificates
  std::uint16_t scheme;  // an IANA code point: vhosts/*/signature_scheme.h
  std::uint32_t length;
  std::array<char, max_signed_content> content;  // to be digested by the keeper
  bool valid() const { return key < max_keys && length >= 1 && length <= content.size(); }
};

// keeper → worker. To one Sign.
struct Signature {
  static constexpr MessageType type = MessageType::signature;
  static constexpr std::size_t fd_count = 0;
  std::uint32_t number;
  std::uint32_t length;  // 0: the key cannot make it
  std::array<char, max_signature> bytes;
  bool valid() const { return length <= bytes.size(); }
};

// keeper → worker, before any Signature and whenever they change. What the site's workers, and none
// of another site, make their clients' session tickets with.
struct TicketKeys {
  static constexpr MessageType type = MessageType::ticket_keys;
  static constexpr std::size_t fd_count = 0;
  struct Key {
    std::array<unsigned char, 16> name;  // in the clear in every ticket
    std::array<unsigned char, 32> cipher;
    std::array<unsigned char, 32> authentication;
  };
  Key current;
  Key previous;  // still good for a ticket that comes back
  bool valid() const { return current.name != previous.name; }
};

template <>
struct Direction<Master, Keeper> {
  using Messages = std::variant<TakeKeys, AttachSigner>;
};
template <>
struct Direction<Keeper, Master> {
  using Messages = std::variant<LockDownComplete, PeerViolation>;
};
template <>
struct Direction<Worker, Keeper> {
  using Messages = std::variant<Sign>;
};
template <>
struct Direction<Keeper, Worker> {
  using Messages = std::variant<Signature, TicketKeys>;
};

}  // namespace perchild
