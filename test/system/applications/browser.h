// A client that keeps cookies and follows what applications ask of it: curl, in an easy form.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "test/support/temporary_directory.h"

namespace perchild::test {

struct Page {
  int status = 0;        // 0: none came
  std::string location;  // absolute
  std::string type;
  std::string body;
};

class Browser {
 public:
  Browser(std::string host, std::uint16_t port);

  // `arguments`: more of curl's.
  Page get(const std::string& target, const std::vector<std::string>& arguments = {}) const;
  // As a form. A field is "name=value", in which only the value is encoded.
  Page post(const std::string& target, const std::vector<std::string>& fields,
            const std::vector<std::string>& arguments = {}) const;

  // "http://a.example:8080"
  const std::string& origin() const { return origin_; }

 private:
  TemporaryDirectory directory_;
  std::string authority_;
  std::string origin_;
};

// What stands in `text` between `before` and the next `after`; "" if it does not.
std::string between(const std::string& text, const std::string& before, const std::string& after);

// Without the '\' that JSON may have before '/'.
std::string unescaped(std::string text);

}  // namespace perchild::test
