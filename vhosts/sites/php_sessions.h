// Sessions of PHP, from one runner of a site to the next. What a tenant's programs have written is
// in them, so they are read like anything of theirs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace perchild {

struct PhpSession {
  std::string name;          // of its file; see names_session()
  std::int64_t used_at = 0;  // nanoseconds since 1970
  std::string data;          // never empty
  bool operator==(const PhpSession&) const = default;
};

// "sess_" and an id, as PHP makes them.
bool names_session(std::string_view file);

struct PhpSessions {
  std::vector<PhpSession> all;

  // As many of the first as `most` bytes hold.
  std::string pack(std::size_t most) const;
  // Nullopt if `bytes` do not begin with what pack() gives.
  static std::optional<PhpSessions> unpack(std::string_view bytes);
};

}  // namespace perchild
