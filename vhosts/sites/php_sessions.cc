#include "vhosts/sites/php_sessions.h"

#include <algorithm>

#include "policy/packed.h"

namespace perchild {
namespace {

constexpr std::string_view session_prefix = "sess_";
constexpr std::size_t longest_name = 255;

// php.net, session_create_id(): a-z, A-Z, 0-9, ',' and '-'.
bool is_of_id(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ',' ||
         c == '-';
}

constexpr std::size_t head_size = sizeof(std::uint32_t);

}  // namespace

bool names_session(std::string_view file) {
  if (!file.starts_with(session_prefix) || file.size() > longest_name) return false;
  file.remove_prefix(session_prefix.size());
  return !file.empty() && std::all_of(file.begin(), file.end(), is_of_id);
}

std::string PhpSessions::pack(std::size_t most) const {
  PackedWriter sessions;
  for (const PhpSession& session : all) {
    const std::size_t size = 2 * sizeof(std::uint32_t) + sizeof session.used_at +
                             session.name.size() + session.data.size();
    if (head_size + sessions.size() + size > most) break;
    sessions.put_text(session.name);
    sessions.put(session.used_at);
    sessions.put_text(session.data);
  }
  PackedWriter writer;
  writer.put_text(sessions.take());
  return writer.take();
}

std::optional<PhpSessions> PhpSessions::unpack(std::string_view bytes) {
  PackedReader whole(bytes);
  PackedReader reader(whole.get_text());
  if (whole.failed()) return std::nullopt;
  PhpSessions sessions;
  while (!reader.failed() && !reader.done()) {
    PhpSession session;
    session.name = reader.get_text();
    session.used_at = reader.get<std::int64_t>();
    session.data = reader.get_text();
    if (!names_session(session.name) || session.data.empty()) return std::nullopt;
    sessions.all.push_back(std::move(session));
  }
  return reader.done() ? std::optional(std::move(sessions)) : std::nullopt;
}

}  // namespace perchild
