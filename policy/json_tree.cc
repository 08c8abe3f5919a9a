#include "policy/json_tree.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "policy/json_syntax.h"

namespace perchild {
namespace {

using Json = nlohmann::json;

constexpr int number_out_of_range = 406;  // the parser's number for it

}  // namespace

// The parser reports each token right after it has read it, but not where. The tokens of a text
// that has been accepted so far are easy to find again: JsonTokens walks the text in step.
class JsonTreeBuilder : public nlohmann::json_sax<Json> {
 public:
  JsonTreeBuilder(JsonDocument& document, std::vector<Mistake>& mistakes)
      : document_(document), mistakes_(mistakes), tokens_(document.source_.text()) {}

  bool null() override { return scalar(JsonKind::null); }
  bool boolean(bool) override { return scalar(JsonKind::boolean); }
  bool number_integer(number_integer_t) override { return scalar(JsonKind::number); }
  bool number_unsigned(number_unsigned_t) override { return scalar(JsonKind::number); }
  bool number_float(number_float_t, const string_t&) override { return scalar(JsonKind::number); }
  bool binary(binary_t&) override { return false; }

  bool string(string_t& decoded) override {
    const JsonToken token = tokens_.next();
    add(JsonKind::string, token).text = keep(token, decoded);
    return true;
  }

  bool key(string_t& decoded) override {
    const JsonToken token = tokens_.next();
    key_ = keep(token, decoded);
    key_offset_ = static_cast<std::uint32_t>(token.begin);
    last_ = JsonLast::key;
    return true;
  }

  bool start_object(std::size_t) override { return open(JsonKind::object); }
  bool start_array(std::size_t) override { return open(JsonKind::array); }
  bool end_object() override {
    report_repeated_keys(open_.back().node);
    return close();
  }
  bool end_array() override { return close(); }

  bool parse_error(std::size_t read, const std::string&,
                   const nlohmann::detail::exception& error) override {
    JsonFailure failure;
    failure.behind_last = tokens_.offset();
    failure.last = last_;
    failure.read_to = read == 0 ? 0 : read - 1;
    failure.number_too_large = error.id == number_out_of_range;
    if (!open_.empty()) failure.open = document_.nodes_[open_.back().node].offset;
    report(explain_failure(document_.source_, failure));
    return false;
  }

 private:
  struct Open {
    std::uint32_t node;
    std::uint32_t last_child;
    std::uint32_t children;
  };

  JsonNode& add(JsonKind kind, JsonToken token) {
    const auto index = static_cast<std::uint32_t>(document_.nodes_.size());
    JsonNode node;
    node.kind = kind;
    node.offset = static_cast<std::uint32_t>(token.begin);
    node.key = std::exchange(key_, {});
    node.key_offset = std::exchange(key_offset_, 0);
    if (!open_.empty()) {
      Open& parent = open_.back();
      node.parent = parent.node;
      node.index = parent.children++;
      JsonNode& before = document_.nodes_[parent.node];
      (before.first_child == JsonNode::none ? before.first_child
                                            : document_.nodes_[parent.last_child].next) = index;
      parent.last_child = index;
    }
    last_ = JsonLast::value;
    return document_.nodes_.emplace_back(node);
  }

  bool scalar(JsonKind kind) {
    const JsonToken token = tokens_.next();
    add(kind, token).text = tokens_.text_of(token);
    return true;
  }

  bool open(JsonKind kind) {
    const JsonToken token = tokens_.next();
    if (open_.size() == max_json_depth) {
      report({token.begin,
              "there are more than " + std::to_string(max_json_depth) +
                  " objects and arrays within each other here",
              ""});
      return false;
    }
    const auto index = static_cast<std::uint32_t>(document_.nodes_.size());
    add(kind, token);
    open_.push_back({index, JsonNode::none, 0});
    last_ = kind == JsonKind::object ? JsonLast::object_start : JsonLast::array_start;
    return true;
  }

  bool close() {
    tokens_.next();
    open_.pop_back();
    last_ = JsonLast::value;
    return true;
  }

  // A string without escapes is kept where it is.
  std::string_view keep(JsonToken token, const std::string& decoded) {
    const std::string_view raw = tokens_.text_of(token).substr(1, token.end - token.begin - 2);
    return raw.size() == decoded.size() ? raw : document_.decoded_.emplace_back(decoded);
  }

  void report_repeated_keys(std::uint32_t object) {
    members_.clear();
    for (auto i = document_.nodes_[object].first_child; i != JsonNode::none;
         i = document_.nodes_[i].next) {
      members_.push_back(i);
    }
    std::sort(members_.begin(), members_.end(), [this](std::uint32_t a, std::uint32_t b) {
      const auto order = document_.nodes_[a].key <=> document_.nodes_[b].key;
      return order == 0 ? a < b : order < 0;
    });
    std::uint32_t first = 0;
    for (std::uint32_t i = 1; i < members_.size(); ++i) {
      if (document_.nodes_[members_[i]].key == document_.nodes_[members_[first]].key) {
        report_repeated_key(members_[first], members_[i]);
      } else {
        first = i;
      }
    }
  }

  void report_repeated_key(std::uint32_t first, std::uint32_t again) {
    if (mistakes_.size() >= max_mistakes) return;
    const JsonNode& node = document_.nodes_[again];
    Mistake mistake = document_.source_.mistake_at(node.key_offset);
    const auto before = document_.source_.position_of(document_.nodes_[first].key_offset);
    mistake.pointer = JsonValue(document_, again).pointer();
    mistake.sentence = "the key " + in_quotes(node.key) + " is repeated: it stands at " +
                       std::to_string(before.line) + ":" + std::to_string(before.column) +
                       " already";
    mistakes_.push_back(std::move(mistake));
  }

  void report(const JsonProblem& problem) {
    Mistake mistake = document_.source_.mistake_at(problem.offset);
    mistake.sentence = problem.sentence;
    mistake.hint = problem.hint;
    mistakes_.push_back(std::move(mistake));
  }

  JsonDocument& document_;
  std::vector<Mistake>& mistakes_;
  JsonTokens tokens_;
  std::vector<Open> open_;
  std::vector<std::uint32_t> members_;
  std::string_view key_;
  std::uint32_t key_offset_ = 0;
  JsonLast last_ = JsonLast::start;
};

std::unique_ptr<JsonDocument> JsonDocument::parse(std::string name, std::string text,
                                                  std::vector<Mistake>& mistakes) {
  std::unique_ptr<JsonDocument> document(new JsonDocument(std::move(name), std::move(text)));
  const std::string_view source = document->source_.text();
  // The parser takes NUL for the end of the text, so that what follows it would not be looked at.
  if (const std::size_t nul = source.find('\0'); nul != std::string_view::npos) {
    Mistake mistake = document->source_.mistake_at(nul);
    mistake.sentence = "there is a NUL byte here";
    mistakes.push_back(std::move(mistake));
    return nullptr;
  }
  JsonTreeBuilder builder(*document, mistakes);
  if (!Json::sax_parse(source.begin(), source.end(), &builder)) return nullptr;
  return document;
}

JsonValue JsonDocument::root() const {
  return {*this, 0};
}

std::string_view name_of(JsonKind kind) {
  switch (kind) {
    case JsonKind::null:
      return "null";
    case JsonKind::boolean:
      return "true or false";
    case JsonKind::number:
      return "a number";
    case JsonKind::string:
      return "a string";
    case JsonKind::array:
      return "an array";
    case JsonKind::object:
      return "an object";
  }
  return "";
}

bool JsonValue::is_member() const {
  return index_ != 0 && document_->nodes_[node().parent].kind == JsonKind::object;
}

std::string JsonValue::pointer() const {
  std::vector<const JsonNode*> path;
  for (std::uint32_t i = index_; i != 0; i = document_->nodes_[i].parent) {
    path.push_back(&document_->nodes_[i]);
  }
  std::string pointer;
  for (auto node = path.rbegin(); node != path.rend(); ++node) {
    pointer += '/';
    if (document_->nodes_[(*node)->parent].kind == JsonKind::array) {
      pointer += std::to_string((*node)->index);
      continue;
    }
    for (char c : (*node)->key) {  // RFC 6901, 3
      if (c == '~' || c == '/') pointer += '~';
      pointer += c == '~' ? '0' : c == '/' ? '1' : c;
    }
  }
  return pointer;
}

Mistake JsonValue::mistake() const {
  Mistake mistake = document_->source_.mistake_at(node().offset);
  mistake.pointer = pointer();
  return mistake;
}

Mistake JsonValue::mistake_at_key() const {
  if (!is_member()) return mistake();
  Mistake mistake = document_->source_.mistake_at(node().key_offset);
  mistake.pointer = pointer();
  return mistake;
}

std::string JsonValue::label() const {
  if (index_ == 0) return "the file's content";
  if (is_member()) return in_quotes(key());
  return "an element of " + JsonValue(*document_, node().parent).label();
}

std::string JsonValue::place() const {
  const auto position = document_->source_.position_of(node().offset);
  return document_->source_.name() + ":" + std::to_string(position.line) + ":" +
         std::to_string(position.column);
}

JsonValue::Iterator JsonValue::begin() const {
  return {document_, node().first_child};
}
JsonValue::Iterator JsonValue::end() const {
  return {document_, JsonNode::none};
}

std::optional<JsonValue> JsonValue::find(std::string_view key) const {
  for (JsonValue child : *this) {
    if (child.key() == key) return child;
  }
  return std::nullopt;
}

std::string json_string(std::string_view text) {
  return Json(std::string(text)).dump(-1, ' ', true, Json::error_handler_t::replace);
}

}  // namespace perchild
