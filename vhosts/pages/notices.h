// Whole pages about a site as such.
#pragma once

#include <string_view>

namespace perchild::pages {

// Of a site that its operator has taken off line.
std::string_view suspended_page();

// Of a site that has nothing to show yet.
std::string_view welcome_page();

}  // namespace perchild::pages
