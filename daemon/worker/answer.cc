#include "daemon/worker/answer.h"

#include "vhosts/files/error_pages.h"
#include "vhosts/files/validators.h"
#include "vhosts/http1/path.h"

namespace perchild {
namespace {

using files::Kind;
using files::Persistence;
using http1::Method;

struct Failure {
  int status;
  std::string_view problem;
};

Failure failure_of(Kind kind) {
  switch (kind) {
    case Kind::not_found:
      return {404, "no such file"};
    case Kind::forbidden:
      return {403, "the site's user may not read it, or a link leads out of the docroot"};
    case Kind::special:
      return {403, "not a regular file"};
    case Kind::directory:
      return {403, "a directory without an index"};
    case Kind::file:
    case Kind::error:
      break;
  }
  return {500, "cannot open"};
}

Response options_response(const ServedSite& site, IoBuffer& buffer, Persistence persistence) {
  files::ResponseHead head(buffer.output, site.date);
  head.start(204, persistence);
  head.add_fields(files::allow_of_files);
  Response response;
  response.status = 204;
  response.head = head.finish();
  return response;
}

// 200 or 304 for a file of these facts, whose fields are `fields`. The body is the caller's.
Response file_head(const ServedSite& site, IoBuffer& buffer, const http1::RequestHead& request,
                   Persistence persistence, const files::FileFacts& facts, std::string_view fields,
                   std::string_view tag_line) {
  Response response;
  const files::Conditions conditions{request.if_none_match, request.if_modified_since};
  const bool conditional =
      !conditions.if_none_match.empty() || !conditions.if_modified_since.empty();
  if (conditional &&
      files::is_not_modified(conditions, files::tag_of_line(tag_line), facts, site.date.now())) {
    response.status = 304;
    response.head = files::not_modified_head(buffer.output, site.date, persistence, tag_line);
    return response;
  }
  files::ResponseHead head(buffer.output, site.date);
  head.start(200, persistence);
  head.add_fields(fields);
  response.status = 200;
  response.head = head.finish();
  return response;
}

Response file_response(const ServedSite& site, IoBuffer& buffer, const http1::RequestHead& request,
                       Persistence persistence, files::Answer found) {
  const bool with_body = request.method == Method::get;
  if (found.cached.has_value()) {
    Response response = file_head(site, buffer, request, persistence, found.cached->facts(),
                                  found.cached->fields(), found.cached->tag_line());
    if (with_body && response.status == 200) {
      response.body = found.cached->body();
      response.pinned = std::move(found.cached);
    }
    return response;
  }
  const files::FileFields fields(found.opened.facts, found.content_type, site.date.now());
  Response response = file_head(site, buffer, request, persistence, found.opened.facts,
                                fields.lines(), fields.tag_line());
  if (with_body && response.status == 200 && found.opened.facts.size > 0) {
    response.file = std::move(found.opened.fd);
    response.file_size = found.opened.facts.size;
  }
  return response;
}

Response slash_response(const ServedSite& site, IoBuffer& buffer, const http1::RequestHead& request,
                        Persistence persistence, std::string_view decoded_path) {
  Response response;
  response.status = 301;
  response.head = files::slash_redirect_head(buffer.output, site.date, persistence, decoded_path,
                                             request.query);
  if (request.method == Method::get) response.body = files::error_page(301).body;
  return response;
}

}  // namespace

Response error_response(const ServedSite& site, IoBuffer& buffer, int status,
                        Persistence persistence, bool head_only, std::string_view more_fields) {
  Response response;
  response.status = status;
  response.head = files::error_head(buffer.output, site.date, status, persistence, more_fields);
  if (!head_only) response.body = files::error_page(status).body;
  return response;
}

Response answer(ServedSite& site, IoBuffer& buffer, const http1::RequestHead& request,
                Persistence persistence) {
  const bool head_only = request.method == Method::head;
  const auto refuse = [&](int status, std::string_view problem, int error = 0,
                          std::string_view more = {}) {
    Response response = error_response(site, buffer, status, persistence, head_only, more);
    response.problem = problem;
    response.error = error;
    return response;
  };
  switch (request.method) {
    case Method::get:
    case Method::head:
      break;
    case Method::options:
      return options_response(site, buffer, persistence);
    case Method::other:
      return refuse(501, "unknown method");
    default:
      return refuse(405, "method not allowed", 0, files::allow_of_files);
  }
  const http1::DecodedPath decoded = http1::decode_path(request.path, buffer.path);
  if (!decoded.ok()) return refuse(http1::status_of(decoded.outcome), "impossible path");
  files::Answer found = site.cache.get(decoded.path.substr(1), site.turn);
  if (found.opened.kind == Kind::file) {
    return file_response(site, buffer, request, persistence, std::move(found));
  }
  if (found.opened.kind == Kind::directory && !decoded.path.ends_with('/')) {
    return slash_response(site, buffer, request, persistence, decoded.path);
  }
  const Failure failure = failure_of(found.opened.kind);
  return refuse(failure.status, failure.problem, found.opened.error);
}

}  // namespace perchild
