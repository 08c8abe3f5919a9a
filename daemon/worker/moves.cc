#include "daemon/worker/moves.h"

#include <utility>

#include "daemon/worker/answer.h"
#include "vhosts/files/error_pages.h"

namespace perchild {
namespace {

using content::MoveMatch;
using content::MoveRule;
using files::Kind;

// The target and the query that it came with fill a head, less what else is in one.
constexpr std::size_t longest_location = 2 * http1::max_target_bytes;

constexpr Captures no_captures{};

PathTemplate::Values values_of(const Request& request, const Captures& captures) {
  return {.path = request.path,
          .host = request.head.host ? request.head.host->view() : std::string_view(),
          .captures = captures};
}

// The template's own query, then the request's.
std::string joined_query(std::string query, std::string_view of_request) {
  if (!query.empty() && !of_request.empty()) query += '&';
  return query.append(of_request);
}

Step refusal(const Request& request, int status, std::string_view problem) {
  Step step;
  step.response = refuse(request, status, problem);
  return step;
}

Step too_costly(const Request& request) {
  return refusal(request, 500, "a pattern takes too long to match");
}

// A path to try: a file, by a '/' at its end a folder, or a script with a path for it behind.
bool is_there(const Request& request, std::string_view path) {
  ServedSite& site = request.site;
  const content::RuleBook::Found found = site.rules.find(path);
  if (found.too_costly || found.rules->hides(path)) return false;
  const Kind kind =
      site.cache.get(path.substr(1), file_rules_of(*found.rules), site.turn).opened.kind;
  return kind == Kind::file || (kind == Kind::directory && path.ends_with('/')) ||
         (kind == Kind::not_found && !script_above(site, *found.rules, path).empty());
}

void explain_rule(const Request& request, std::string_view kind, const MoveRule& rule) {
  if (request.explanation == nullptr) return;
  request.explanation->note(kind, rule.pattern == nullptr ? "every path" : "pattern ",
                            rule.pattern == nullptr ? "" : rule.pattern->text());
}

// "{path}/" of a folder that was asked for without its slash: a redirect has to say so, or links
// in its pages would lead astray.
bool is_with_slash(std::string_view path, std::string_view folder) {
  return folder.size() == path.size() + 1 && folder.ends_with('/') && folder.starts_with(path);
}

Step to_fallback(Request& request, const PathTemplate& fallback) {
  const PathTemplate::Values values = values_of(request, no_captures);
  std::string path = fallback.path(values);
  if (request.explanation != nullptr) request.explanation->note("try", path, ", the last");
  // The fallback itself: it is there or not.
  if (path == request.path && request.encoded_slashes == EncodedSlashes::none) return {};
  request.set_query(joined_query(fallback.query(values), request.query));
  Step step;
  step.path = std::move(path);
  return step;
}

}  // namespace

Response redirect_response(const Request& request, int status, std::string_view location) {
  files::ResponseHead head(request.buffer.output, request.site.date);
  head.start(status, request.persistence);
  head.add_fields(files::error_page(status).fields);
  if (!location.empty()) head.add("Location", location);
  Response response;
  response.status = status;
  response.head = head.finish();
  if (!request.head_only()) response.body = files::error_page(status).body;
  return response;
}

Step redirect(const Request& request) {
  if (request.rules->redirects().empty()) return {};
  const MoveMatch match =
      content::first_match(request.rules->redirects(), request.path, request.site.rules.matcher());
  if (match.too_costly) return too_costly(request);
  if (match.rule == nullptr) return {};
  const MoveRule& rule = *match.rule;
  explain_rule(request, "redirect", rule);
  const PathTemplate::Values values = values_of(request, match.captures);
  std::string location = rule.to.address(values);
  std::string query = rule.to.query(values);
  if (rule.keep_query) query = joined_query(std::move(query), request.query);
  if (!query.empty()) location.append("?").append(query);
  if (location.size() > longest_location) {
    return refusal(request, 414, "the target of the redirect is too long");
  }
  Step step;
  step.response = redirect_response(request, rule.status, location);
  return step;
}

Step rewrite(Request& request) {
  if (request.rules->rewrites().empty()) return {};
  const MoveMatch match =
      content::first_match(request.rules->rewrites(), request.path, request.site.rules.matcher());
  if (match.too_costly) return too_costly(request);
  if (match.rule == nullptr) return {};
  const PathTemplate::Values values = values_of(request, match.captures);
  std::string path = match.rule->to.path(values);
  if (path == request.path) return {};
  explain_rule(request, "rewrite", *match.rule);
  request.set_query(joined_query(match.rule->to.query(values),
                                 match.rule->keep_query ? request.query : std::string_view()));
  Step step;
  step.path = std::move(path);
  return step;
}

Step try_paths(Request& request) {
  const content::TryRule* const rule = request.rules->try_rule();
  if (rule == nullptr) return {};
  const PathTemplate::Values values = values_of(request, no_captures);
  for (const PathTemplate& candidate : rule->paths) {
    std::string path = candidate.path(values);
    const bool found = is_there(request, path);
    if (request.explanation != nullptr) {
      request.explanation->note("try", path, found ? ", which is there" : ", which is not there");
    }
    if (!found) continue;
    request.settled = true;
    Step step;
    if (path != request.path && !is_with_slash(request.path, path)) step.path = std::move(path);
    return step;
  }
  // What takes every path takes those that are no files, too.
  if (!rule->fallback && request.rules->handler_of_all() != nullptr) return {};
  if (!rule->fallback) return refusal(request, rule->status, "none of the paths to try is there");
  return to_fallback(request, *rule->fallback);
}

Step fall_back(Request& request) {
  const content::TryRule* const rule = request.rules->try_rule();
  if (rule == nullptr || !rule->fallback || rule->fallback->names_by_path()) return {};
  return to_fallback(request, *rule->fallback);
}

}  // namespace perchild
