// What kind of PHP a file is, which nobody runs to find that out.
//
// Runs in: command, as the caller.
// Trusts: no one.
// Does not trust: the file, which can be anything, of any length.
#pragma once

#include <string>

namespace perchild {

// Whether it is a PHP that answers no request of whoever has started it: the command line's, or
// php-fpm, which has a configuration and sockets of its own. A script, and whatever else may start
// php-cgi in the end, is none.
bool is_php_without_fastcgi(const std::string& path);

}  // namespace perchild
