// The fields of a head, cut up once, for who looks at them again and again.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "vhosts/http1/request_head.h"

namespace perchild::http1 {

class FieldList {
 public:
  // As for_each_field. Views point into `bytes`.
  explicit FieldList(std::string_view bytes) {
    for_each_field(bytes, [this](const Field& field) { fields_[count_++] = field; });
  }

  const Field* begin() const { return fields_.data(); }
  const Field* end() const { return begin() + count_; }

  // The value of the first field of this name; empty if there is none.
  std::string_view value_of(std::string_view name) const {
    for (const Field& field : *this) {
      if (equals_ignoring_case(field.name, name)) return field.value;
    }
    return {};
  }

 private:
  std::array<Field, max_fields> fields_;
  std::size_t count_ = 0;
};

}  // namespace perchild::http1
