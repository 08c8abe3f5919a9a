#include "vhosts/gateway/forwarded_head.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "vhosts/gateway/connection_options.h"
#include "vhosts/gateway/passed_field.h"
#include "vhosts/http1/characters.h"

namespace perchild::gateway {
namespace {

using http1::equals_ignoring_case;

void add_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

// The value of the first field of this name; empty if there is none.
std::string_view value_of(std::string_view bytes, std::string_view name) {
  std::string_view rest = http1::after_request_line(bytes);
  while (const auto field = http1::next_field(rest)) {
    if (equals_ignoring_case(field->name, name)) return field->value;
  }
  return {};
}

// What a request's Connection fields name.
class ConnectionOptions {
 public:
  explicit ConnectionOptions(std::string_view bytes) {
    std::string_view rest = http1::after_request_line(bytes);
    while (const auto field = http1::next_field(rest)) {
      if (!equals_ignoring_case(field->name, "connection")) continue;
      for_each_element(field->value, [this](std::string_view option) { add(option); });
    }
  }
  bool are_too_many() const { return count_ > options_.size(); }
  bool name(std::string_view name) const {
    const auto end = options_.begin() + static_cast<std::ptrdiff_t>(count_);
    return std::any_of(options_.begin(), end,
                       [&](std::string_view option) { return equals_ignoring_case(option, name); });
  }

 private:
  void add(std::string_view option) {
    if (are_too_many()) return;
    if (count_ < options_.size()) options_[count_] = option;
    ++count_;
  }
  std::array<std::string_view, max_connection_options> options_;
  std::size_t count_ = 0;
};

// What this proxy says itself, and what a client might say in its stead.
bool is_said_by_proxy(std::string_view name) {
  constexpr std::string_view forwarded = "x-forwarded-";
  if (equals_ignoring_case(name.substr(0, forwarded.size()), forwarded)) return true;
  for (const std::string_view own : {"host", "content-length", "forwarded", "x-real-ip"}) {
    if (equals_ignoring_case(name, own)) return true;
  }
  return false;
}

void add_clients_fields(const ForwardedRequest& request, const ConnectionOptions& options,
                        std::string& out) {
  std::string_view rest = http1::after_request_line(request.bytes);
  while (const auto field = http1::next_field(rest)) {
    if (!is_passed_to_programs(field->name) || is_said_by_proxy(field->name)) continue;
    if (options.name(field->name)) continue;
    add_field(out, field->name, field->value);
  }
}

void add_forwarded_for(const ForwardedRequest& request, std::string& out) {
  out.append("X-Forwarded-For: ");
  std::string_view rest = http1::after_request_line(request.bytes);
  while (request.from_proxy) {
    const auto field = http1::next_field(rest);
    if (!field) break;
    if (!equals_ignoring_case(field->name, "x-forwarded-for") || field->value.empty()) continue;
    out.append(field->value).append(", ");
  }
  out.append(request.client).append("\r\n");
}

void add_framing(const ForwardedRequest& request, std::string& out) {
  if (request.body == http1::BodyFraming::chunked) add_field(out, "Transfer-Encoding", "chunked");
  if (request.body != http1::BodyFraming::content_length) return;
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, request.content_length).ptr;
  add_field(out, "Content-Length", {digits, static_cast<std::size_t>(end - digits)});
}

void add_connection(const ForwardedRequest& request, std::string& out) {
  if (!request.upgrade.empty()) {
    add_field(out, "Connection", "Upgrade");
    return add_field(out, "Upgrade", request.upgrade);
  }
  if (!request.keep_alive) add_field(out, "Connection", "close");
}

}  // namespace

bool write_forwarded_head(const ForwardedRequest& request, std::string& out) {
  const ConnectionOptions options(request.bytes);
  if (options.are_too_many()) return false;
  out.append(request.head.method_text).append(" ").append(request.target).append(" HTTP/1.1\r\n");
  const std::string_view host = value_of(request.bytes, "host");
  add_field(out, "Host", host.empty() ? request.own_host : host);
  add_clients_fields(request, options, out);
  add_forwarded_for(request, out);
  add_field(out, "X-Forwarded-Proto", request.https ? "https" : "http");
  add_field(out, "X-Forwarded-Host", host.empty() ? request.own_host : host);
  add_framing(request, out);
  add_connection(request, out);
  out.append("\r\n");
  return true;
}

std::string_view wanted_upgrade(const http1::RequestHead& head, std::string_view bytes) {
  if (head.version == http1::Version::http_1_0 || head.body != http1::BodyFraming::none) return {};
  if (!is_connection_option(http1::after_request_line(bytes), "upgrade", http1::next_field)) {
    return {};
  }
  const std::string_view upgrade = value_of(bytes, "upgrade");
  const bool is_token = http1::skip_chars(upgrade, 0, http1::token_char) == upgrade.size();
  if (!is_token || equals_ignoring_case(upgrade.substr(0, 2), "h2")) return {};
  return upgrade;
}

}  // namespace perchild::gateway
