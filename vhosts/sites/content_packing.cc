#include "vhosts/sites/content_packing.h"

#include <type_traits>

namespace perchild {
namespace {

// The members of each struct, in one place for both ways, so that these cannot differ.
template <typename Archive, typename Struct>
void fields(Archive& archive, Struct& value) {
  using Type = std::remove_const_t<Struct>;
  if constexpr (std::is_same_v<Type, ContentSettings>) {
    archive(value.index);
    archive(value.redirect);
    archive(value.rewrite);
    archive(value.try_paths);
    archive(value.deny);
    archive(value.headers);
    archive(value.caching);
    archive(value.types);
    archive(value.error_pages);
    archive(value.cors);
    archive(value.etag);
    archive(value.listing);
    archive(value.symlinks);
    archive(value.charset);
    archive(value.access.auth);
    archive(value.access.addresses);
    archive(value.handlers);
  } else if constexpr (std::is_same_v<Type, Move>) {
    archive(value.pattern);
    archive(value.to);
    archive(value.status);
    archive(value.keep_query);
  } else if constexpr (std::is_same_v<Type, Try>) {
    archive(value.paths);
    archive(value.fallback);
    archive(value.status);
  } else if constexpr (std::is_same_v<Type, HeaderSetting>) {
    archive(value.name);
    archive(value.value);
    archive(value.statuses);
  } else if constexpr (std::is_same_v<Type, Cors>) {
    archive(value.origins);
    archive(value.methods);
    archive(value.headers);
    archive(value.exposed);
    archive(value.credentials);
    archive(value.max_age);
  } else if constexpr (std::is_same_v<Type, CachingSetting>) {
    archive(value.type);
    archive(value.value);
  } else if constexpr (std::is_same_v<Type, TypeOfExtension>) {
    archive(value.extension);
    archive(value.type);
  } else if constexpr (std::is_same_v<Type, ErrorPageSetting>) {
    archive(value.status);
    archive(value.path);
  } else if constexpr (std::is_same_v<Type, HandlerSetting>) {
    archive(value.topic);
    archive(value.program);
    archive(value.extensions);
    archive(value.directories);
  } else if constexpr (std::is_same_v<Type, AuthSettings>) {
    archive(value.required);
    archive(value.realm);
    archive(value.list);
  } else if constexpr (std::is_same_v<Type, AddressRule>) {
    archive(value.block);
    archive(value.allow);
  } else if constexpr (std::is_same_v<Type, AddressBlock>) {
    for (auto& byte : value.network) archive(byte);
    archive(value.length);
  } else if constexpr (std::is_same_v<Type, Location>) {
    archive(value.kind);
    archive(value.match);
    archive(value.settings);
  } else {
    static_assert(std::is_same_v<Type, Content>);
    archive(value.settings);
    archive(value.locations);
    archive(value.owner_settings);
  }
}

// The last value of each enum.
constexpr Location::Kind last_of(Location::Kind) {
  return Location::Kind::pattern;
}

constexpr Symlinks last_of(Symlinks) {
  return Symlinks::beneath;
}

class Writer {
 public:
  explicit Writer(PackedWriter& writer) : writer_(writer) {}
  void operator()(const std::string& text) { writer_.put_text(text); }
  void operator()(bool flag) { writer_.put(static_cast<std::uint8_t>(flag)); }
  template <typename Number>
  requires std::is_arithmetic_v<Number>
  void operator()(Number number) { writer_.put(number); }
  template <typename Enum>
  requires std::is_enum_v<Enum>
  void operator()(Enum value) { writer_.put(static_cast<std::uint8_t>(value)); }
  template <typename T>
  void operator()(const std::optional<T>& value) {
    (*this)(value.has_value());
    if (value) (*this)(*value);
  }
  template <typename T>
  void operator()(const std::vector<T>& values) {
    writer_.put(static_cast<std::uint32_t>(values.size()));
    for (const T& value : values) (*this)(value);
  }
  template <typename T>
  requires std::is_class_v<T>
  void operator()(const T& value) { fields(*this, value); }

 private:
  PackedWriter& writer_;
};

class Reader {
 public:
  explicit Reader(PackedReader& reader) : reader_(reader) {}
  bool plausible() const { return plausible_; }

  void operator()(std::string& text) { text = reader_.get_text(); }
  void operator()(bool& flag) { flag = reader_.get<std::uint8_t>() != 0; }
  template <typename Number>
  requires std::is_arithmetic_v<Number>
  void operator()(Number& number) { number = reader_.get<Number>(); }
  template <typename Enum>
  requires std::is_enum_v<Enum>
  void operator()(Enum& value) {
    const auto number = reader_.get<std::uint8_t>();
    plausible_ = plausible_ && number <= static_cast<std::uint8_t>(last_of(value));
    value = static_cast<Enum>(number);
  }
  template <typename T>
  void operator()(std::optional<T>& value) {
    bool has_value = false;
    (*this)(has_value);
    if (has_value) (*this)(value.emplace());
  }
  template <typename T>
  void operator()(std::vector<T>& values) {
    values.clear();  // of what stands there by default
    for (std::uint32_t left = reader_.get_count(); left > 0 && !reader_.failed(); --left) {
      (*this)(values.emplace_back());
    }
  }
  template <typename T>
  requires std::is_class_v<T>
  void operator()(T& value) {
    fields(*this, value);
    if constexpr (std::is_same_v<T, AddressBlock>) {
      plausible_ = plausible_ && value.length <= 8 * value.network.size() &&
                   masked(value.network, value.length) == value.network;
    }
  }

 private:
  PackedReader& reader_;
  bool plausible_ = true;
};

}  // namespace

void put_content(PackedWriter& writer, const Content& content) {
  Writer put(writer);
  put(content);
}

bool get_content(PackedReader& reader, Content& content) {
  Reader get(reader);
  get(content);
  return get.plausible();
}

}  // namespace perchild
