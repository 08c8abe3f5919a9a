#include "vhosts/gateway/cgi_variables.h"

#include <algorithm>
#include <charconv>

#include "vhosts/gateway/passed_field.h"
#include "vhosts/http1/field_list.h"

namespace perchild::gateway {
namespace {

using http1::Field;

class Writer {
 public:
  Writer(const CgiRequest& request, VariableSink& sink)
      : request_(request), fields_(request.bytes), sink_(sink) {}

  bool write() {
    write_server();
    write_request();
    write_script();
    write_client();
    write_body();
    write_fields();
    return good_;
  }

 private:
  void put(std::string_view name, std::string_view value) {
    if (value.find('\0') != std::string_view::npos) {
      good_ = false;
      return;
    }
    sink_.put(name, value);
  }
  void put_joined(std::string_view name, std::string_view first, std::string_view second) {
    text_.assign(first).append(second);
    put(name, text_);
  }
  void put_number(std::string_view name, std::uint64_t number) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    put(name, {digits, static_cast<std::size_t>(end - digits)});
  }

  void write_server() {
    put("GATEWAY_INTERFACE", "CGI/1.1");
    put("SERVER_SOFTWARE", "perchild");
    const auto& host = request_.head.host;
    put("SERVER_NAME", host ? host->view() : request_.server_name);
    put("SERVER_ADDR", request_.server_address);
    put_number("SERVER_PORT", request_.server_port);
    put("DOCUMENT_ROOT", request_.document_root);
    // Without it php-cgi takes itself for a script that a client has called by its own name.
    put("REDIRECT_STATUS", "200");
  }

  void write_request() {
    const http1::RequestHead& head = request_.head;
    put("SERVER_PROTOCOL", http1::text_of(head.version));
    put("REQUEST_METHOD", head.method_text);
    put("REQUEST_SCHEME", request_.https ? "https" : "http");
    if (request_.https) put("HTTPS", "on");
    put("QUERY_STRING", request_.query);
    // Programs take it for a path. Of a target in absolute form that is only a part.
    if (head.target.starts_with('/')) return put("REQUEST_URI", head.target);
    const bool has_query = head.target.find('?') != std::string_view::npos;
    text_.assign(head.path);
    if (has_query) text_.append("?").append(head.query);
    put("REQUEST_URI", text_);
  }

  void write_script() {
    put("SCRIPT_NAME", request_.script_name);
    if (!request_.script_name.empty()) {
      put_joined("SCRIPT_FILENAME", request_.document_root, request_.script_name);
    }
    if (request_.path_info.empty()) return;
    put("PATH_INFO", request_.path_info);
    put_joined("PATH_TRANSLATED", request_.document_root, request_.path_info);
  }

  void write_client() {
    put("REMOTE_ADDR", request_.remote_address);
    if (request_.remote_port != 0) put_number("REMOTE_PORT", request_.remote_port);
    if (request_.remote_user.empty()) return;
    put("AUTH_TYPE", "Basic");
    put("REMOTE_USER", request_.remote_user);
  }

  void write_body() {
    if (request_.content_length) put_number("CONTENT_LENGTH", *request_.content_length);
    for (const Field& field : fields_) {
      if (!http1::equals_ignoring_case(field.name, "content-type")) continue;
      return put("CONTENT_TYPE", field.value);
    }
  }

  static bool has_variable(std::string_view name) {
    return is_passed_to_programs(name) && !http1::equals_ignoring_case(name, "content-type") &&
           !http1::equals_ignoring_case(name, "content-length");
  }

  // RFC 3875, 4.1.18. A field that is there more than once is one variable, in the place of its
  // first: there are at most http1::max_fields, so looking back costs little.
  void write_fields() {
    for (const Field& field : fields_) {
      if (has_variable(field.name) && !came_before(field)) write_field(field);
    }
  }

  bool came_before(const Field& field) const {
    return std::any_of(fields_.begin(), &field, [&](const Field& other) {
      return http1::equals_ignoring_case(other.name, field.name);
    });
  }

  void write_field(const Field& field) {
    // RFC 6265, 5.4: cookies are the one list without commas.
    const bool is_cookie = http1::equals_ignoring_case(field.name, "cookie");
    text_.assign(field.value);
    for (const Field* other = &field + 1; other != fields_.end(); ++other) {
      if (!http1::equals_ignoring_case(other->name, field.name)) continue;
      text_.append(is_cookie ? "; " : ", ").append(other->value);
    }
    name_.assign("HTTP_");
    for (const char c : field.name) {
      const char lower = http1::to_lower(c);
      const bool is_letter = lower >= 'a' && lower <= 'z';
      name_ += c == '-' ? '_' : is_letter ? static_cast<char>(lower - 'a' + 'A') : c;
    }
    put(name_, text_);
  }

  const CgiRequest& request_;
  const http1::FieldList fields_;
  VariableSink& sink_;
  std::string name_, text_;
  bool good_ = true;
};

}  // namespace

bool write_cgi_variables(const CgiRequest& request, VariableSink& sink) {
  return Writer(request, sink).write();
}

void EnvironmentSink::put(std::string_view name, std::string_view value) {
  std::string& variable = environment_.emplace_back();
  variable.reserve(name.size() + 1 + value.size());
  variable.append(name).append(1, '=').append(value);
}

}  // namespace perchild::gateway
