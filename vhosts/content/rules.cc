#include "vhosts/content/rules.h"

namespace perchild::content {

Rules::Rules(std::span<const Layer> layers) {
  ContentSettings all;
  for (const Layer& layer : layers) overlay(all, *layer.settings);
  if (all.index) index_ = std::move(*all.index);
}

}  // namespace perchild::content
