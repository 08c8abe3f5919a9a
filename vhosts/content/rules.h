// What holds for the requests of one part of a site: its settings, put together from general to
// special and made ready for use.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "policy/content_settings.h"
#include "policy/pattern.h"

namespace perchild::content {

// One of the places whose settings add up.
struct Layer {
  const ContentSettings* settings = nullptr;
  bool of_owner = false;                     // he can narrow what the operator says, never widen it
  std::size_t prefix_length = 0;             // of a prefix: bytes of a path in it that it takes up
  std::shared_ptr<const Pattern> pattern{};  // of a pattern
};

class Rules {
 public:
  // From general to special. Every pattern in them compiles.
  explicit Rules(std::span<const Layer> layers);

  std::span<const std::string> index() const { return index_; }

 private:
  std::vector<std::string> index_;
};

}  // namespace perchild::content
