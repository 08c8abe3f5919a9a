// The bodies of error responses: constants without a byte of the request in them.
#pragma once

#include <string_view>

namespace perchild::files {

struct ErrorPage {
  std::string_view fields;  // whole lines: Content-Type, Content-Length, X-Content-Type-Options
  std::string_view body;    // HTML; left out of the answer to HEAD
};

// The page of `status`; that of 500 for one without a page of its own.
const ErrorPage& error_page(int status);

}  // namespace perchild::files
