#include "test/system/applications/browser.h"

#include <utility>

#include "test/support/command.h"

namespace perchild::test {

Browser::Browser(std::string host, std::uint16_t port)
    : authority_(std::move(host) + ":" + std::to_string(port)), origin_("http://" + authority_) {}

Page Browser::get(const std::string& target, const std::vector<std::string>& arguments) const {
  const std::string cookies = directory_.path() + "/cookies";
  std::vector<std::string> all{
      "curl",  "-s",        "--max-time",
      "60",    "--resolve", authority_ + ":127.0.0.1",
      "-b",    cookies,     "-c",
      cookies, "-w",        "\n%{http_code} %{content_type}\n%{redirect_url}"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  all.push_back(target.starts_with("http://") ? target : origin_ + target);
  std::string output = run_command(all).output;

  Page page;
  const std::size_t last = output.rfind('\n');
  if (last == std::string::npos || last == 0) return page;
  page.location = output.substr(last + 1);
  const std::size_t line = output.rfind('\n', last - 1);
  if (line == std::string::npos) return page;
  page.status = std::atoi(output.c_str() + line + 1);
  page.type = output.substr(line + 5, last - line - 5);
  output.resize(line);
  page.body = std::move(output);
  return page;
}

Page Browser::post(const std::string& target, const std::vector<std::string>& fields,
                   const std::vector<std::string>& arguments) const {
  std::vector<std::string> all = arguments;
  for (const std::string& field : fields) {
    all.emplace_back("--data-urlencode");
    all.push_back(field);
  }
  return get(target, all);
}

std::string between(const std::string& text, const std::string& before, const std::string& after) {
  const std::size_t begin = text.find(before);
  if (begin == std::string::npos) return {};
  const std::size_t end = text.find(after, begin + before.size());
  if (end == std::string::npos) return {};
  return text.substr(begin + before.size(), end - begin - before.size());
}

std::string unescaped(std::string text) {
  for (std::size_t at = 0; (at = text.find("\\/", at)) != std::string::npos;) text.erase(at, 1);
  return text;
}

}  // namespace perchild::test
