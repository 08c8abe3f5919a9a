#include "daemon/worker/tls_algorithms.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "privsep/result.h"

// The default provider's entry, which libcrypto.a has, and no header declares: its name and form
// are the same from 3.0 to 3.5.
extern "C" ::OSSL_provider_init_fn ossl_default_provider_init;

namespace perchild {
namespace {

constexpr const char* narrowed_provider = "perchild-tls";

// By the first of the names that the provider gives each.
constexpr std::string_view algorithms[] = {
    // Records, and the cipher of tickets (AES-256-CBC).
    "AES-128-GCM", "AES-256-GCM", "ChaCha20-Poly1305", "AES-256-CBC",
    // Random numbers: what CTR-DRBG is made of.
    "CTR-DRBG", "AES-256-CTR", "AES-256-ECB",
    // Transcripts, tickets, and SHA-1 for what OpenSSL calls a certificate by.
    "SHA1", "SHA2-256", "SHA2-384", "SHA2-512", "HMAC", "HKDF", "TLS13-KDF", "TLS1-PRF",
    // Key exchange.
    "X25519", "ECDH",
    // Keys in certificates, those of issuers included, and whether one can sign. EC is of key
    // exchange too.
    "RSA", "RSA-PSS", "EC", "ED25519", "ED448", "DSA", "ECDSA"};

// Of all forms that a key can have, that in a certificate.
constexpr std::string_view form_in_certificates = "structure=SubjectPublicKeyInfo";

::OSSL_FUNC_provider_query_operation_fn* query_all = nullptr;
::OSSL_FUNC_provider_get_capabilities_fn* tell_all = nullptr;

template <typename Names>
bool contains(const Names& names, std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

bool is_wanted(const ::OSSL_ALGORITHM& algorithm, int operation) {
  if (operation == OSSL_OP_DECODER &&
      std::string_view(algorithm.property_definition).find(form_in_certificates) ==
          std::string_view::npos) {
    return false;
  }
  const std::string_view names = algorithm.algorithm_names;
  return contains(algorithms, names.substr(0, names.find(':')));
}

const ::OSSL_ALGORITHM* query_narrowed(void* context, int operation, int* no_cache) {
  static std::array<std::vector<::OSSL_ALGORITHM>, OSSL_OP__HIGHEST + 1> chosen;
  const ::OSSL_ALGORITHM* all = query_all(context, operation, no_cache);
  if (all == nullptr || operation == OSSL_OP_ENCODER || operation == OSSL_OP_STORE) return nullptr;
  std::vector<::OSSL_ALGORITHM>& found = chosen.at(static_cast<std::size_t>(operation));
  if (found.empty()) {
    for (; all->algorithm_names != nullptr; ++all) {
      if (is_wanted(*all, operation)) found.push_back(*all);
    }
    found.push_back({nullptr, nullptr, nullptr, nullptr});
  }
  return found.data();
}

// Whom a capability is told to, and what he gave to be told it with.
struct Listener {
  ::OSSL_CALLBACK* hear;
  void* argument;
};

int hear_group(const ::OSSL_PARAM parameters[], void* argument) {
  const auto& listener = *static_cast<const Listener*>(argument);
  const ::OSSL_PARAM* name = ::OSSL_PARAM_locate_const(parameters, OSSL_CAPABILITY_TLS_GROUP_NAME);
  if (name == nullptr || !contains(tls_groups, static_cast<const char*>(name->data))) return 1;
  return listener.hear(parameters, listener.argument);
}

int tell_narrowed(void* context, const char* capability, ::OSSL_CALLBACK* hear, void* argument) {
  if (std::string_view(capability) != "TLS-GROUP")
    return tell_all(context, capability, hear, argument);
  Listener listener{hear, argument};
  return tell_all(context, capability, &hear_group, &listener);
}

template <typename Function>
void (*as_entry(Function* function))() {
  return reinterpret_cast<void (*)()>(function);
}

// The default provider, but for what it says that it has.
int init_narrowed(const ::OSSL_CORE_HANDLE* handle, const ::OSSL_DISPATCH* core,
                  const ::OSSL_DISPATCH** out, void** context) {
  static std::vector<::OSSL_DISPATCH> functions;
  const ::OSSL_DISPATCH* of_default = nullptr;
  if (::ossl_default_provider_init(handle, core, &of_default, context) != 1) return 0;
  for (; of_default->function_id != 0; ++of_default) {
    ::OSSL_DISPATCH& function = functions.emplace_back(*of_default);
    if (function.function_id == OSSL_FUNC_PROVIDER_QUERY_OPERATION) {
      query_all = ::OSSL_FUNC_provider_query_operation(of_default);
      function.function = as_entry(&query_narrowed);
    } else if (function.function_id == OSSL_FUNC_PROVIDER_GET_CAPABILITIES) {
      tell_all = ::OSSL_FUNC_provider_get_capabilities(of_default);
      function.function = as_entry(&tell_narrowed);
    }
  }
  functions.push_back({0, nullptr});
  PERCHILD_ASSERT(query_all != nullptr && tell_all != nullptr);
  *out = functions.data();
  return 1;
}

}  // namespace

bool load_tls_algorithms() {
  return ::OSSL_PROVIDER_add_builtin(nullptr, narrowed_provider, &init_narrowed) == 1 &&
         ::OSSL_PROVIDER_load(nullptr, narrowed_provider) != nullptr;
}

}  // namespace perchild
