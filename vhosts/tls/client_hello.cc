#include "vhosts/tls/client_hello.h"

#include <algorithm>
#include <array>

namespace perchild::tls {
namespace {

constexpr std::size_t record_header = 5;
constexpr std::size_t message_header = 4;
constexpr std::size_t max_fragment = 16'384;  // RFC 8446, 5.1
constexpr std::uint8_t handshake_record = 22;
constexpr std::uint8_t client_hello_message = 1;
constexpr std::size_t random_size = 32;
constexpr std::size_t max_session_id = 32;
constexpr std::size_t tls_1_2 = 0x0303;
constexpr std::size_t server_name_extension = 0;
constexpr std::size_t host_name_type = 0;
constexpr std::size_t max_extensions = 64;  // browsers send about 20

std::size_t byte_at(std::string_view bytes, std::size_t index) {
  return static_cast<unsigned char>(bytes[index]);
}

// HTTP begins with a method's letter, or with an empty line before it.
bool may_be_http(std::size_t first) {
  return (first >= 'A' && first <= 'Z') || (first >= 'a' && first <= 'z') || first == '\r' ||
         first == '\n';
}

// Walks over the message, past the headers of the records that it is cut into.
class Walk {
 public:
  // `bytes` begin with a record and hold as many whole ones as will be walked over.
  explicit Walk(std::string_view bytes) : bytes_(bytes) {}
  // Over bytes that are in no record any more.
  static Walk over_plain(std::string_view bytes) {
    Walk walk(bytes);
    walk.left_ = bytes.size();
    return walk;
  }

  std::size_t offset() const { return offset_; }
  std::size_t next() {
    enter_record();
    --left_;
    ++offset_;
    return byte_at(bytes_, at_++);
  }
  void skip(std::size_t count) {
    while (count > 0) {
      enter_record();
      const std::size_t here = std::min(count, left_);
      at_ += here;
      left_ -= here;
      offset_ += here;
      count -= here;
    }
  }

 private:
  void enter_record() {
    if (left_ > 0) return;  // no record is empty
    left_ = byte_at(bytes_, at_ + 3) << 8 | byte_at(bytes_, at_ + 4);
    at_ += record_header;
  }

  std::string_view bytes_;
  std::size_t at_ = 0;
  std::size_t left_ = 0;    // of the record
  std::size_t offset_ = 0;  // in the message
};

// A part of the message. After a failure it is empty, and whatever is taken from it is 0.
class Part {
 public:
  Part(Walk& walk, std::size_t size) : walk_(walk), end_(walk.offset() + size) {}

  bool failed() const { return failed_; }
  std::size_t left() const { return end_ - walk_.offset(); }
  std::size_t number(unsigned bytes) {
    if (left() < bytes) return fail();
    std::size_t value = 0;
    for (; bytes > 0; --bytes) value = value << 8 | walk_.next();
    return value;
  }
  void skip(std::size_t count) {
    if (left() < count) {
      fail();
    } else {
      walk_.skip(count);
    }
  }
  // What follows a length of `length_bytes`.
  Part vector(unsigned length_bytes, std::size_t least) {
    std::size_t size = number(length_bytes);
    if (size < least || size > left()) size = fail();
    return Part(walk_, size);
  }

 private:
  std::size_t fail() {
    failed_ = true;
    walk_.skip(left());
    return 0;
  }

  Walk& walk_;
  std::size_t end_;
  bool failed_ = false;
};

struct Problem {
  Alert alert{};
  const char* reason = nullptr;  // nullptr: none
};

constexpr Problem malformed{Alert::decode_error, "a malformed ClientHello"};

// RFC 6066, 3: at most one name of a kind; the only kind that there is is a host's.
Problem read_server_name(Part extension, std::optional<HostName>& name) {
  Part list = extension.vector(2, 1);
  while (list.left() > 0) {
    const std::size_t type = list.number(1);
    Part text = list.vector(2, 1);
    if (list.failed()) return malformed;
    if (type != host_name_type) {
      text.skip(text.left());
      continue;
    }
    if (name) return {Alert::illegal_parameter, "two server names"};
    std::array<char, HostName::max_length + 1> buffer;  // a trailing dot is dropped
    const std::size_t length = text.left();
    if (length > buffer.size()) return {Alert::unrecognized_name, "a server name that is too long"};
    for (std::size_t i = 0; i < length; ++i) buffer[i] = static_cast<char>(text.number(1));
    name = HostName::parse({buffer.data(), length});
    if (!name) return {Alert::unrecognized_name, "a server name that is no host's"};
  }
  return extension.failed() || list.failed() || extension.left() > 0 ? malformed : Problem{};
}

Problem read_extensions(Part extensions, ClientHello& hello) {
  std::array<std::uint16_t, max_extensions> seen;
  std::size_t count = 0;
  while (extensions.left() > 0) {
    const auto type = static_cast<std::uint16_t>(extensions.number(2));
    Part data = extensions.vector(2, 0);
    if (extensions.failed()) return malformed;
    // RFC 8446, 4.2.
    if (std::find(seen.begin(), seen.begin() + count, type) != seen.begin() + count) {
      return {Alert::illegal_parameter, "an extension that comes twice"};
    }
    if (count == seen.size()) return {Alert::decode_error, "too many extensions"};
    seen[count++] = type;
    if (type == server_name_extension) {
      if (const Problem problem = read_server_name(data, hello.server_name); problem.reason) {
        return problem;
      }
    } else {
      data.skip(data.left());
    }
  }
  return extensions.failed() ? malformed : Problem{};
}

Problem read_body(Part body, ClientHello& hello) {
  // Whoever speaks TLS 1.2 or 1.3 says 1.2 here (RFC 8446, 4.1.2), older ones say what they are.
  if (body.number(2) < tls_1_2 && !body.failed()) {
    return {Alert::protocol_version, "a version older than TLS 1.2"};
  }
  body.skip(random_size);
  Part session_id = body.vector(1, 0);
  if (session_id.left() > max_session_id) return malformed;
  session_id.skip(session_id.left());
  Part ciphers = body.vector(2, 2);
  if (ciphers.left() % 2 != 0) return malformed;
  ciphers.skip(ciphers.left());
  Part compressions = body.vector(1, 1);
  compressions.skip(compressions.left());
  if (body.failed()) return malformed;
  if (body.left() == 0) return {};  // RFC 5246, 7.4.1.2: TLS 1.2 can do without extensions
  const Part extensions = body.vector(2, 0);
  if (body.failed()) return malformed;
  const Problem problem = read_extensions(extensions, hello);
  return problem.reason == nullptr && body.left() > 0 ? malformed : problem;
}

}  // namespace

ClientHelloParser::State ClientHelloParser::reject(Alert alert, const char* reason) {
  alert_ = alert;
  reason_ = reason;
  return State::rejected;
}

ClientHelloParser::State ClientHelloParser::wait_for(std::size_t bytes) {
  needed_ = static_cast<std::uint32_t>(bytes);
  return State::incomplete;
}

ClientHelloParser::State ClientHelloParser::parse(std::string_view bytes, ClientHello& hello) {
  State state = State::incomplete;
  std::uint32_t before = 0;
  do {
    before = record_at_;
    state = next_record(bytes, hello);
  } while (state == State::incomplete && record_at_ != before);
  return state;
}

// Takes one more record, if it is there.
ClientHelloParser::State ClientHelloParser::next_record(std::string_view bytes,
                                                        ClientHello& hello) {
  const std::string_view record = bytes.substr(std::min<std::size_t>(record_at_, bytes.size()));
  if (const State state = read_header(record); state != State::complete) return state;
  const std::size_t length = byte_at(record, 3) << 8 | byte_at(record, 4);
  const std::size_t end = record_at_ + record_header + length;
  if (end > max_hello_bytes) return reject(Alert::decode_error, "a ClientHello that is too long");
  if (bytes.size() < end) return wait_for(end);
  record_at_ = static_cast<std::uint32_t>(end);
  collected_ += static_cast<std::uint32_t>(length);
  if (collected_ < message_header) return wait_for(end + record_header);
  return read_message(bytes, hello);
}

// `complete` for a header that can be the next one.
ClientHelloParser::State ClientHelloParser::read_header(std::string_view header) {
  if (!header.empty() && byte_at(header, 0) != handshake_record) {
    if (record_at_ == 0 && may_be_http(byte_at(header, 0))) return State::plain_text;
    return reject(Alert::unexpected_message, "no ClientHello");
  }
  if (header.size() > 1 && byte_at(header, 1) != 3) {
    return reject(Alert::protocol_version, "no version of TLS");
  }
  if (header.size() < record_header) return wait_for(record_at_ + record_header);
  const std::size_t length = byte_at(header, 3) << 8 | byte_at(header, 4);
  if (length == 0) return reject(Alert::decode_error, "an empty record");
  if (length > max_fragment) return reject(Alert::record_overflow, "a record that is too long");
  return State::complete;
}

ClientHelloParser::State ClientHelloParser::read_message(std::string_view bytes,
                                                         ClientHello& hello) {
  Walk walk(bytes);
  if (walk.next() != client_hello_message) {
    return reject(Alert::unexpected_message, "no ClientHello");
  }
  const std::size_t length = Part(walk, 3).number(3);
  if (length > max_client_hello) {
    return reject(Alert::decode_error, "a ClientHello that is too long");
  }
  if (collected_ < message_header + length) return wait_for(record_at_ + record_header);
  // RFC 8446, 5.1: keys change behind it, so nothing may share its record.
  if (collected_ > message_header + length) {
    return reject(Alert::unexpected_message, "more than a ClientHello");
  }
  hello = ClientHello{};
  const Problem problem = read_body(Part(walk, length), hello);
  return problem.reason != nullptr ? reject(problem.alert, problem.reason) : State::complete;
}

std::optional<HostName> server_name_of(std::string_view extension) {
  Walk walk = Walk::over_plain(extension);
  std::optional<HostName> name;
  const Problem problem = read_server_name(Part(walk, extension.size()), name);
  return problem.reason == nullptr ? name : std::nullopt;
}

}  // namespace perchild::tls
