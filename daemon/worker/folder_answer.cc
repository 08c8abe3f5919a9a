#include "daemon/worker/folder_answer.h"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/worker/answer.h"
#include "vhosts/files/directory.h"
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

Response response_of(const Request& request, std::string page) {
  files::ResponseHead head(request.buffer.output, request.site.date);
  head.start(200, request.persistence);
  head.add("Content-Type", "text/html; charset=utf-8");
  head.add_number("Content-Length", page.size());
  head.add("Cache-Control", "no-cache");
  head.add("X-Content-Type-Options", "nosniff");
  Response response;
  response.status = 200;
  response.head = head.finish();
  if (!request.head_only()) response.parts.push_back({.text = std::move(page)});
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
      return refuse(request, 500, "cannot open the folder", {}, errno);
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
