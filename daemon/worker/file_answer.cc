#include "daemon/worker/file_answer.h"

#include <limits.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "daemon/worker/answer.h"
#include "vhosts/files/compression.h"
#include "vhosts/files/decimal.h"
#include "vhosts/files/error_pages.h"
#include "vhosts/files/validators.h"

namespace perchild {
namespace {

using files::FieldLines;
using files::FileFields;
using http1::ByteRanges;
using http1::Method;

// The representation of a file that a request gets.
struct Selected {
  files::PinnedFile cached;  // else `fd`
  UniqueFd fd;
  files::FileFacts facts;
  std::optional<FileFields> fields;     // where the cache has none that fit
  std::optional<ContentCoding> encode;  // while it is sent

  FieldLines lines() const { return fields ? fields->lines() : cached->lines(); }
};

Selected plain(const Request& request, files::Answer found, bool is_negotiated) {
  Selected selected;
  selected.cached = std::move(found.cached);
  if (selected.cached.has_value()) {
    selected.facts = selected.cached->facts();
    return selected;
  }
  selected.facts = found.opened.facts;
  selected.fd = std::move(found.opened.fd);
  selected.fields.emplace(selected.facts,
                          files::Representation{.content_type = found.content_type,
                                                .length = selected.facts.size,
                                                .coding = found.coding,
                                                .varies = is_negotiated},
                          request.site.date.now());
  return selected;
}

// A name that a file cannot have is not looked for.
class SiblingPath {
 public:
  SiblingPath(std::string_view path, std::string_view index_name, std::string_view suffix) {
    for (const std::string_view part : {std::string_view("/"), path, index_name, suffix}) {
      if (part.size() > text_.size() - length_) {
        length_ = 0;
        return;
      }
      std::copy(part.begin(), part.end(), text_.begin() + static_cast<std::ptrdiff_t>(length_));
      length_ += part.size();
    }
  }
  std::string_view view() const { return {text_.data(), length_}; }

 private:
  std::array<char, PATH_MAX> text_;
  std::size_t length_ = 0;
};

// The encoded file beside the one that was found. One that is older was made from what the file was
// before. In whole seconds: not every tool copies a time stamp to the nanosecond.
std::optional<Selected> precompressed(const Request& request, std::string_view path,
                                      const files::Answer& found, ContentCoding coding,
                                      std::string_view content_type) {
  ServedSite& site = request.site;
  const ::time_t now = site.date.now();
  const bool is_cached = found.cached.has_value();
  if (is_cached && found.cached->lacks_precompressed(coding, now)) return std::nullopt;
  const SiblingPath sibling(path, found.index_name, coding_suffixes[index_of(coding)]);
  if (sibling.view().empty()) return std::nullopt;
  const content::RuleBook::Found rules = site.rules.find(sibling.view());
  if (rules.too_costly || rules.rules->hides(sibling.view())) return std::nullopt;
  files::Answer beside =
      site.cache.get(sibling.view().substr(1), file_rules_of(*rules.rules), site.turn);
  if (beside.opened.kind != files::Kind::file) {
    if (is_cached) found.cached->note_lack(coding, now);
    return std::nullopt;
  }
  const files::FileFacts& original = is_cached ? found.cached->facts() : found.opened.facts;
  Selected selected;
  selected.cached = std::move(beside.cached);
  selected.fd = std::move(beside.opened.fd);
  selected.facts = selected.cached.has_value() ? selected.cached->facts() : beside.opened.facts;
  if (selected.facts.mtime.sec < original.mtime.sec) return std::nullopt;
  selected.fields.emplace(selected.facts,
                          files::Representation{.content_type = content_type,
                                                .length = selected.facts.size,
                                                .coding = coding_names[index_of(coding)],
                                                .varies = true},
                          now);
  return selected;
}

// Of a file that is not in memory: encoded while it is sent.
Selected encoded_stream(const Request& request, files::Answer& found, ContentCoding coding) {
  Selected selected;
  selected.facts = found.opened.facts;
  selected.fd = std::move(found.opened.fd);
  selected.encode = coding;
  selected.fields.emplace(selected.facts,
                          files::Representation{.content_type = found.content_type,
                                                .length = std::nullopt,
                                                .coding = coding_names[index_of(coding)],
                                                .varies = true,
                                                .made_on_the_fly = true},
                          request.site.date.now());
  return selected;
}

// What the client may be sent that is better than the plain file; none if nothing is.
std::optional<Selected> select_encoded(const Request& request, std::string_view path,
                                       files::Answer& found, std::string_view content_type) {
  ServedSite& site = request.site;
  const CompressionSettings& settings = site.settings.compression;
  const bool is_cached = found.cached.has_value();
  const std::uint64_t size = is_cached ? found.cached->facts().size : found.opened.facts.size;
  // A range of what is made on the fly would be one of bytes that nobody can name again. HTTP/1.0
  // has no chunks to end a body of unknown length by.
  const bool wants_range = request.head.method == Method::get && !request.head.range.empty();
  // Of several the content is multipart, and Content-Encoding would say that this is encoded.
  if (wants_range && request.head.range.find(',') != std::string_view::npos) return std::nullopt;
  const bool may_be_made = size >= settings.min_size && !wants_range &&
                           (is_cached || (request.head.version != http1::Version::http_1_0 &&
                                          site.encoders.in_use() < files::EncoderPool::most));
  const files::EncodedForms forms(request.accepted_codings(), settings, may_be_made);
  for (const auto& [coding, on_the_fly] : forms) {
    if (!on_the_fly) {
      auto selected = precompressed(request, path, found, coding, content_type);
      if (selected) return selected;
    } else if (!is_cached) {
      return encoded_stream(request, found, coding);
    } else if (auto made = site.cache.encoded(found.cached, coding, site.date.now());
               made.has_value()) {
      Selected selected;
      selected.facts = made->facts();
      selected.cached = std::move(made);
      return selected;
    }
  }
  return std::nullopt;
}

Selected select(const Request& request, std::string_view path, files::Answer found) {
  const CompressionSettings& settings = request.site.settings.compression;
  const bool is_cached = found.cached.has_value();
  const bool is_negotiated =
      is_cached ? found.cached->is_negotiated()
                : found.coding.empty() &&
                      files::is_negotiated(settings, found.content_type, found.opened.facts.size);
  if (is_negotiated && !request.head.accept_encoding.empty()) {
    const std::string_view content_type =
        is_cached ? found.cached->lines().content_type() : found.content_type;
    auto encoded = select_encoded(request, path, found, content_type);
    if (encoded) return std::move(*encoded);
  }
  return plain(request, std::move(found), is_negotiated);
}

// The bytes of `selected` from `offset` on become the response's body.
void attach_body(Response& response, Selected& selected, std::uint64_t offset,
                 std::uint64_t length) {
  if (selected.cached.has_value()) {
    response.body = selected.cached->body().substr(static_cast<std::size_t>(offset),
                                                   static_cast<std::size_t>(length));
    response.pinned = std::move(selected.cached);
  } else if (length > 0) {
    response.file = std::move(selected.fd);
    response.file_offset = offset;
    response.file_size = length;
  }
}

// `vary` is that of the 200: another Accept-Encoding can select what has the range.
Response unsatisfiable(const Request& request, std::uint64_t size, std::string_view vary) {
  std::array<char, 128> lines;
  files::Digits digits;
  std::size_t length = 0;
  for (const std::string_view part :
       {std::string_view("Content-Range: bytes */"), files::decimal(size, digits),
        std::string_view("\r\n"), vary}) {
    length += part.copy(lines.data() + length, lines.size() - length);
  }
  return refuse(request, 416, "the range lies outside of the file", {lines.data(), length});
}

Response multipart_response(const Request& request, Selected& selected, const ByteRanges& ranges) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::array<unsigned char, 16> random;
  // getrandom(2): so few bytes always come, once the machine has started.
  if (::getrandom(random.data(), random.size(), 0) != ssize_t{random.size()}) {
    return refuse(request, 500, "no random numbers", {}, errno);
  }
  std::array<char, 2 * random.size()> boundary;
  for (std::size_t i = 0; i < random.size(); ++i) {
    boundary[2 * i] = hex[random[i] >> 4];
    boundary[2 * i + 1] = hex[random[i] & 15];
  }
  const std::string_view name(boundary.data(), boundary.size());
  const FieldLines lines = selected.lines();
  files::Multipart body =
      files::multipart_of(ranges.parts(), selected.facts.size, lines.content_type(), name);
  Response response;
  response.status = 206;
  response.head = files::multipart_head(request.buffer.output, request.site.date,
                                        request.persistence, lines, name, body.length);
  response.parts = std::move(body.parts);
  attach_body(response, selected, 0, selected.facts.size);
  return response;
}

Response range_response(const Request& request, Selected& selected, const ByteRanges& ranges) {
  if (ranges.parts().size() > 1) return multipart_response(request, selected, ranges);
  const http1::ByteRange& part = ranges.parts().front();
  Response response;
  response.status = 206;
  response.head = files::partial_head(request.buffer.output, request.site.date, request.persistence,
                                      selected.lines(), part, selected.facts.size);
  attach_body(response, selected, part.first, part.length());
  return response;
}

// Status and head of a 200.
void begin_whole(const Request& request, Response& response, const FieldLines& lines) {
  files::ResponseHead head(request.buffer.output, request.site.date);
  head.start(200, request.persistence);
  head.add_fields(lines.all());
  response.status = 200;
  response.head = head.finish();
}

Response whole_response(const Request& request, Selected& selected) {
  Response response;
  if (selected.encode && !request.head_only()) {
    response.encoder = request.site.encoders.take(
        *selected.encode, request.site.settings.compression, selected.facts.size);
    if (response.encoder == nullptr) return refuse(request, 503, "no memory to compress by");
  }
  begin_whole(request, response, selected.lines());
  if (!request.head_only()) attach_body(response, selected, 0, selected.facts.size);
  return response;
}

bool is_conditional(const http1::RequestHead& head) {
  return head.has_preconditions || head.has_split_lists || !head.if_none_match.empty() ||
         !head.if_modified_since.empty();
}

std::string_view content_type_of(const files::Answer& found) {
  return found.cached.has_value() ? found.cached->lines().content_type() : found.content_type;
}

Response selected_response(const Request& request, Selected selected) {
  const http1::RequestHead& head = request.head;
  const ::time_t now = request.site.date.now();
  const FieldLines lines = selected.lines();
  if (is_conditional(head)) {
    switch (files::evaluate(head, request.head_bytes, lines.tag(), selected.facts, now)) {
      case files::Precondition::met:
        break;
      case files::Precondition::failed:
        return refuse(request, 412, "the file is not the one that the request is about",
                      lines.vary());
      case files::Precondition::not_modified: {
        Response response;
        response.status = 304;
        response.head = files::not_modified_head(request.buffer.output, request.site.date,
                                                 request.persistence, lines);
        return response;
      }
    }
  }
  // RFC 9110, 14.2: no method but GET has ranges.
  if (head.method == Method::get && !head.range.empty() &&
      files::range_still_applies(head, lines.tag(), selected.facts, now)) {
    const ByteRanges ranges(head.range, selected.facts.size);
    if (ranges.outcome() == ByteRanges::Outcome::unsatisfiable) {
      return unsatisfiable(request, selected.facts.size, lines.vary());
    }
    if (ranges.outcome() == ByteRanges::Outcome::partial) {
      return range_response(request, selected, ranges);
    }
  }
  return whole_response(request, selected);
}

// What most ask for: all of a file in memory, as it is.
bool is_plain_hit(const Request& request, const files::Answer& found) {
  const http1::RequestHead& head = request.head;
  return found.cached.has_value() && head.range.empty() && !is_conditional(head) &&
         (head.accept_encoding.empty() || !found.cached->is_negotiated());
}

Response plain_hit(const Request& request, files::PinnedFile file) {
  Response response;
  begin_whole(request, response, file->lines());
  if (!request.head_only()) {
    response.body = file->body();
    response.pinned = std::move(file);
  }
  return response;
}

}  // namespace

Response file_response(const Request& request, std::string_view path, files::Answer found) {
  std::string content_type;
  if (request.rules->has_caching()) content_type = content_type_of(found);
  Response response = is_plain_hit(request, found)
                          ? plain_hit(request, std::move(found.cached))
                          : selected_response(request, select(request, path, std::move(found)));
  response.content_type = std::move(content_type);
  return response;
}

Response page_response(const Request& request, int status, files::Answer found,
                       std::string_view more_fields) {
  files::ResponseHead head(request.buffer.output, request.site.date);
  head.start(status, request.persistence);
  head.add("Content-Type", content_type_of(found));
  const std::uint64_t size =
      found.cached.has_value() ? found.cached->facts().size : found.opened.facts.size;
  head.add_number("Content-Length", size);
  head.add_fields(more_fields);
  Response response;
  response.status = status;
  response.head = head.finish();
  if (request.head_only() || size == 0) return response;
  if (found.cached.has_value()) {
    response.body = found.cached->body();
    response.pinned = std::move(found.cached);
  } else {
    response.file = std::move(found.opened.fd);
    response.file_size = size;
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
