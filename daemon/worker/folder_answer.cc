#include "daemon/worker/folder_answer.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/worker/answer.h"
#include "vhosts/access/keyed_hash.h"
#include "vhosts/files/compression.h"
#include "vhosts/files/directory.h"
#include "vhosts/files/encoder.h"
#include "vhosts/files/validators.h"
#include "vhosts/http1/path.h"
#include "vhosts/pages/listing.h"
#include "vhosts/pages/notices.h"

namespace perchild {
namespace {

using files::Kind;
using pages::ListedFile;

// Each costs an openat2(2), in one turn of the loop: some milliseconds in all.
constexpr std::size_t most_listed = 1000;
// Of a folder that is full of what is not shown.
constexpr std::size_t most_looked_at = 4 * most_listed;

// Whether a request can name it: others are refused (http1/path.h).
bool can_be_named(std::string_view name) {
  return name.size() <= http1::max_name_bytes &&
         std::none_of(name.begin(), name.end(),
                      [](unsigned char byte) { return byte < 0x20 || byte == 0x7f; });
}

// A name in the request's folder, if whoever asked for it would be served something. What a
// password or an address is asked for in it is not told: its name is no secret of the folder's.
std::optional<ListedFile> shown(const Request& request, std::string_view name) {
  if (!can_be_named(name)) return std::nullopt;
  ServedSite& site = request.site;
  const std::string path = std::string(request.path).append(name);
  const content::RuleBook::Found found = site.rules.find(path);
  if (found.too_costly || found.rules->hides(path)) return std::nullopt;
  const files::Opened seen =
      site.docroot.look_at(std::string_view(path).substr(1), found.rules->symlinks());
  if (seen.kind != Kind::file && seen.kind != Kind::directory) return std::nullopt;
  return ListedFile{.name = std::string(name),
                    .is_folder = seen.kind == Kind::directory,
                    .size = seen.facts.size,
                    .modified = seen.facts.mtime.sec};
}

struct FolderContent {
  std::vector<ListedFile> files;
  bool there_are_more = false;

  bool is_empty() const { return files.empty() && !there_are_more; }
};

FolderContent content_of(const Request& request, files::Directory directory, std::size_t most) {
  FolderContent content;
  for (std::size_t looked_at = 0;; ++looked_at) {
    const std::string_view name = directory.next();
    if (name.empty()) return content;
    if (looked_at == most_looked_at) break;
    auto file = shown(request, name);
    if (!file) continue;
    if (content.files.size() == most) break;
    content.files.push_back(std::move(*file));
  }
  content.there_are_more = true;
  return content;
}

// A page that is the same has the same tag, whichever of the site's workers has made it. Weak: it
// is that of each coding.
std::string tag_of(std::string_view page) {
  std::array<char, 24> text;
  const std::uint64_t hash = access::keyed_hash({}, page).low;
  const int length = std::snprintf(text.data(), text.size(), "W/\"%016" PRIx64 "\"", hash);
  return {text.data(), static_cast<std::size_t>(length)};
}

// `page` becomes smaller, if the client takes a coding in which it is.
std::optional<ContentCoding> encode(const Request& request, std::string& page) {
  const CompressionSettings& settings = request.site.settings.compression;
  const files::EncodedForms forms(request.accepted_codings(), settings, true);
  for (const auto& [coding, on_the_fly] : forms) {
    if (!on_the_fly) continue;
    std::string encoded(page.size(), '\0');
    const std::size_t length = files::encode_whole(coding, settings, page, encoded);
    if (length == 0) continue;
    encoded.resize(length);
    page = std::move(encoded);
    return coding;
  }
  return std::nullopt;
}

Response response_of(const Request& request, std::string page) {
  constexpr files::FileFacts no_file{.mtime = {-1, 0}};  // a page has no date to compare
  const CompressionSettings& settings = request.site.settings.compression;
  const bool varies = !settings.on_the_fly.empty() && page.size() >= settings.min_size;
  const std::string_view vary = varies ? "Vary: Accept-Encoding\r\n" : "";
  const std::string tag = tag_of(page);
  const auto precondition =
      files::evaluate(request.head, request.head_bytes, tag, no_file, request.site.date.now());
  if (precondition == files::Precondition::failed) {
    return refuse(request, 412, "the page is not the one that the request is about", vary);
  }
  Response response;
  response.status = precondition == files::Precondition::not_modified ? 304 : 200;
  files::ResponseHead head(request.buffer.output, request.site.date);
  head.start(response.status, request.persistence);
  if (response.status == 200) {
    const auto coding = varies ? encode(request, page) : std::nullopt;
    head.add("Content-Type", "text/html; charset=utf-8");
    head.add_number("Content-Length", page.size());
    if (coding) head.add("Content-Encoding", coding_names[index_of(*coding)]);
    head.add("X-Content-Type-Options", "nosniff");
    if (!request.head_only()) response.parts.push_back({.text = std::move(page)});
  }
  head.add("Cache-Control", "no-cache");
  head.add_fields(vary);
  head.add("ETag", tag);
  response.head = head.finish();
  return response;
}

Response listing_response(const Request& request, files::Directory directory) {
  const pages::ListingOrder order = pages::parse_listing_order(request.query);
  FolderContent content = content_of(request, std::move(directory), most_listed);
  pages::sort_listing(content.files, order);
  pages::ListingPage page(request.path, order);
  for (const ListedFile& file : content.files) page.add(file);
  return response_of(request, page.finish(content.there_are_more));
}

}  // namespace

Response folder_response(const Request& request) {
  const bool is_listed = request.rules->listing();
  if (is_listed || request.path == "/") {
    UniqueFd fd =
        request.site.docroot.open_directory(request.path.substr(1), request.rules->symlinks());
    if (is_listed && !fd.has_value()) {
      if (errno == EACCES) return refuse(request, 403, "the site's user may not read the folder");
      return refuse(request, 500, "cannot open", {}, errno);
    }
    if (is_listed) return listing_response(request, files::Directory(std::move(fd)));
    // A site in which nothing has been put yet: its owner sees that it is served.
    const bool is_empty =
        fd.has_value() && content_of(request, files::Directory(std::move(fd)), 0).is_empty();
    if (is_empty) return response_of(request, std::string(pages::welcome_page()));
  }
  return refuse(request, 403, "a directory without an index");
}

}  // namespace perchild
