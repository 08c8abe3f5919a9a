#include "vhosts/gateway/forwarded_head.h"

#include <charconv>

#include "vhosts/gateway/connection_options.h"
#include "vhosts/gateway/passed_field.h"
#include "vhosts/http1/field_list.h"

namespace perchild::gateway {
namespace {

using http1::equals_ignoring_case;

constexpr std::size_t usual_additions = 256;

void add_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

ConnectionOptions connection_options_of(const http1::FieldList& fields) {
  ConnectionOptions options;
  for (const http1::Field& field : fields) {
    if (equals_ignoring_case(field.name, "connection")) options.add(field.value);
  }
  return options;
}

// What this proxy says itself, and what a client might say in its stead.
bool is_said_by_proxy(std::string_view name) {
  constexpr std::string_view forwarded = "x-forwarded-";
  if (equals_ignoring_case(name.substr(0, forwarded.size()), forwarded)) return true;
  for (const std::string_view own : {"host", "content-length", "forwarded", "x-real-ip"}) {
    if (equals_ignoring_case(name, own)) return true;
  }
  return false;
}

void add_clients_fields(const http1::FieldList& fields, const ConnectionOptions& options,
                        std::string& out) {
  for (const http1::Field& field : fields) {
    if (!is_passed_to_programs(field.name) || is_said_by_proxy(field.name)) continue;
    if (options.have(field.name)) continue;
    add_field(out, field.name, field.value);
  }
}

void add_forwarded_for(const ForwardedRequest& request, const http1::FieldList& fields,
                       std::string& out) {
  out.append("X-Forwarded-For: ");
  if (request.from_proxy) {
    for (const http1::Field& field : fields) {
      if (!equals_ignoring_case(field.name, "x-forwarded-for") || field.value.empty()) continue;
      out.append(field.value).append(", ");
    }
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
  const http1::FieldList fields(request.bytes);
  const ConnectionOptions options = connection_options_of(fields);
  if (options.are_too_many()) return false;
  // More than all that is added here, but for an unusual host: it grows once at most.
  out.reserve(out.size() + request.bytes.size() + request.target.size() + usual_additions);
  out.append(request.head.method_text).append(" ").append(request.target).append(" HTTP/1.1\r\n");
  const std::string_view named_host = fields.value_of("host");
  const std::string_view host = named_host.empty() ? request.own_host : named_host;
  add_field(out, "Host", host);
  add_clients_fields(fields, options, out);
  add_forwarded_for(request, fields, out);
  add_field(out, "X-Forwarded-Proto", request.https ? "https" : "http");
  add_field(out, "X-Forwarded-Host", host);
  add_framing(request, out);
  add_connection(request, out);
  out.append("\r\n");
  return true;
}

std::string_view wanted_upgrade(const http1::RequestHead& head, std::string_view bytes) {
  if (head.version == http1::Version::http_1_0 || head.body != http1::BodyFraming::none) return {};
  if (head.upgrade.empty()) return {};
  if (!connection_options_of(http1::FieldList(bytes)).have("upgrade")) return {};
  const bool is_token =
      http1::skip_chars(head.upgrade, 0, http1::token_char) == head.upgrade.size();
  if (!is_token || equals_ignoring_case(head.upgrade.substr(0, 2), "h2")) return {};
  return head.upgrade;
}

}  // namespace perchild::gateway
