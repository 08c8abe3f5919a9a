// The connection's reads and writes where it speaks TLS.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "daemon/worker/connection.h"
#include "daemon/worker/tls.h"

namespace perchild {
namespace {

// What goes into one record (RFC 8446, 5.1).
constexpr std::size_t record_size = 16 * 1024;
// What is read of a file at once.
constexpr std::size_t records_of_file = 4;

}  // namespace

Connection::Received Connection::receive_decrypted(std::span<char> room) {
  bool any = false;
  TlsStep step = TlsStep::done;
  while (!room.empty() && step == TlsStep::done) {
    std::size_t count = 0;
    step = tls_->read(room, count);
    if (step != TlsStep::done) break;
    any = true;
    input_end_ += static_cast<std::uint32_t>(count);
    room = room.subspan(count);
    if (!tls_->has_more()) step = TlsStep::want_read;
  }
  // What is left in OpenSSL's buffers, or has been seen to come, makes no new event.
  may_read_ = step != TlsStep::want_read;
  if (any) return Received::bytes;
  if (step == TlsStep::want_read) return Received::nothing_yet;
  return step == TlsStep::closed ? Received::end : Received::failed;
}

// Unlike send(2), it takes all unless there is no room: OpenSSL holds on to a record that it has
// encrypted, and wants to be given its bytes again until it is sent.
ssize_t Connection::send_encrypted(std::string_view head, std::string_view body, bool more) {
  std::array<char, record_size> record;
  std::size_t total = 0;
  while (total < head.size() + body.size()) {
    std::string_view bytes;
    if (total < head.size()) {
      // A head and the beginning of its body go into one record.
      std::size_t length = head.substr(total).copy(record.data(), record.size());
      length += body.copy(record.data() + length, record.size() - length);
      bytes = {record.data(), length};
    } else {
      bytes = body.substr(total - head.size());
    }
    const bool is_last = total + bytes.size() == head.size() + body.size();
    std::size_t count = 0;
    const TlsStep step = tls_->write(bytes, more || !is_last, count);
    total += count;
    bytes_.out += count;
    if (step == TlsStep::done) continue;
    if (step != TlsStep::want_write) return -1;
    may_write_ = false;
    break;
  }
  return static_cast<ssize_t>(total);
}

ssize_t Connection::send_file_encrypted(BorrowedFd file, off_t& offset, std::size_t count) {
  std::array<char, records_of_file * record_size> records;
  std::size_t total = 0;
  while (total < count) {
    const std::size_t wanted = std::min(records.size(), count - total);
    const ssize_t got = ::pread64(file.get(), records.data(), wanted, offset);
    if (got < 0) return -1;
    if (got == 0) {
      errno = ENODATA;  // the file has become shorter than its response says
      return -1;
    }
    const std::string_view bytes(records.data(), static_cast<std::size_t>(got));
    std::size_t written = 0;
    const TlsStep step = tls_->write(bytes, total + bytes.size() < count, written);
    total += written;
    bytes_.out += written;
    offset += static_cast<off_t>(written);
    if (step == TlsStep::want_write) {
      may_write_ = false;
      break;
    }
    if (step != TlsStep::done) {
      errno = EPIPE;
      return -1;
    }
  }
  return static_cast<ssize_t>(total);
}

}  // namespace perchild
