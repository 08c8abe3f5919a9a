#include "daemon/worker/head_rules.h"

#include <algorithm>
#include <string>
#include <vector>

#include "daemon/worker/answer.h"
#include "vhosts/content/head_editor.h"

namespace perchild {
namespace {

using content::HeadEditor;

// The fields of a request that CORS is about (Fetch, 3.2.2); empty if absent.
struct CorsRequest {
  std::string_view origin;
  std::string_view method;
  std::string_view headers;

  // A browser asks before it sends what a form could not.
  bool is_preflight(const Request& request) const {
    return request.head.method == http1::Method::options && !origin.empty() && !method.empty();
  }
};

CorsRequest cors_request_of(const Request& request) {
  CorsRequest cors;
  http1::for_each_field(request.head_bytes, [&](const http1::Field& field) {
    if (http1::equals_ignoring_case(field.name, "origin")) {
      cors.origin = field.value;
    } else if (http1::equals_ignoring_case(field.name, "access-control-request-method")) {
      cors.method = field.value;
    } else if (http1::equals_ignoring_case(field.name, "access-control-request-headers")) {
      cors.headers = field.value;
    }
  });
  return cors;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text.append(text.empty() ? "" : ", ").append(word);
  return text;
}

void add_preflight(const CorsRequest& asked, const Cors& cors, HeadEditor& head) {
  std::vector<std::string> methods{"GET", "HEAD", "POST"};  // need no preflight
  for (const std::string& method : cors.methods) {
    if (std::find(methods.begin(), methods.end(), method) == methods.end()) {
      methods.push_back(method);
    }
  }
  head.add("Access-Control-Allow-Methods", joined(methods));
  const bool any_header = cors.headers.size() == 1 && cors.headers[0] == "*";
  // With credentials a browser takes "*" for a header's name; so it is told what it asked for.
  if (any_header && cors.credentials) {
    if (!asked.headers.empty()) head.add("Access-Control-Allow-Headers", asked.headers);
    head.add("Vary", "Access-Control-Request-Headers");
  } else if (!cors.headers.empty()) {
    head.add("Access-Control-Allow-Headers", joined(cors.headers));
  }
  head.add("Access-Control-Max-Age", std::to_string(cors.max_age));
}

void add_cors(const Request& request, const Cors& cors, HeadEditor& head) {
  const CorsRequest asked = cors_request_of(request);
  const bool for_all = cors.origins[0] == "*";
  // Either also where there is no Origin: a cache may give that response to a request with one
  // (Fetch, 3.2.6).
  if (!for_all) head.add("Vary", "Origin");
  const bool is_named =
      std::find(cors.origins.begin(), cors.origins.end(), asked.origin) != cors.origins.end();
  if (!for_all && !is_named) return;
  head.add("Access-Control-Allow-Origin", for_all ? "*" : asked.origin);
  if (cors.credentials) head.add("Access-Control-Allow-Credentials", "true");
  if (asked.is_preflight(request)) {
    add_preflight(asked, cors, head);
  } else if (!cors.exposed.empty()) {
    head.add("Access-Control-Expose-Headers", joined(cors.exposed));
  }
}

// Fields that can stand several times, and where one that is there already must not be lost.
bool adds_up(std::string_view name) {
  return http1::equals_ignoring_case(name, "vary") ||
         http1::equals_ignoring_case(name, "set-cookie") ||
         http1::equals_ignoring_case(name, "link");
}

void apply_headers(std::span<const HeaderSetting> headers, int status, HeadEditor& head) {
  for (const HeaderSetting& header : headers) {
    if (!content::names_status(header.statuses, status)) continue;
    if (!header.value || !adds_up(header.name)) head.remove(header.name);
    if (header.value) head.add(header.name, *header.value);
  }
}

}  // namespace

bool is_cors_preflight(const Request& request) {
  return request.head.method == http1::Method::options && request.rules->cors() != nullptr &&
         cors_request_of(request).is_preflight(request);
}

void apply_head_rules(const Request& request, Response& response) {
  const content::Rules& rules = *request.rules;
  HeadEditor head(request.buffer.output, response.head);
  if (!rules.etag()) head.remove("ETag");
  const bool is_of_file =
      response.status == 200 || response.status == 206 || response.status == 304;
  if (is_of_file && !response.content_type.empty()) {
    const std::string_view caching = rules.caching_of(response.content_type);
    if (!caching.empty()) head.add("Cache-Control", caching);
  }
  if (rules.cors() != nullptr) add_cors(request, *rules.cors(), head);
  apply_headers(rules.headers(), response.status, head);
  response.head = head.finish();
  if (!response.head.empty()) return;
  response =
      error_response(request.site, request.buffer, 500, request.persistence, request.head_only());
  response.problem = "the site's headers do not fit into a response";
}

}  // namespace perchild
