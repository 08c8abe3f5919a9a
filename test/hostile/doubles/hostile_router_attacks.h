// What the hostile router does when a client asks it to.
#pragma once

#include <string_view>

namespace perchild::test {

// `connection` is the client's, unread; `listener` the one that it came from.
void attack_as_router(std::string_view name, int connection, int listener);

}  // namespace perchild::test
