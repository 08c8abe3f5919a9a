// "Did you mean?"
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace perchild {

// How many characters must be put in, taken out, replaced or swapped with their neighbour.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The one of `words` that `word` was most probably meant to be; empty if none is near.
std::string_view nearest(std::string_view word, std::span<const std::string_view> words);

}  // namespace perchild
