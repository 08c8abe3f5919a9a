// How often this process has allocated, for tests of paths that must not.
#pragma once

#include <cstddef>

namespace perchild::test {

std::size_t allocation_count();

}  // namespace perchild::test
