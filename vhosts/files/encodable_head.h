// Whether the body behind a program's head may be sent in a content coding.
//
// Does not trust: the program.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace perchild::files {

class EncodableHead {
 public:
  // Each field of the head; the views are kept.
  void take(std::string_view name, std::string_view value);

  // Not what is encoded already, a part of something, or to be left as it is (RFC 9111, 5.2.2.6);
  // nor what has a digest, which would be another (RFC 9530). Events, and what says
  // "X-Accel-Buffering: no", are small, and an encoder would be kept for as long as somebody
  // listens. `types`: as for is_compressible().
  bool is_encodable(std::span<const std::string> types) const;

 private:
  std::string_view content_type_;
  bool stays_ = false;
};

}  // namespace perchild::files
