#include "policy/configuration_source.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace perchild {
namespace {

constexpr std::size_t block_bytes = 1024;
constexpr std::size_t excerpt_before = 60;  // bytes of the line shown left of the mistake
constexpr std::size_t excerpt_bytes = 100;
constexpr ::mode_t others_may_write = S_IWGRP | S_IWOTH;

constexpr bool continues_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return !continues_character(c); }));
}

// A line with its columns, but with nothing that a terminal would obey.
std::string shown(std::string_view line) {
  std::string result;
  while (!line.empty()) {
    const std::size_t control = control_length(line);
    if (control == 0) {
      result += line.front();
    } else {
      result += line.front() == '\t' ? ' ' : '?';
    }
    line.remove_prefix(std::max<std::size_t>(control, 1));
  }
  return result;
}

std::string octal(::mode_t mode) {
  std::string digits = "0000";
  for (std::size_t i = 4; i-- > 0; mode >>= 3U) digits[i] = static_cast<char>('0' + (mode & 7U));
  return digits;
}

std::optional<std::string> objection_to_owner(const struct ::stat& status, Uid reader) {
  if (status.st_uid == 0 || status.st_uid == reader.value) return std::nullopt;
  const std::string you =
      reader.value == 0 ? "" : " nor by you (" + std::to_string(reader.value) + ")";
  return "is owned by uid " + std::to_string(status.st_uid) + ", not by root" + you;
}

std::optional<std::string> objection_to_mode(const struct ::stat& status) {
  if ((status.st_mode & others_may_write) == 0) return std::nullopt;
  return "may be written by others than its owner (mode " + octal(status.st_mode & 07777U) + ")";
}

}  // namespace

SourceFile::SourceFile(std::string name, std::string text)
    : name_(std::move(name)), text_(std::move(text)) {
  const bool has_mark = text_.starts_with(byte_order_mark);
  line_starts_.push_back(has_mark ? static_cast<std::uint32_t>(byte_order_mark.size()) : 0);
  std::uint32_t characters = 0;
  for (std::size_t i = 0; i < text_.size(); ++i) {
    if (i % block_bytes == 0) characters_.push_back(characters);
    if (!continues_character(text_[i])) ++characters;
    if (text_[i] == '\n') line_starts_.push_back(static_cast<std::uint32_t>(i + 1));
  }
  if (text_.size() % block_bytes == 0) characters_.push_back(characters);
}

std::size_t SourceFile::clamp(std::size_t offset) const {
  return std::clamp<std::size_t>(offset, line_starts_.front(), text_.size());
}

std::size_t SourceFile::characters_before(std::size_t offset) const {
  const std::size_t block = offset / block_bytes;
  const std::size_t start = block * block_bytes;
  return characters_[block] + count_characters(text().substr(start, offset - start));
}

std::size_t SourceFile::line_of(std::size_t offset) const {
  const auto after = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
  return static_cast<std::size_t>(after - line_starts_.begin()) - 1;
}

SourceFile::Position SourceFile::position_of(std::size_t offset) const {
  offset = clamp(offset);
  const std::size_t line = line_of(offset);
  const std::size_t column = characters_before(offset) - characters_before(line_starts_[line]);
  return {static_cast<std::uint32_t>(line + 1), static_cast<std::uint32_t>(column + 1)};
}

Excerpt SourceFile::excerpt_at(std::size_t offset) const {
  std::size_t begin = line_starts_[line_of(offset)];
  const bool cut_before = offset - begin > excerpt_before;
  if (cut_before) begin = offset - excerpt_before;
  while (begin < offset && continues_character(text_[begin])) ++begin;
  // No more of the line than is shown is looked at: all of a file can be one line.
  const std::string_view rest = text().substr(begin, excerpt_bytes + 1);
  std::string_view line = rest.substr(0, rest.find_first_of("\r\n"));
  const bool cut_after = line.size() > excerpt_bytes;
  if (cut_after) {
    std::size_t length = excerpt_bytes;
    while (length > 0 && continues_character(line[length])) --length;
    line = line.substr(0, length);
  }

  Excerpt excerpt;
  if (cut_before) excerpt.line = "...";
  excerpt.line += shown(line);
  if (cut_after) excerpt.line += "...";
  excerpt.caret = (cut_before ? 3 : 0) + count_characters(text().substr(begin, offset - begin));
  return excerpt;
}

Mistake SourceFile::mistake_at(std::size_t offset) const {
  offset = clamp(offset);
  const Position position = position_of(offset);
  Mistake mistake;
  mistake.file = name_;
  mistake.line = position.line;
  mistake.column = position.column;
  mistake.excerpt = excerpt_at(offset);
  return mistake;
}

ReadText read_source(int fd) {
  ReadText read;
  std::size_t length = 0;
  while (true) {
    // One byte of room past the limit: a file that needs it is too long.
    read.text.resize(std::min(max_source_bytes + 1, std::max<std::size_t>(16 * 1024, length * 2)));
    const ::ssize_t got = ::read(fd, read.text.data() + length, read.text.size() - length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return {{}, std::strerror(errno)};
    if (got == 0) break;
    length += static_cast<std::size_t>(got);
    if (length > max_source_bytes) return {{}, "it is longer than 64 MiB"};
  }
  read.text.resize(length);
  return read;
}

std::optional<std::string> objection_to_file(const struct ::stat& file, Uid reader) {
  if (auto objection = objection_to_owner(file, reader)) return objection;
  return objection_to_mode(file);
}

std::optional<std::string> objection_to_folder(const struct ::stat& folder, Uid reader) {
  return objection_to_file(folder, reader);
}

std::optional<std::string> objection_to_ancestor(const struct ::stat& folder, Uid reader) {
  if (auto objection = objection_to_owner(folder, reader)) return objection;
  if ((folder.st_mode & S_ISVTX) != 0) return std::nullopt;
  return objection_to_mode(folder);
}

}  // namespace perchild
