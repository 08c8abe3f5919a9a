#include "daemon/worker/keeper_provider.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>

#include <new>
#include <string>
#include <string_view>

#include "daemon/worker/keeper_client.h"
#include "vhosts/tls/signature_scheme.h"

namespace perchild {
namespace {

using tls::KeyKind;
using tls::Padding;

constexpr const char* provider_name = "perchild-keeper";
// Names of ours beside the default provider's: a fetch for them finds nothing else.
constexpr const char* properties = "provider=perchild-keeper";
constexpr const char* key_parameter = "keeper-key";

// What a key is made of; passed through EVP_PKEY_fromdata(3) as bytes.
struct KeyParts {
  ::EVP_PKEY* public_half;
  KeeperClient* keeper;
  std::uint32_t index;
};

struct KeyData {
  KeyKind kind;
  KeeperKey public_half;
  KeeperClient* keeper = nullptr;
  std::uint32_t index = 0;
};

struct SigningContext {
  const KeyData* key = nullptr;
  Padding padding = Padding::pkcs1;
  std::string digest;
};

KeyData& key_of(void* data) {
  return *static_cast<KeyData*>(data);
}

// ---- keys: provider-keymgmt(7)

template <KeyKind kind>
void* key_new(void*) {
  return new (std::nothrow) KeyData{kind, {}};
}
void key_free(void* data) {
  delete static_cast<KeyData*>(data);
}
int key_has(const void*, int) {
  return 1;  // the private half too: libssl asks
}
int key_match(const void* a, const void* b, int) {
  return ::EVP_PKEY_eq(static_cast<const KeyData*>(a)->public_half.get(),
                       static_cast<const KeyData*>(b)->public_half.get());
}

int key_import(void* data, int, const ::OSSL_PARAM parameters[]) {
  const ::OSSL_PARAM* given = ::OSSL_PARAM_locate_const(parameters, key_parameter);
  KeyParts parts{};
  void* into = &parts;
  std::size_t used = 0;
  if (given == nullptr || ::OSSL_PARAM_get_octet_string(given, &into, sizeof parts, &used) != 1 ||
      used != sizeof parts || ::EVP_PKEY_up_ref(parts.public_half) != 1) {
    return 0;
  }
  KeyData& key = key_of(data);
  key.public_half.reset(parts.public_half);
  key.keeper = parts.keeper;
  key.index = parts.index;
  return 1;
}
const ::OSSL_PARAM* key_import_types(int) {
  static const ::OSSL_PARAM types[] = {OSSL_PARAM_octet_string(key_parameter, nullptr, 0),
                                       OSSL_PARAM_END};
  return types;
}

// For comparison with a certificate's. There is nothing here but the public half.
int key_export(void* data, int, ::OSSL_CALLBACK* callback, void* argument) {
  return ::EVP_PKEY_export(key_of(data).public_half.get(), EVP_PKEY_PUBLIC_KEY, callback, argument);
}
const ::OSSL_PARAM* key_export_types(int) {
  static const ::OSSL_PARAM types[] = {OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, nullptr, 0),
                                       OSSL_PARAM_END};
  return types;
}

int key_get_params(void* data, ::OSSL_PARAM parameters[]) {
  return ::EVP_PKEY_get_params(key_of(data).public_half.get(), parameters);
}
const ::OSSL_PARAM* key_gettable_params(void*) {
  static const ::OSSL_PARAM types[] = {
      OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, nullptr),
      OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, nullptr),
      OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, nullptr),
      OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, nullptr, 0),
      OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, nullptr, 0),
      OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST, nullptr, 0),
      OSSL_PARAM_END};
  return types;
}

template <KeyKind kind>
constexpr const char* signature_name = kind == KeyKind::rsa     ? "KEEPER-RSA"
                                       : kind == KeyKind::ecdsa ? "KEEPER-EC"
                                                                : "KEEPER-ED25519";

template <KeyKind kind>
const char* key_operation_name(int) {
  return signature_name<kind>;
}

// ---- signatures: provider-signature(7)

void* signature_newctx(void*, const char*) {
  return new (std::nothrow) SigningContext;
}
void signature_freectx(void* context) {
  delete static_cast<SigningContext*>(context);
}

bool take_padding(const ::OSSL_PARAM& parameter, Padding& padding) {
  int number = 0;
  std::string_view name;
  if (parameter.data_type == OSSL_PARAM_UTF8_STRING) {
    name = static_cast<const char*>(parameter.data);
  } else if (::OSSL_PARAM_get_int(&parameter, &number) != 1) {
    return false;
  }
  if (number == RSA_PKCS1_PSS_PADDING || name == OSSL_PKEY_RSA_PAD_MODE_PSS) {
    padding = Padding::pss;
  } else if (number == RSA_PKCS1_PADDING || name == OSSL_PKEY_RSA_PAD_MODE_PKCSV15) {
    padding = Padding::pkcs1;
  } else {
    return false;
  }
  return true;
}

// The salt's length is taken for that of the digest, which is what TLS asks for.
int signature_set_params(void* context, const ::OSSL_PARAM parameters[]) {
  const ::OSSL_PARAM* padding =
      parameters != nullptr ? ::OSSL_PARAM_locate_const(parameters, OSSL_SIGNATURE_PARAM_PAD_MODE)
                            : nullptr;
  return padding == nullptr ||
                 take_padding(*padding, static_cast<SigningContext*>(context)->padding)
             ? 1
             : 0;
}
const ::OSSL_PARAM* signature_settable_params(void*, void*) {
  static const ::OSSL_PARAM types[] = {
      OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, nullptr, 0),
      OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, nullptr, 0), OSSL_PARAM_END};
  return types;
}

int signature_init(void* context, const char* digest, void* key, const ::OSSL_PARAM parameters[]) {
  auto& signing = *static_cast<SigningContext*>(context);
  signing.key = static_cast<const KeyData*>(key);
  signing.digest = digest != nullptr ? digest : "";
  signing.padding = signing.key->kind == KeyKind::rsa ? Padding::pkcs1 : Padding::none;
  return signature_set_params(context, parameters);
}

int signature_sign(void* context, unsigned char* signature, std::size_t* length, std::size_t room,
                   const unsigned char* content, std::size_t content_length) {
  const auto& signing = *static_cast<SigningContext*>(context);
  const KeyData& key = *signing.key;
  if (signature == nullptr) {
    *length = static_cast<std::size_t>(::EVP_PKEY_get_size(key.public_half.get()));
    return 1;
  }
  const tls::SignatureScheme* scheme = tls::find_scheme(key.kind, signing.padding, signing.digest);
  if (scheme == nullptr) return 0;
  *length =
      key.keeper->sign(key.index, scheme->code,
                       {reinterpret_cast<const char*>(content), content_length}, {signature, room});
  return *length > 0 ? 1 : 0;
}

// ---- the tables that OpenSSL finds all this by

template <typename Function>
constexpr ::OSSL_DISPATCH entry(int id, Function* function) {
  return {id, reinterpret_cast<void (*)()>(function)};
}

template <KeyKind kind>
const ::OSSL_DISPATCH* key_functions() {
  static const ::OSSL_DISPATCH functions[] = {
      entry(OSSL_FUNC_KEYMGMT_NEW, &key_new<kind>),
      entry(OSSL_FUNC_KEYMGMT_FREE, &key_free),
      entry(OSSL_FUNC_KEYMGMT_HAS, &key_has),
      entry(OSSL_FUNC_KEYMGMT_MATCH, &key_match),
      entry(OSSL_FUNC_KEYMGMT_IMPORT, &key_import),
      entry(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, &key_import_types),
      entry(OSSL_FUNC_KEYMGMT_EXPORT, &key_export),
      entry(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, &key_export_types),
      entry(OSSL_FUNC_KEYMGMT_GET_PARAMS, &key_get_params),
      entry(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, &key_gettable_params),
      entry(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, &key_operation_name<kind>),
      {0, nullptr}};
  return functions;
}

const ::OSSL_DISPATCH signature_functions[] = {
    entry(OSSL_FUNC_SIGNATURE_NEWCTX, &signature_newctx),
    entry(OSSL_FUNC_SIGNATURE_FREECTX, &signature_freectx),
    entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, &signature_init),
    entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, &signature_sign),
    entry(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, &signature_set_params),
    entry(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, &signature_settable_params),
    {0, nullptr}};

const ::OSSL_ALGORITHM* provider_query(void*, int operation, int* no_cache) {
  // The names by which libssl knows which certificate a key goes with.
  static const ::OSSL_ALGORITHM keys[] = {
      {"RSA:rsaEncryption:1.2.840.113549.1.1.1", properties, key_functions<KeyKind::rsa>(),
       nullptr},
      {"EC:id-ecPublicKey:1.2.840.10045.2.1", properties, key_functions<KeyKind::ecdsa>(), nullptr},
      {"ED25519:1.3.101.112", properties, key_functions<KeyKind::ed25519>(), nullptr},
      {nullptr, nullptr, nullptr, nullptr}};
  static const ::OSSL_ALGORITHM signatures[] = {
      {signature_name<KeyKind::rsa>, properties, signature_functions, nullptr},
      {signature_name<KeyKind::ecdsa>, properties, signature_functions, nullptr},
      {signature_name<KeyKind::ed25519>, properties, signature_functions, nullptr},
      {nullptr, nullptr, nullptr, nullptr}};
  *no_cache = 0;
  switch (operation) {
    case OSSL_OP_KEYMGMT:
      return keys;
    case OSSL_OP_SIGNATURE:
      return signatures;
    default:
      return nullptr;
  }
}

int provider_init(const ::OSSL_CORE_HANDLE* handle, const ::OSSL_DISPATCH*,
                  const ::OSSL_DISPATCH** out, void** context) {
  static const ::OSSL_DISPATCH functions[] = {
      entry(OSSL_FUNC_PROVIDER_QUERY_OPERATION, &provider_query), {0, nullptr}};
  *out = functions;
  *context = const_cast<::OSSL_CORE_HANDLE*>(handle);  // not used, but it may not be null
  return 1;
}

struct KeyContextDeleter {
  void operator()(::EVP_PKEY_CTX* context) const { ::EVP_PKEY_CTX_free(context); }
};

}  // namespace

bool load_keeper_provider() {
  return ::OSSL_PROVIDER_add_builtin(nullptr, provider_name, &provider_init) == 1 &&
         ::OSSL_PROVIDER_load(nullptr, provider_name) != nullptr;
}

KeeperKey make_keeper_key(const ::X509& certificate, std::uint32_t index, KeeperClient& keeper) {
  ::EVP_PKEY* public_half = ::X509_get0_pubkey(&certificate);
  if (public_half == nullptr) return nullptr;
  const char* type = ::EVP_PKEY_get0_type_name(public_half);
  const std::unique_ptr<::EVP_PKEY_CTX, KeyContextDeleter> context(
      ::EVP_PKEY_CTX_new_from_name(nullptr, type, properties));
  KeyParts parts{};
  parts.public_half = public_half;
  parts.keeper = &keeper;
  parts.index = index;
  ::OSSL_PARAM parameters[] = {
      ::OSSL_PARAM_construct_octet_string(key_parameter, &parts, sizeof parts),
      ::OSSL_PARAM_construct_end()};
  ::EVP_PKEY* key = nullptr;
  if (context == nullptr || ::EVP_PKEY_fromdata_init(context.get()) != 1 ||
      ::EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, parameters) != 1) {
    return nullptr;
  }
  return KeeperKey(key);
}

}  // namespace perchild
