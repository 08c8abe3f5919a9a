// Values packed into bytes by the command and unpacked, once, by the processes that it is for. Both
// ends are of one build: host order, no version. The reader believes no length: what does not fit
// exactly makes the whole unreadable.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace perchild {

class PackedWriter {
 public:
  template <typename Number>
  requires std::is_arithmetic_v<Number>
  void put(Number number) { bytes_.append(reinterpret_cast<const char*>(&number), sizeof number); }
  void put_text(std::string_view text) {
    put(static_cast<std::uint32_t>(text.size()));
    bytes_.append(text);
  }
  void put_texts(const std::vector<std::string>& texts) {
    put(static_cast<std::uint32_t>(texts.size()));
    for (const std::string& text : texts) put_text(text);
  }
  void put_duration(std::chrono::milliseconds duration) {
    put(static_cast<std::int64_t>(duration.count()));
  }
  std::string take() { return std::move(bytes_); }
  std::size_t size() const { return bytes_.size(); }

 private:
  std::string bytes_;
};

class PackedReader {
 public:
  explicit PackedReader(std::string_view bytes) : rest_(bytes) {}

  // After a failure every value is 0 or empty, and done() stays false.
  template <typename Number>
  requires std::is_arithmetic_v<Number> Number get() {
    Number number{};
    if (rest_.size() < sizeof number) {
      fail();
    } else {
      std::memcpy(&number, rest_.data(), sizeof number);
      rest_.remove_prefix(sizeof number);
    }
    return number;
  }
  std::string_view get_text() {
    const auto length = get<std::uint32_t>();
    if (length > rest_.size()) {
      fail();
      return {};
    }
    const std::string_view text = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return text;
  }
  // A count of elements that follow, at least one byte each.
  std::uint32_t get_count() {
    const auto count = get<std::uint32_t>();
    if (count > rest_.size()) {
      fail();
      return 0;
    }
    return count;
  }
  std::vector<std::string> get_texts() {
    std::vector<std::string> texts;
    for (std::uint32_t left = get_count(); left > 0; --left) texts.emplace_back(get_text());
    return texts;
  }
  std::chrono::milliseconds get_duration() {
    return std::chrono::milliseconds(get<std::int64_t>());
  }
  bool failed() const { return failed_; }
  // Everything has been read, and nothing was wrong.
  bool done() const { return !failed_ && rest_.empty(); }

 private:
  void fail() {
    failed_ = true;
    rest_ = {};
  }
  std::string_view rest_;
  bool failed_ = false;
};

}  // namespace perchild
