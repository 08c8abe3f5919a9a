// ClientHellos made part by part, so that each part can be wrong.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace perchild::tls {

inline std::string number(std::size_t value, unsigned bytes) {
  std::string text;
  for (unsigned i = bytes; i-- > 0;) text += static_cast<char>(value >> (8 * i) & 0xff);
  return text;
}
// `content` behind its length.
inline std::string vector(std::string_view content, unsigned length_bytes) {
  return number(content.size(), length_bytes).append(content);
}
inline std::string extension(std::uint16_t type, std::string_view data) {
  return number(type, 2) + vector(data, 2);
}
inline std::string server_name(std::string_view name) {
  return extension(0, vector(number(0, 1) + vector(name, 2), 2));
}

struct HelloBuilder {
  std::string version = number(0x0303, 2);
  std::string random = std::string(32, 'r');
  std::string session_id = vector(std::string(32, 's'), 1);
  std::string ciphers =
      vector(number(0x0a0a1301, 4) + number(0xc02b, 2), 2);  // the first is GREASE
  std::string compressions = vector(std::string(1, '\0'), 1);
  std::vector<std::string> extensions;
  std::string behind;  // the last extension

  std::string message() const {
    std::string all;
    for (const std::string& each : extensions) all += each;
    return number(1, 1) + vector(version + random + session_id + ciphers + compressions +
                                     (extensions.empty() ? "" : vector(all, 2)) + behind,
                                 3);
  }
};

// The message cut into records of `size` bytes.
inline std::string records(std::string_view message, std::size_t size = 16'384) {
  std::string all;
  for (std::size_t at = 0; at < message.size(); at += size) {
    all += std::string("\x16\x03\x01", 3) + vector(message.substr(at, size), 2);
  }
  return all;
}

}  // namespace perchild::tls
