#include "daemon/worker/answer.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "daemon/worker/acme_answer.h"
#include "daemon/worker/file_answer.h"
#include "daemon/worker/folder_answer.h"
#include "daemon/worker/head_rules.h"
#include "daemon/worker/moves.h"
#include "daemon/worker/reach.h"
#include "privsep/result.h"
#include "vhosts/files/error_pages.h"
#include "vhosts/http1/path.h"

namespace perchild {
namespace {

using files::Kind;
using http1::Method;

struct Failure {
  int status;
  std::string_view problem;
};

Failure failure_of(Kind kind) {
  switch (kind) {
    case Kind::not_found:
      return {404, no_such_file};
    case Kind::forbidden:
      return {403, "the site's user may not read it, or a link leads out of the docroot"};
    case Kind::special:
      return {403, "not a regular file"};
    case Kind::directory:
    case Kind::file:
    case Kind::error:
      break;
  }
  return {500, "cannot open"};
}

Response options_response(const Request& request) {
  files::ResponseHead head(request.buffer.output, request.site.date);
  head.start(204, request.persistence);
  head.add_fields(files::allow_of_files);
  Response response;
  response.status = 204;
  response.head = head.finish();
  return response;
}

// ---- the steps: each says whether the response is made

bool answer_method(Request& request, Response& response) {
  switch (request.head.method) {
    case Method::get:
    case Method::head:
      return false;
    case Method::options:
      response = options_response(request);
      return true;
    case Method::other:
      response = refuse(request, 501, "unknown method");
      return true;
    case Method::connect:
      // What follows was meant for the tunnel.
      request.persistence = files::Persistence::close;
      [[fallthrough]];
    default:
      response = refuse(request, 405, "method not allowed", files::allow_of_files);
      return true;
  }
}

// The site's own page for an error. It has the rules of its own path but for access, which would
// hide the page that says so.
std::optional<Response> custom_page(const Request& request, int status,
                                    std::string_view more_fields) {
  if (request.rules == nullptr) return std::nullopt;
  const std::string_view path = request.rules->error_page(status);
  if (path.empty()) return std::nullopt;
  ServedSite& site = request.site;
  const content::RuleBook::Found found = site.rules.find(path);
  if (found.too_costly || found.rules->hides(path)) return std::nullopt;
  files::Answer file = site.cache.get(path.substr(1), file_rules_of(*found.rules), site.turn);
  if (request.explanation != nullptr) {
    const bool is_there = file.opened.kind == Kind::file;
    request.explanation->note("page", path, is_there ? "" : ", which is not there");
  }
  if (file.opened.kind != Kind::file) return std::nullopt;
  // What a program would run is not shown as it is.
  const std::string_view name = file.index_name.empty() ? path : file.index_name;
  if (found.rules->handler_of_file(name) != nullptr) return std::nullopt;
  return page_response(request, status, std::move(file), more_fields);
}

// The request comes to stand at `path`, which is in buffer.path.
Progress enter(Request& request, Response& response, std::string_view path) {
  request.path = path;
  if (request.explanation != nullptr) {
    request.explanation->note("path", path);
    for (const std::string& location : request.site.rules.locations_of(path)) {
      request.explanation->note("location", location);
    }
  }
  content::RuleBook::Found found = request.site.rules.find(path);
  request.rules = std::move(found.rules);
  if (!found.too_costly) return Progress::entered;
  response = refuse(request, 500, "a location's pattern takes too long to match");
  return Progress::answered;
}

// "%2F", which no file's name has, but a program may tell from '/'. Whoever asks must be let in by
// both readings, first as a part of a name; all other rules hold for the path with '/'. With "." or
// ".." the two could come to mean paths that have nothing to do with each other.
http1::DecodedPath decode_as_name(Request& request) {
  const auto decoded =
      http1::decode_path(request.head.path, request.buffer.path, http1::EncodedSlash::separates);
  if (decoded.had_dot_segments) return {http1::PathOutcome::encoded_slash};
  if (!decoded.ok()) return decoded;
  request.encoded_slashes = EncodedSlashes::part_of_name;
  return http1::decode_path(request.head.path, request.buffer.path, http1::EncodedSlash::kept);
}

Progress enter_with_separators(Request& request, Response& response) {
  const bool was_preflight = is_cors_preflight(request);
  const auto decoded =
      http1::decode_path(request.head.path, request.buffer.path, http1::EncodedSlash::separates);
  PERCHILD_ASSERT(decoded.ok());  // decode_as_name() has seen it
  request.encoded_slashes = EncodedSlashes::separator;
  const Progress progress = enter(request, response, decoded.path);
  if (progress != Progress::entered || !was_preflight || is_cors_preflight(request)) {
    return progress;
  }
  // Let in without a password by the one reading, it would come to a program by the other.
  response = refuse(request, 403, "a preflight, by one reading of its path alone");
  return Progress::answered;
}

// A rule has led the request to `path`, in which whoever may enter is asked for anew.
Progress move_to(Request& request, Response& response, std::string_view path) {
  if (++request.moves > most_moves) {
    response = refuse(request, 500, "rewrites and fallbacks go round in a circle");
    return Progress::answered;
  }
  if (path.size() > request.buffer.path.size()) {
    response = refuse(request, 414, "the rewritten path is too long");
    return Progress::answered;
  }
  std::copy(path.begin(), path.end(), request.buffer.path.begin());
  request.encoded_slashes = EncodedSlashes::none;
  return enter(request, response, {request.buffer.path.data(), path.size()});
}

// What a step has come to; nothing if the next one is to go on.
std::optional<Progress> finish_step(Request& request, Response& response, Step step) {
  if (step.path) return move_to(request, response, *step.path);
  if (!step.response) return std::nullopt;
  response = std::move(*step.response);
  return Progress::answered;
}

Progress use_program(Request& request, Response& response, const content::Handler& handler,
                     std::string script) {
  // RFC 9110, 9.3.8: a program's echo would show a page's scripts what browsers hide from them.
  if (request.head.method == Method::trace) {
    response = refuse(request, 405, "method not allowed", files::allow_of_programs);
    return Progress::answered;
  }
  if (request.explanation != nullptr) {
    request.explanation->note("program", request.site.settings.programs[handler.program].name,
                              script.empty() ? "" : ", which runs ", script);
    if (!request.path_info.empty()) request.explanation->note("path info", request.path_info);
  }
  request.call = {handler.program, std::move(script), std::move(request.path_info)};
  return Progress::by_program;
}

// The request comes to stand at it, so that its own rules hold, and who may enter there is asked.
std::optional<Progress> go_to_script_above(Request& request, Response& response) {
  const std::string_view script = script_above(request.site, *request.rules, request.path);
  if (script.empty()) return std::nullopt;
  request.path_info = request.path.substr(script.size());
  request.settled = true;
  return enter(request, response, script);
}

// By what the file system has of that name.
Progress answer_by_file(Request& request, Response& response) {
  ServedSite& site = request.site;
  const std::string_view path = request.path.substr(1);
  files::Answer found = site.cache.get(path, file_rules_of(*request.rules), site.turn);
  if (found.opened.kind == Kind::file) {
    if (request.explanation != nullptr) {
      request.explanation->note("file", site.settings.root + "/", path, found.index_name);
    }
    if (!request.rules->file_handlers().empty()) {
      std::string name = std::string(request.path).append(found.index_name);
      const content::Handler* const handler = request.rules->handler_of_file(name);
      if (handler != nullptr) return use_program(request, response, *handler, std::move(name));
    }
  }
  if (found.opened.kind == Kind::not_found && !request.rules->file_handlers().empty()) {
    if (const auto moved = go_to_script_above(request, response)) return *moved;
  }
  const content::Handler* const of_all = request.rules->handler_of_all();
  if (of_all != nullptr && !request.settled) return use_program(request, response, *of_all, {});
  if (!request.path_info.empty()) found.opened = {};  // nothing runs the script at its own path
  if (site.has_programs() && answer_method(request, response)) return Progress::answered;
  if (found.opened.kind == Kind::file) {
    response = file_response(request, path, std::move(found));
  } else if (found.opened.kind == Kind::directory) {
    response = request.path.ends_with('/') ? folder_response(request) : slash_response(request);
  } else {
    const Failure failure = failure_of(found.opened.kind);
    response = refuse(request, failure.status, failure.problem, {}, found.opened.error);
  }
  return Progress::answered;
}

// No file is meant, and a program that is told of its path cannot tell it from '/'. A backend and
// the script that answers for whatever is no file see it as it was sent.
Progress answer_encoded_slash(Request& request, Response& response) {
  const content::Handler* const of_all = request.rules->handler_of_all();
  if (of_all != nullptr &&
      request.site.settings.programs[of_all->program].protocol == ProgramProtocol::http) {
    return use_program(request, response, *of_all, {});
  }
  if (const auto done = finish_step(request, response, fall_back(request))) return *done;
  response = refuse(request, 404, "impossible path");
  return Progress::answered;
}

Progress answer_path(Request& request, Response& response) {
  const content::Rules& rules = *request.rules;
  const bool is_about_cors = request.head.method == Method::options && rules.cors() != nullptr;
  if (is_about_cors && request.site.has_programs()) {
    response = options_response(request);
    return Progress::answered;
  }
  const content::Handler* const of_all = rules.handler_of_all();
  if (of_all != nullptr && !request.settled && rules.file_handlers().empty()) {
    return use_program(request, response, *of_all, {});
  }
  return answer_by_file(request, response);
}

}  // namespace

Progress begin_answer(Request& request, Response& response) {
  // First of all: who asks for a certificate's sake has no password and follows no rule.
  if (answer_acme(request, response)) return Progress::answered;
  if (redirect_to_own_name(request, response)) return Progress::answered;
  // "*" of OPTIONS and the authority of CONNECT are no paths.
  if (!request.head.path.starts_with('/') && answer_method(request, response)) {
    return Progress::answered;
  }
  http1::DecodedPath decoded = http1::decode_path(request.head.path, request.buffer.path);
  if (decoded.outcome == http1::PathOutcome::encoded_slash) decoded = decode_as_name(request);
  request.had_dot_segments = decoded.had_dot_segments;
  if (!decoded.ok()) {
    take_rules_of_root(request);
    response = refuse(request, http1::status_of(decoded.outcome), "impossible path");
    return Progress::answered;
  }
  request.query = request.head.query;
  request.site.owner_rules.check(request.site);
  if (request.site.owner_rules.are_broken()) {
    take_rules_of_root(request);
    response = refuse(request, 500, "the site's own settings, .perchild.json, have mistakes");
    return Progress::answered;
  }
  return enter(request, response, decoded.path);
}

Progress continue_answer(Request& request, Response& response) {
  // A program takes methods that files do not, and whether one answers is to be found yet.
  if (!request.site.has_programs() && answer_method(request, response)) return Progress::answered;
  if (request.encoded_slashes == EncodedSlashes::part_of_name) {
    return enter_with_separators(request, response);
  }
  // It has been let in without a password, and so must not come to one.
  if (is_cors_preflight(request)) {
    response = options_response(request);
    return Progress::answered;
  }
  const bool may_move = request.rules->lead_elsewhere() && !request.settled;
  if (may_move) {
    if (const auto done = finish_step(request, response, redirect(request))) return *done;
    if (const auto done = finish_step(request, response, rewrite(request))) return *done;
  }
  const bool is_hidden = request.rules->handler_of_all() != nullptr && !request.settled
                             ? request.rules->denies(request.path)
                             : request.rules->hides(request.path);
  if (is_hidden) {
    // Not 403: whether there is such a file is nobody's business either.
    response = refuse(request, 404, "the site hides files of such names");
    return Progress::answered;
  }
  if (request.encoded_slashes == EncodedSlashes::separator)
    return answer_encoded_slash(request, response);
  if (may_move) {
    if (const auto done = finish_step(request, response, try_paths(request))) return *done;
  }
  return answer_path(request, response);
}

std::string_view script_above(const ServedSite& site, const content::Rules& rules,
                              std::string_view path) {
  for (std::size_t end = path.find('/', 1); end != std::string_view::npos;
       end = path.find('/', end + 1)) {
    const std::string_view script = path.substr(0, end);
    if (rules.handler_of_file(script) == nullptr) continue;
    if (site.docroot.look_at(script.substr(1), rules.symlinks()).kind == Kind::file) return script;
  }
  return {};
}

Progress go_to(Request& request, Response& response, std::string_view location) {
  const std::size_t mark = location.find('?');
  const std::string_view query =
      mark == std::string_view::npos ? std::string_view() : location.substr(mark + 1);
  const http1::DecodedPath decoded =
      http1::decode_path(location.substr(0, mark), request.buffer.path);
  if (!decoded.ok()) {
    response = refuse(request, 502, "the program leads to an impossible path");
    return Progress::answered;
  }
  request.set_query(std::string(query));
  request.settled = false;
  request.path_info.clear();
  return move_to(request, response, decoded.path);
}

void take_rules_of_root(Request& request) {
  request.rules = request.site.rules.find("/").rules;
}

void finish_answer(Request& request, Response& response) {
  add_hsts(request, response);
  if (request.rules != nullptr && request.rules->edit_heads()) apply_head_rules(request, response);
}

Response refuse(const Request& request, int status, std::string_view problem,
                std::string_view more_fields, int error) {
  auto page = custom_page(request, status, more_fields);
  Response response = page ? std::move(*page)
                           : error_response(request.site, request.buffer, status,
                                            request.persistence, request.head_only(), more_fields);
  response.problem = problem;
  response.error = error;
  return response;
}

Response error_response(const ServedSite& site, IoBuffer& buffer, int status,
                        files::Persistence persistence, bool head_only,
                        std::string_view more_fields) {
  Response response;
  response.status = status;
  response.head = files::error_head(buffer.output, site.date, status, persistence, more_fields);
  if (!head_only) response.body = files::error_page(status).body;
  return response;
}

}  // namespace perchild
