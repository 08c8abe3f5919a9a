// What all readers of the configuration's sections share: saying what is wrong, and knowing keys.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/json_tree.h"
#include "policy/mistake.h"

namespace perchild {

// Collects mistakes; past max_mistakes it only counts them.
class Report {
 public:
  explicit Report(std::vector<Mistake>& mistakes) : mistakes_(mistakes) {}

  void error(JsonValue at, std::string sentence, std::string hint = {});
  void error_at_key(JsonValue at, std::string sentence, std::string hint = {});
  void warning(JsonValue at, std::string sentence, std::string hint = {});
  void note(JsonValue at, std::string sentence);
  // About a file as a whole.
  void about_file(Severity severity, std::string file, std::string sentence, std::string hint = {});

  // Whether `value` is of this kind; if not, says so.
  bool expect(JsonValue value, JsonKind kind);
  // Whether `value` is an object; if so, reports each key of it that is not in `known`. `owner` is
  // what has the keys: "a vhost".
  bool expect_keys(JsonValue value, std::string_view owner,
                   std::span<const std::string_view> known);

  void add(Mistake mistake, std::string sentence, std::string hint);
  struct LeftOut {
    std::size_t errors = 0;
    std::size_t others = 0;
  };
  LeftOut left_out() const { return left_out_; }

 private:
  std::vector<Mistake>& mistakes_;
  LeftOut left_out_;
};

// "a, b and c"
std::string listed(std::span<const std::string_view> words, std::string_view last = "and");

}  // namespace perchild
