#include "vhosts/mail/mail_message.h"

#include <algorithm>
#include <utility>

#include "vhosts/http1/request_head.h"

namespace perchild::mail {
namespace {

using http1::equals_ignoring_case;

struct HeadField {
  std::string_view name;
  std::string_view value;  // its lines as they are
  std::size_t begin, end;  // in the message
};

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

std::string_view without_end(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::size_t end_of_line(std::string_view message, std::size_t at) {
  const std::size_t end = message.find('\n', at);
  return end == std::string_view::npos ? message.size() : end + 1;
}

// Calls `visit` with each field, until the line that is no part of the head.
template <typename Visit>
void for_each_field(std::string_view message, Visit visit) {
  for (std::size_t begin = 0; begin < message.size();) {
    std::size_t end = end_of_line(message, begin);
    const std::string_view first = without_end(message.substr(begin, end - begin));
    const std::size_t colon = first.find(':');
    if (colon == std::string_view::npos || is_blank(first.front())) return;
    while (end < message.size() && is_blank(message[end])) end = end_of_line(message, end);
    std::string_view name = first.substr(0, colon);
    while (!name.empty() && is_blank(name.back())) name.remove_suffix(1);
    const std::size_t value = begin + colon + 1;
    visit(HeadField{name, message.substr(value, end - value), begin, end});
    begin = end;
  }
}

// RFC 5322, 3.4. What it makes of a list that is none is for the address check to refuse.
class AddressList {
 public:
  explicit AddressList(std::vector<std::string>& addresses) : addresses_(addresses) {}

  void add(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      if (c == '\\' && (quoted_ || comments_ != 0)) {
        ++i;
      } else if (quoted_) {
        quoted_ = c != '"';
      } else if (c == '(') {
        ++comments_;
      } else if (comments_ != 0) {
        comments_ -= c == ')' ? 1 : 0;
      } else {
        take(c);
      }
    }
    end_address();
  }

 private:
  void take(char c) {
    switch (c) {
      case '"':
        quoted_ = true;
        break;
      case '<':
        plain_.clear();  // it was a name
        break;
      case '>':
        has_angle_ = true;
        break;
      case ':':  // of a group's name
        plain_.clear();
        break;
      case ',':
      case ';':
        end_address();
        break;
      default:
        if (!is_blank(c) && c != '\r' && c != '\n' && !has_angle_) plain_ += c;
    }
  }
  void end_address() {
    if (!plain_.empty()) addresses_.push_back(std::exchange(plain_, {}));
    has_angle_ = quoted_ = false;
    comments_ = 0;
  }

  std::vector<std::string>& addresses_;
  std::string plain_;
  bool quoted_ = false;
  bool has_angle_ = false;
  unsigned comments_ = 0;
};

}  // namespace

void make_line_ends_plain(std::string& message) {
  std::size_t to = 0;
  for (std::size_t at = 0; at < message.size();) {
    const std::size_t end = std::min(message.find_first_not_of('\r', at), message.size());
    if (end == at) {
      message[to++] = message[at++];
    } else {
      // What has been through a translation of line ends twice has more than one.
      const bool ends_line = end == message.size() || message[end] == '\n';
      if (!ends_line) message[to++] = ' ';
      at = end;
    }
  }
  message.resize(to);
}

void break_long_lines(std::string& message) {
  constexpr std::size_t longest = 998;
  std::string broken;
  for (std::size_t begin = 0; begin < message.size();) {
    const std::size_t end = end_of_line(message, begin);
    std::string_view line = std::string_view(message).substr(begin, end - begin);
    std::size_t room = longest;
    for (; without_end(line).size() > room; room = longest - 1) {
      broken.append(line.substr(0, room)).append("\n ");
      line.remove_prefix(room);
    }
    broken.append(line);
    begin = end;
  }
  message = std::move(broken);
}

void add_missing_from(std::string& message, std::string_view name, std::string_view address) {
  bool has_from = false, has_head = false;
  for_each_field(message, [&](const HeadField& field) {
    has_head = true;
    has_from = has_from || equals_ignoring_case(field.name, "from");
  });
  if (has_from) return;
  std::string from = "From: ";
  if (!name.empty()) {
    from += '"';
    for (const char c : name) {
      if (c == '"' || c == '\\') from += '\\';
      from += static_cast<unsigned char>(c) < ' ' || c == '\x7f' ? ' ' : c;
    }
    from += "\" ";
  }
  from.append("<").append(address).append(">\n");
  if (!has_head && !message.starts_with('\n')) from += '\n';
  message.insert(0, from);
}

void drop_bcc(std::string& message) {
  std::string kept;
  std::size_t from = 0;
  for_each_field(message, [&](const HeadField& field) {
    if (!equals_ignoring_case(field.name, "bcc")) return;
    kept.append(message, from, field.begin - from);
    from = field.end;
  });
  if (from == 0) return;
  kept.append(message, from);
  message = std::move(kept);
}

std::vector<std::string> recipients_of(std::string_view message) {
  std::vector<std::string> all;
  for_each_field(message, [&](const HeadField& field) {
    for (const char* name : {"to", "cc", "bcc"}) {
      if (equals_ignoring_case(field.name, name)) AddressList(all).add(field.value);
    }
  });
  return all;
}

void end_at_dot(std::string& message) {
  for (std::size_t begin = 0; begin < message.size();) {
    const std::size_t end = end_of_line(message, begin);
    if (without_end(std::string_view(message).substr(begin, end - begin)) == ".") {
      message.resize(begin);
      return;
    }
    begin = end;
  }
}

}  // namespace perchild::mail
