#include "daemon/keeper/key_store.h"

#include <gtest/gtest.h>
#include <openssl/rsa.h>

#include <string>

#include "daemon/keeper/ticket_key_store.h"
#include "test/daemon/keeper/packed_key.h"
#include "test/vhosts/sites/configuration_samples.h"
#include "vhosts/tls/signature_scheme.h"

namespace perchild::test::key_store_test {
namespace {

using Outcome = SiteKeys::Outcome;

Key make_key(const char* type, std::size_t bits_or_curve = 0) {
  const std::string kind = type;
  if (kind == "RSA") return Key(::EVP_PKEY_Q_keygen(nullptr, nullptr, type, bits_or_curve));
  if (kind == "EC") return Key(::EVP_PKEY_Q_keygen(nullptr, nullptr, type, "P-256"));
  return Key(::EVP_PKEY_Q_keygen(nullptr, nullptr, type));
}

constexpr Generation first{1};

const std::string content = std::string(64, ' ') + "TLS 1.3, server CertificateVerify" +
                            std::string(1, '\0') + std::string(32, 'h');

Sign request(std::uint16_t scheme, std::uint16_t key = 0, const std::string& text = content) {
  Sign sign{.number = 7,
            .key = key,
            .scheme = scheme,
            .length = static_cast<std::uint32_t>(text.size()),
            .content = {}};
  text.copy(sign.content.data(), text.size());
  return sign;
}

bool verifies(const Key& key, std::uint16_t code, const Signature& signature) {
  const tls::SignatureScheme& scheme = *tls::find_scheme(code);
  const std::string digest(scheme.digest);
  ::EVP_MD_CTX* context = ::EVP_MD_CTX_new();
  ::EVP_PKEY_CTX* parameters = nullptr;
  bool good =
      ::EVP_DigestVerifyInit_ex(context, &parameters, digest.empty() ? nullptr : digest.c_str(),
                                nullptr, nullptr, key.get(), nullptr) == 1;
  if (scheme.padding == tls::Padding::pss) {
    good = good && ::EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
           ::EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1;
  }
  good = good && ::EVP_DigestVerify(
                     context, reinterpret_cast<const unsigned char*>(signature.bytes.data()),
                     signature.length, reinterpret_cast<const unsigned char*>(content.data()),
                     content.size()) == 1;
  ::EVP_MD_CTX_free(context);
  return good;
}

TEST(SiteKeys, MakeTheSignaturesOfTheirKindAndNoOthers) {
  struct Case {
    const char* type;
    std::vector<std::uint16_t> can;
    std::uint16_t cannot;
  };
  const Case cases[] = {{"RSA", {0x0401, 0x0501, 0x0601, 0x0804, 0x0805, 0x0806}, 0x0403},
                        {"EC", {0x0403, 0x0503, 0x0603}, 0x0804},
                        {"ED25519", {0x0807}, 0x0403}};
  for (const Case& each : cases) {
    const Key key = make_key(each.type, 2048);
    const std::string bytes = packed(key);
    SiteKeys keys({bytes});
    Signature signature;
    for (int round = 0; round < 2; ++round) {
      for (const std::uint16_t scheme : each.can) {
        ASSERT_EQ(keys.sign(request(scheme), signature), Outcome::made) << each.type << scheme;
        EXPECT_EQ(signature.number, 7u);
        EXPECT_TRUE(verifies(key, scheme, signature)) << each.type << scheme;
      }
    }
    EXPECT_EQ(keys.sign(request(each.cannot), signature), Outcome::failed);
    EXPECT_EQ(signature.length, 0u);
  }
}

TEST(SiteKeys, SignNothingButHandshakesAndWithNoKeyThatIsNotThere) {
  const std::string bytes = packed(make_key("EC"));
  SiteKeys keys({bytes});
  Signature signature;
  EXPECT_EQ(keys.sign(request(0x0403, 1), signature), Outcome::not_permitted);
  EXPECT_EQ(keys.sign(request(0x0203), signature), Outcome::not_permitted);  // SHA-1
  EXPECT_EQ(keys.sign(request(0x0403, 0, "pay to"), signature), Outcome::not_permitted);
  EXPECT_EQ(keys.sign(request(0x0403, 0, std::string(32, 'd')), signature), Outcome::not_permitted);
}

TEST(SiteKeys, ThatAreNoneMakeNothing) {
  SiteKeys keys({"no key"});
  Signature signature;
  EXPECT_EQ(keys.sign(request(0x0403), signature), Outcome::failed);
}

UniqueFd ring_of(const std::vector<std::string>& keys) {
  Configuration configuration = configuration_of({{"a.example"}, {"b.example"}});
  for (const std::string& key : keys) configuration.sites[1].certificates.push_back({{"c"}, key});
  return std::move(*make_sealed_memory("keys", tls::pack_key_ring(configuration)));
}

TEST(KeyStore, HasTheKeysOfTheSitesOfItsRing) {
  KeyStore store;
  EXPECT_EQ(store.open(SiteId{1}), nullptr);
  const Key key = make_key("EC");
  const UniqueFd ring = ring_of({packed(key)});
  ASSERT_TRUE(store.load(ring.borrow()));
  EXPECT_EQ(store.open(SiteId{0}), nullptr);
  const auto keys = store.open(SiteId{1});
  ASSERT_NE(keys, nullptr);
  EXPECT_EQ(store.open(SiteId{1}), keys);  // one copy for all of the site's workers
  Signature signature;
  EXPECT_EQ(keys->sign(request(0x0403), signature), Outcome::made);
  EXPECT_TRUE(verifies(key, 0x0403, signature));
}

TEST(KeyStore, TakesNewKeysWhileOldOnesAreInUse) {
  KeyStore store;
  const Key before = make_key("EC");
  const Key after = make_key("EC");
  UniqueFd ring = ring_of({packed(before)});
  ASSERT_TRUE(store.load(ring.borrow()));
  const auto old_keys = store.open(SiteId{1});
  ring = ring_of({packed(after)});
  ASSERT_TRUE(store.load(ring.borrow()));
  Signature signature;
  EXPECT_EQ(old_keys->sign(request(0x0403), signature), Outcome::made);
  EXPECT_TRUE(verifies(before, 0x0403, signature));
  EXPECT_EQ(store.open(SiteId{1})->sign(request(0x0403), signature), Outcome::made);
  EXPECT_TRUE(verifies(after, 0x0403, signature));
}

TEST(KeyStore, KeepsWhatItHasWhereWhatComesIsNoRing) {
  KeyStore store;
  const UniqueFd ring = ring_of({packed(make_key("EC"))});
  ASSERT_TRUE(store.load(ring.borrow()));
  const auto bad = make_sealed_memory("keys", "no ring");
  EXPECT_FALSE(store.load(bad->borrow()));
  EXPECT_NE(store.open(SiteId{1}), nullptr);
}

TEST(TicketKeyStore, EachSiteHasItsOwnAndTheyChange) {
  const Clock::time_point now{};
  TicketKeyStore store(now);
  const TicketKeys of_a = store.of(SiteId{0}, first);
  EXPECT_EQ(store.of(SiteId{0}, first).current.cipher, of_a.current.cipher);
  EXPECT_NE(store.of(SiteId{1}, first).current.cipher, of_a.current.cipher);
  EXPECT_NE(store.of(SiteId{1}, first).current.name, of_a.current.name);
  EXPECT_EQ(store.renew_at(), now + TicketKeyStore::period);
  store.renew(store.renew_at());
  EXPECT_EQ(store.of(SiteId{0}, first).previous.cipher, of_a.current.cipher);
  EXPECT_NE(store.of(SiteId{0}, first).current.cipher, of_a.current.cipher);
  EXPECT_EQ(store.renew_at(), now + 2 * TicketKeyStore::period);
}

TEST(TicketKeyStore, AnotherGenerationOfASiteHasNoneOfTheOnesBefore) {
  TicketKeyStore store(Clock::time_point{});
  EXPECT_EQ(store.find(SiteId{0}, first), nullptr);
  const TicketKeys before = store.of(SiteId{0}, first);
  ASSERT_NE(store.find(SiteId{0}, first), nullptr);
  constexpr Generation second{2};
  const TicketKeys after = store.of(SiteId{0}, second);
  for (const auto& key : {after.current, after.previous}) {
    EXPECT_NE(key.name, before.current.name);
    EXPECT_NE(key.cipher, before.current.cipher);
    EXPECT_NE(key.authentication, before.current.authentication);
  }
  EXPECT_EQ(store.find(SiteId{0}, first), nullptr);
}

}  // namespace
}  // namespace perchild::test::key_store_test
