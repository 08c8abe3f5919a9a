#include "daemon/worker/acme_answer.h"

#include <algorithm>
#include <utility>

#include "vhosts/http1/characters.h"

namespace perchild {
namespace {

constexpr std::string_view challenges = "/.well-known/acme-challenge/";
constexpr std::size_t longest_token = 255;

// RFC 8555, 8.1: of the base64url alphabet. So it is the name of a file, and needs no decoding.
bool is_token(std::string_view text) {
  return !text.empty() && text.size() <= longest_token &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return http1::is_digit(c) || (http1::to_lower(c) >= 'a' && http1::to_lower(c) <= 'z') ||
                  c == '-' || c == '_';
         });
}

}  // namespace

bool answer_acme(const Request& request, Response& response) {
  const http1::RequestHead& head = request.head;
  const bool reads = head.method == http1::Method::get || head.method == http1::Method::head;
  if (!request.site.acme || !reads || !head.path.starts_with(challenges)) return false;
  const std::string_view token = head.path.substr(challenges.size());
  if (!is_token(token)) return false;
  files::Opened opened = request.site.acme->open(token, Symlinks::none);
  if (opened.kind != files::Kind::file) return false;
  if (request.explanation != nullptr) {
    request.explanation->note("file", token, " in the folder of ACME challenges");
  }
  files::ResponseHead made(request.buffer.output, request.site.date);
  made.start(200, request.persistence);
  made.add("Content-Type", "application/octet-stream");
  made.add_number("Content-Length", opened.facts.size);
  made.add("Cache-Control", "no-store");
  response = {};
  response.status = 200;
  response.head = made.finish();
  if (!request.head_only() && opened.facts.size > 0) {
    response.file_size = opened.facts.size;
    response.file = std::move(opened.fd);
  }
  return true;
}

}  // namespace perchild
