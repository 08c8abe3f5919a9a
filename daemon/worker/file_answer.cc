#include "daemon/worker/file_answer.h"

#include "vhosts/files/error_pages.h"
#include "vhosts/files/validators.h"

namespace perchild {
namespace {

// 200 or 304 for a file of these facts, whose fields are `fields`. The body is the caller's.
Response file_head(const Request& request, const files::FileFacts& facts, std::string_view fields,
                   std::string_view tag_line) {
  Response response;
  IoBuffer& buffer = request.buffer;
  const files::DateCache& date = request.site.date;
  const files::Conditions conditions{request.head.if_none_match, request.head.if_modified_since};
  const bool conditional =
      !conditions.if_none_match.empty() || !conditions.if_modified_since.empty();
  if (conditional &&
      files::is_not_modified(conditions, files::tag_of_line(tag_line), facts, date.now())) {
    response.status = 304;
    response.head = files::not_modified_head(buffer.output, date, request.persistence, tag_line);
    return response;
  }
  files::ResponseHead head(buffer.output, date);
  head.start(200, request.persistence);
  head.add_fields(fields);
  response.status = 200;
  response.head = head.finish();
  return response;
}

}  // namespace

Response file_response(const Request& request, files::Answer found) {
  const bool with_body = !request.head_only();
  if (found.cached.has_value()) {
    Response response =
        file_head(request, found.cached->facts(), found.cached->fields(), found.cached->tag_line());
    if (with_body && response.status == 200) {
      response.body = found.cached->body();
      response.pinned = std::move(found.cached);
    }
    return response;
  }
  const files::FileFields fields(found.opened.facts, found.content_type, request.site.date.now());
  Response response = file_head(request, found.opened.facts, fields.lines(), fields.tag_line());
  if (with_body && response.status == 200 && found.opened.facts.size > 0) {
    response.file = std::move(found.opened.fd);
    response.file_size = found.opened.facts.size;
  }
  return response;
}

Response slash_response(const Request& request) {
  Response response;
  response.status = 301;
  response.head = files::slash_redirect_head(request.buffer.output, request.site.date,
                                             request.persistence, request.path, request.query);
  if (!request.head_only()) response.body = files::error_page(301).body;
  return response;
}

}  // namespace perchild
