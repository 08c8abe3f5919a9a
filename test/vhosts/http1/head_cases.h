// Request heads and what must become of them: one table for the tests of rejection and of
// splitting.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "vhosts/http1/request_head.h"

namespace perchild::http1 {

struct RejectCase {
  std::string_view name;
  std::string bytes;
  Reject reason;
  int status;
};
const std::vector<RejectCase>& reject_cases();

struct AcceptCase {
  std::string_view name;
  std::string bytes;
};
const std::vector<AcceptCase>& accept_cases();

}  // namespace perchild::http1
