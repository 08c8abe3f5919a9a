// A program's response in a content coding, if its site says so: in which one, and its body.
//
// Runs in: worker.
// Does not trust: the client; the program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/worker/request.h"
#include "policy/compression_settings.h"
#include "vhosts/files/encodable_head.h"
#include "vhosts/files/encoder.h"
#include "vhosts/files/response_head.h"

namespace perchild {

class ProgramEncoding {
 public:
  // Of a body that waits to be encoded, which is done with all of it at once, in some milliseconds.
  static constexpr std::size_t most_gathered = 32 * 1024;

  // Whether the head of a response is worth a look.
  static bool may_be_wanted(const Request& request);
  // `length`: of the body, if that is known by now.
  void choose(const Request& request, int status, const files::EncodableHead& program_head,
              std::optional<std::uint64_t> length);

  // Whether the length is another than the program's; that of a body which HEAD leaves out, too.
  bool changes_length() const { return coding_.has_value(); }
  // Whether there is a body to encode, whose end has not been made.
  bool is_open() const { return encoder_ != nullptr; }
  // Whether it has encoded something since it was asked: then it is the others' turn.
  bool has_worked() { return std::exchange(has_worked_, false); }

  // A field of the program's, as it is with the body as it will be; and those that tell of it.
  void add_field(files::ResponseHead& head, const http1::Field& field) const;
  void add_own_fields(files::ResponseHead& head) const;

  // `body` becomes what is sent of it: all that has been given can be decoded, for a program may
  // mean what it has said so far to be seen. With the last of it the encoder is given back, however
  // long the client takes for the rest. False: the library's fault; nothing is left of it.
  [[nodiscard]] bool encode(std::string& body, bool is_last);

 private:
  bool varies_ = false;
  bool has_worked_ = false;
  std::string_view weak_tags_known_;
  std::optional<ContentCoding> coding_;
  files::EncoderPool::Lease encoder_;
};

}  // namespace perchild
