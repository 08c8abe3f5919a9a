// A JSON document as a tree that knows where each of its keys and values stands in the text. The
// only file that knows which parser reads it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/configuration_source.h"
#include "policy/mistake.h"

namespace perchild {

enum class JsonKind : std::uint8_t { null, boolean, number, string, array, object };

// "a string", "an object", for sentences.
std::string_view name_of(JsonKind kind);

inline constexpr std::size_t max_json_depth = 32;

struct JsonNode {
  static constexpr std::uint32_t none = UINT32_MAX;

  std::string_view key;   // of a member of an object, decoded
  std::string_view text;  // of a string, decoded; of a number or boolean, as written
  std::uint32_t key_offset = 0;
  std::uint32_t offset = 0;
  std::uint32_t parent = none;
  std::uint32_t index = 0;  // among its parent's children
  std::uint32_t first_child = none;
  std::uint32_t next = none;
  JsonKind kind = JsonKind::null;
};

class JsonTreeBuilder;
class JsonValue;

class JsonDocument {
 public:
  // Says what is wrong into `mistakes`: bad syntax, after which there is no document; a repeated
  // key, of which the first one counts.
  static std::unique_ptr<JsonDocument> parse(std::string name, std::string text,
                                             std::vector<Mistake>& mistakes);

  const SourceFile& source() const { return source_; }
  JsonValue root() const;

 private:
  friend class JsonValue;
  friend class JsonTreeBuilder;
  JsonDocument(std::string name, std::string text) : source_(std::move(name), std::move(text)) {}

  SourceFile source_;
  std::vector<JsonNode> nodes_;      // the root first
  std::deque<std::string> decoded_;  // strings that are not in the text as they are
};

// A value of a document, which must outlive it. Cheap to copy.
class JsonValue {
 public:
  JsonKind kind() const { return node().kind; }
  std::string_view key() const { return node().key; }
  std::string_view text() const { return node().text; }
  bool is(JsonKind kind) const { return node().kind == kind; }

  // A mistake where the value stands, or its key, with the JSON pointer to it.
  Mistake mistake() const;
  Mistake mistake_at_key() const;
  // What to call it in a sentence: its key, or "an element of" its array.
  std::string label() const;
  // "file:line:column", to name this place in a sentence about another.
  std::string place() const;

  // The members of an object or elements of an array; other values have none.
  class Iterator;
  Iterator begin() const;
  Iterator end() const;
  bool empty() const { return node().first_child == JsonNode::none; }
  // The first member with this key. Linear.
  std::optional<JsonValue> find(std::string_view key) const;

 private:
  friend class JsonDocument;
  friend class JsonTreeBuilder;
  JsonValue(const JsonDocument& document, std::uint32_t index)
      : document_(&document), index_(index) {}
  const JsonNode& node() const { return document_->nodes_[index_]; }
  bool is_member() const;
  std::string pointer() const;

  const JsonDocument* document_;
  std::uint32_t index_;
};

class JsonValue::Iterator {
 public:
  Iterator(const JsonDocument* document, std::uint32_t index)
      : document_(document), index_(index) {}
  JsonValue operator*() const { return {*document_, index_}; }
  Iterator& operator++() {
    index_ = document_->nodes_[index_].next;
    return *this;
  }
  friend bool operator==(const Iterator&, const Iterator&) = default;

 private:
  const JsonDocument* document_;
  std::uint32_t index_;
};

// `text` as a JSON string, with its quotes. Bytes that are not UTF-8 are replaced.
std::string json_string(std::string_view text);

}  // namespace perchild
