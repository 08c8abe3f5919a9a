// One HTTP/1 request as a parser reads it from the front of some bytes, in a form in which parsers
// can be compared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace perchild::fuzz {

struct MessageField {
  std::string name;
  std::string value;  // without the blanks around it, which belong to nobody
  bool operator==(const MessageField&) const = default;
};

struct Message {
  enum class End : std::uint8_t {
    not_reached,  // more bytes are needed
    rejected,     // the parser wants no more of it
    reached,      // after `length` bytes
  };

  bool has_head = false;  // all that is said from here to `body` is known
  std::string method, target;
  bool is_http_1_0 = false;
  std::vector<MessageField> fields;
  bool chunked = false;
  std::optional<std::uint64_t> content_length;

  std::string body;  // what has come of it
  End end = End::not_reached;
  std::size_t length = 0;
};

Message read_with_perchild(std::string_view bytes);
Message read_with_llhttp(std::string_view bytes);  // as Node.js builds it
Message read_with_beast(std::string_view bytes);

}  // namespace perchild::fuzz
