#include "vhosts/files/error_pages.h"

#include <array>
#include <cstddef>

#include "vhosts/files/status.h"
#include "vhosts/pages/constant_text.h"
#include "vhosts/pages/look.h"

namespace perchild::files {
namespace {

struct Page {
  int status;
  pages::ConstantText<1408> body;
  pages::ConstantText<128> fields;

  constexpr Page(int number, std::string_view sentence) : status(number) {
    body.append(pages::before_title);
    body.append(reason_of(status));
    body.append(pages::before_style);
    body.append(pages::style);
    body.append(pages::before_content);
    body.append("<p class=\"code\">");
    body.append_number(static_cast<std::size_t>(status));
    body.append("</p>\n<h1>");
    body.append(reason_of(status));
    body.append("</h1>\n<p>");
    body.append(sentence);
    body.append("</p>\n");
    body.append(pages::after_content);

    fields.append("Content-Type: text/html; charset=utf-8\r\nContent-Length: ");
    fields.append_number(body.size());
    fields.append("\r\nX-Content-Type-Options: nosniff\r\n");
  }
};

constexpr Page all_pages[] = {
    {301, "This page has moved."},
    {302, "This page is elsewhere at the moment."},
    {303, "The answer is on another page."},
    {307, "This page is elsewhere at the moment."},
    {308, "This page has moved."},
    {400, "The server could not understand this request."},
    {401, "This page is for those who have a user name and a password."},
    {403, "You are not allowed to see this page."},
    {404, "There is no such page on this site."},
    {405, "This page cannot be used in this way."},
    {408, "The request took too long to arrive."},
    {410, "This page was here, and is gone for good."},
    {412, "The page is not as the request expected it to be."},
    {413, "The request is larger than this site accepts."},
    {414, "The address of this request is too long."},
    {416, "The requested part lies outside this file."},
    {417, "The server cannot do what the request expects of it."},
    {421, "This site is not served on this connection."},
    {429, "That was too often in too short a time. Please try again later."},
    {431, "The head of this request is too large."},
    {500, "Something went wrong on the server."},
    {501, "The server cannot do what the request asks for."},
    {502, "The program behind this page gave no valid answer."},
    {503, "The site is too busy at the moment. Please try again."},
    {504, "The program behind this page did not answer in time."},
    {505, "The server does not speak this version of HTTP."},
    {507, "The server has no room for what was sent."},
};

template <std::size_t... i>
constexpr auto views_of(std::index_sequence<i...>) {
  return std::array{ErrorPage{all_pages[i].fields.view(), all_pages[i].body.view()}...};
}
constexpr auto views = views_of(std::make_index_sequence<std::size(all_pages)>());

constexpr std::size_t position_of(int status) {
  std::size_t i = 0;
  while (i < std::size(all_pages) && all_pages[i].status != status) ++i;
  return i;
}
constexpr std::size_t internal_error = position_of(500);
static_assert(internal_error < std::size(all_pages));

}  // namespace

const ErrorPage& error_page(int status) {
  const std::size_t i = position_of(status);
  return views[i < views.size() ? i : internal_error];
}

}  // namespace perchild::files
