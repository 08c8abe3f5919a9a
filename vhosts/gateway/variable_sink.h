// Where the variables of a request go to: a FastCGI request's parameters, or the environment of a
// script.
#pragma once

#include <string_view>

namespace perchild::gateway {

class VariableSink {
 public:
  virtual void put(std::string_view name, std::string_view value) = 0;

 protected:
  ~VariableSink() = default;
};

}  // namespace perchild::gateway
