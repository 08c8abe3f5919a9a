#include "vhosts/files/multipart.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace perchild::files::multipart_test {
namespace {

TEST(Multipart, PartsAreDelimitedAndPlacedAndCounted) {
  const std::string file = "0123456789";
  const std::array ranges{http1::ByteRange{0, 1}, http1::ByteRange{5, 9}};
  const Multipart body = multipart_of(ranges, file.size(), "text/css", "xyz");
  std::string bytes;
  for (const BodyPart& part : body.parts)
    bytes += part.text + file.substr(part.offset, part.length);
  EXPECT_EQ(bytes,
            "\r\n--xyz\r\n"
            "Content-Type: text/css\r\n"
            "Content-Range: bytes 0-1/10\r\n"
            "\r\n"
            "01"
            "\r\n--xyz\r\n"
            "Content-Type: text/css\r\n"
            "Content-Range: bytes 5-9/10\r\n"
            "\r\n"
            "56789"
            "\r\n--xyz--\r\n");
  EXPECT_EQ(body.length, bytes.size());
}

}  // namespace
}  // namespace perchild::files::multipart_test
