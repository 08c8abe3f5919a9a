#include "daemon/command/check/certificates.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "daemon/command/check/openssl_pointers.h"

namespace perchild {
namespace {

constexpr std::size_t longest_chain = 16;
// What the worker sets too (daemon/worker/tls_site.cc): what passes here is taken there.
constexpr int security_level = 2;

std::string last_error() {
  const unsigned long error = ::ERR_peek_last_error();
  const char* reason = ::ERR_reason_error_string(error);
  ::ERR_clear_error();
  return reason != nullptr ? reason : "unknown error";
}

template <typename Object, typename Encode>
std::string to_der(Object* object, Encode encode) {
  unsigned char* bytes = nullptr;
  const int length = encode(object, &bytes);
  if (length <= 0) return {};
  std::string der(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length));
  ::OPENSSL_clear_free(bytes, static_cast<std::size_t>(length));
  return der;
}

// PKCS #8, whatever form the file has.
std::string key_to_der(::EVP_PKEY* key) {
  const Pkcs8Ptr packed(::EVP_PKEY2PKCS8(key));
  return packed != nullptr ? to_der(packed.get(), ::i2d_PKCS8_PRIV_KEY_INFO) : std::string();
}

X509Ptr from_der(const std::string& der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  return X509Ptr(::d2i_X509(nullptr, &at, static_cast<long>(der.size())));
}

BioPtr over(const std::string& text) {
  return BioPtr(::BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// A key with a passphrase cannot be used, and nobody is to be asked for it.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

std::chrono::sys_seconds time_of(const ::ASN1_TIME* time) {
  std::tm parts{};
  if (::ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return std::chrono::sys_seconds(std::chrono::seconds(::timegm(&parts)));
}

std::vector<std::string> names_of(const ::X509* certificate) {
  std::vector<std::string> names;
  const NamesPtr all(static_cast<::GENERAL_NAMES*>(
      ::X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(all.get()); ++i) {
    const ::GENERAL_NAME* name = sk_GENERAL_NAME_value(all.get(), i);
    if (name->type != GEN_DNS) continue;
    std::string text(reinterpret_cast<const char*>(::ASN1_STRING_get0_data(name->d.dNSName)),
                     static_cast<std::size_t>(::ASN1_STRING_length(name->d.dNSName)));
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    names.push_back(std::move(text));
  }
  return names;
}

void take_facts_of_leaf(::X509* leaf, CertificateFacts& facts) {
  facts.names = names_of(leaf);
  facts.not_before = time_of(::X509_get0_notBefore(leaf));
  facts.not_after = time_of(::X509_get0_notAfter(leaf));
  facts.signs_itself = ::X509_self_signed(leaf, 0) == 1;
  ::EVP_PKEY* key = ::X509_get0_pubkey(leaf);
  for (const char* kind : {"RSA", "EC", "ED25519"}) {
    if (key != nullptr && ::EVP_PKEY_is_a(key, kind) == 1) facts.kind = kind;
  }
}

// Whether TLS takes them is asked by giving them to it.
std::string refusal_of(const Certificate& certificate, ::EVP_PKEY* key) {
  const TlsContextPtr context(::SSL_CTX_new(::TLS_server_method()));
  if (context == nullptr) return last_error();
  ::SSL_CTX_set_security_level(context.get(), security_level);
  for (std::size_t i = 0; i < certificate.chain.size(); ++i) {
    const X509Ptr parsed = from_der(certificate.chain[i]);
    const bool taken =
        i == 0 ? ::SSL_CTX_use_certificate(context.get(), parsed.get()) == 1 &&
                     (key == nullptr || ::SSL_CTX_use_PrivateKey(context.get(), key) == 1)
               : SSL_CTX_add1_chain_cert(context.get(), parsed.get()) == 1;
    if (!taken) return last_error();
  }
  return {};
}

bool others_may_read(const std::string& path) {
  struct ::stat status {};
  return ::stat(path.c_str(), &status) == 0 && (status.st_mode & S_IROTH) != 0;
}

void append(std::vector<Mistake>& to, std::vector<Mistake> more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

}  // namespace

void CertificateFiles::read_chain(const std::string& path, CertificateFacts& facts) {
  OpenedSource opened = files_.open(path);
  append(facts.objections, std::move(opened.objections));
  facts.chain_problem = std::move(opened.problem);
  if (!facts.chain_problem.empty()) return;
  const BioPtr text = over(opened.text);
  X509Ptr previous;
  while (facts.certificate.chain.size() < longest_chain) {
    X509Ptr certificate(::PEM_read_bio_X509(text.get(), nullptr, &no_passphrase, nullptr));
    if (certificate == nullptr) break;
    facts.certificate.chain.push_back(to_der(certificate.get(), ::i2d_X509));
    if (previous == nullptr) {
      take_facts_of_leaf(certificate.get(), facts);
    } else if (facts.misplaced == 0 &&
               ::X509_check_issued(certificate.get(), previous.get()) != X509_V_OK) {
      facts.misplaced = facts.certificate.chain.size();
    }
    previous = std::move(certificate);
  }
  // The end of the file looks like one more certificate without a beginning.
  const bool ended = ERR_GET_REASON(::ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (facts.certificate.chain.empty() || !ended) {
    facts.chain_problem = ended ? "there is none in it (PEM)" : last_error();
  } else if (facts.kind.empty()) {
    facts.chain_problem = "its key is neither RSA, EC nor ED25519";
  }
  ::ERR_clear_error();
}

void CertificateFiles::read_key(const std::string& path, CertificateFacts& facts) {
  OpenedSource opened = files_.open(path);
  append(facts.objections, std::move(opened.objections));
  if (!opened.problem.empty()) {
    facts.key_is_unchecked = opened.problem == std::strerror(EACCES) && ::geteuid() != 0;
    if (!facts.key_is_unchecked) facts.key_problem = std::move(opened.problem);
    return;
  }
  facts.key_is_public = others_may_read(path);
  const KeyPtr key(
      ::PEM_read_bio_PrivateKey(over(opened.text).get(), nullptr, &no_passphrase, nullptr));
  ::OPENSSL_cleanse(opened.text.data(), opened.text.size());
  if (key == nullptr) {
    facts.key_problem = "there is none in it, or it has a passphrase (PEM): " + last_error();
    return;
  }
  facts.certificate.key = key_to_der(key.get());
  if (!facts.chain_problem.empty()) return;
  const X509Ptr leaf = from_der(facts.certificate.chain.front());
  facts.key_fits = ::X509_check_private_key(leaf.get(), key.get()) == 1;
  ::ERR_clear_error();
  if (facts.key_fits) facts.refused = refusal_of(facts.certificate, key.get());
}

CertificateFacts CertificateFiles::read(const std::string& chain_path,
                                        const std::string& key_path) {
  ::OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
  CertificateFacts facts;
  read_chain(chain_path, facts);
  read_key(key_path, facts);
  if (facts.key_is_unchecked && facts.chain_problem.empty()) {
    facts.refused = refusal_of(facts.certificate, nullptr);
  }
  return facts;
}

}  // namespace perchild
