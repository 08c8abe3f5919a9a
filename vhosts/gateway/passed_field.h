// Which of a request's fields a site's programs are told.
#pragma once

#include <string_view>

namespace perchild::gateway {

// Names of letters, digits and '-' only: programs that turn other characters into '_' would take
// "X.Forwarded.For" and "X_Forwarded_For" for X-Forwarded-For. Nothing that is about the
// connection, nor Expect, which is answered by the server, nor Proxy, which becomes the variable
// HTTP_PROXY, by which programs find theirs.
bool is_passed_to_programs(std::string_view name);

}  // namespace perchild::gateway
