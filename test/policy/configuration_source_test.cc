#include "policy/configuration_source.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>

namespace perchild::test::configuration_source_test {
namespace {

void expect_position(const SourceFile& source, std::size_t offset, std::uint32_t line,
                     std::uint32_t column) {
  const auto position = source.position_of(offset);
  EXPECT_EQ(position.line, line) << offset;
  EXPECT_EQ(position.column, column) << offset;
}

TEST(SourceFile, ColumnsAreCharacters) {
  const SourceFile source("f", "a\xC3\xA9z\n\xE2\x82\xACx");
  expect_position(source, 0, 1, 1);
  expect_position(source, 3, 1, 3);
  expect_position(source, 5, 2, 1);
  expect_position(source, 8, 2, 2);
  expect_position(source, 9, 2, 3);
  expect_position(source, 100, 2, 3);
}

TEST(SourceFile, AnEmptyFileHasAPosition) {
  const SourceFile source("f", "");
  expect_position(source, 0, 1, 1);
  EXPECT_EQ(source.mistake_at(0).excerpt.line, "");
}

TEST(SourceFile, PositionsAgreeWithCountingInLongLines) {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += i % 700 == 699 ? "\n" : i % 3 == 0 ? "\xC3\xA9" : "x";
  const SourceFile source("f", text);
  std::uint32_t line = 1;
  std::uint32_t column = 1;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0U) == 0x80U) continue;
    expect_position(source, i, line, column);
    ++column;
    if (text[i] == '\n') {
      ++line;
      column = 1;
    }
  }
  expect_position(source, text.size(), line, column);
}

TEST(SourceFile, AnExcerptOfALongLineIsShortAndItsCaretIsRight) {
  const SourceFile source("f", std::string(500, 'a') + "!" + std::string(500, 'b'));
  const Excerpt excerpt = source.mistake_at(500).excerpt;
  EXPECT_LT(excerpt.line.size(), 120U);
  EXPECT_EQ(excerpt.line.at(excerpt.caret), '!');
  EXPECT_TRUE(excerpt.line.starts_with("...a"));
  EXPECT_TRUE(excerpt.line.ends_with("b..."));
}

TEST(SourceFile, AnExcerptOfManyByteCharactersHoldsWholeOnes) {
  std::string euros;
  for (int i = 0; i < 300; ++i) euros += "\xE2\x82\xAC";
  const SourceFile source("f", euros);
  const Excerpt excerpt = source.mistake_at(450).excerpt;
  EXPECT_EQ((excerpt.line.size() - 6) % 3, 0U);
  EXPECT_EQ(excerpt.line.substr(3, 3), "\xE2\x82\xAC");
}

TEST(SourceFile, AnExcerptObeysNoTerminal) {
  const SourceFile source("f", "a\x1B[2J\tb\r\n");
  EXPECT_EQ(source.mistake_at(0).excerpt.line, "a?[2J b");
}

struct ::stat status_of(::uid_t owner, ::mode_t mode) {
  struct ::stat status {};
  status.st_uid = owner;
  status.st_mode = mode;
  return status;
}

TEST(Objection, RootsAndTheReadersOwnFilesAreFine) {
  EXPECT_FALSE(objection_to_file(status_of(0, 0644), Uid{0}));
  EXPECT_FALSE(objection_to_file(status_of(0, 0640), Uid{1000}));
  EXPECT_FALSE(objection_to_file(status_of(1000, 0600), Uid{1000}));
  EXPECT_FALSE(objection_to_folder(status_of(0, 0755), Uid{0}));
}

TEST(Objection, AFileOfAnotherIsNot) {
  EXPECT_EQ(objection_to_file(status_of(1000, 0644), Uid{0}), "is owned by uid 1000, not by root");
  EXPECT_EQ(objection_to_file(status_of(1001, 0644), Uid{1000}),
            "is owned by uid 1001, not by root nor by you (1000)");
}

TEST(Objection, AFileThatOthersMayWriteIsNot) {
  EXPECT_EQ(objection_to_file(status_of(0, 0664), Uid{0}),
            "may be written by others than its owner (mode 0664)");
  EXPECT_TRUE(objection_to_file(status_of(0, 0646), Uid{0}));
  EXPECT_TRUE(objection_to_folder(status_of(0, 0775), Uid{0}));
}

TEST(Objection, AStickyFolderIsFineFurtherUpOnly) {
  EXPECT_FALSE(objection_to_ancestor(status_of(0, S_ISVTX | 0777), Uid{0}));
  EXPECT_TRUE(objection_to_ancestor(status_of(0, 0777), Uid{0}));
  EXPECT_TRUE(objection_to_ancestor(status_of(1000, 0755), Uid{0}));
  EXPECT_TRUE(objection_to_folder(status_of(0, S_ISVTX | 0777), Uid{0}));
}

class MemoryFile {
 public:
  explicit MemoryFile(std::size_t size) : fd_(::memfd_create("source", MFD_CLOEXEC)) {
    EXPECT_EQ(::ftruncate(fd_, static_cast<::off_t>(size)), 0);
  }
  ~MemoryFile() { ::close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

TEST(ReadSource, ReadsUpToTheLimitAndNoFurther) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{16 * 1024}, std::size_t{100'001}}) {
    const MemoryFile file(size);
    const ReadText read = read_source(file.fd());
    EXPECT_EQ(read.problem, "");
    EXPECT_EQ(read.text.size(), size);
  }
  const MemoryFile largest(max_source_bytes);
  EXPECT_EQ(read_source(largest.fd()).text.size(), max_source_bytes);
  const MemoryFile larger(max_source_bytes + 1);
  EXPECT_EQ(read_source(larger.fd()).problem, "it is longer than 64 MiB");
}

TEST(ReadSource, SaysWhyItCannotRead) {
  EXPECT_EQ(read_source(-1).problem, "Bad file descriptor");
  const int folder = ::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  EXPECT_EQ(read_source(folder).problem, "Is a directory");
  ::close(folder);
}

}  // namespace
}  // namespace perchild::test::configuration_source_test
