// Every document of this machine, served from two sites and compared with the disk.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "test/support/command.h"
#include "test/system/requests.h"

namespace perchild::test::documents_test {
namespace {

namespace fs = std::filesystem;

constexpr const char* documents = "/usr/share/doc";
constexpr std::size_t requests_a_command = 500;

// The files below a folder, links followed, as paths relative to it.
std::vector<std::string> files_below(const fs::path& folder) {
  std::vector<std::string> files;
  constexpr auto options = fs::directory_options::follow_directory_symlink;
  for (const auto& entry : fs::recursive_directory_iterator(folder, options)) {
    std::error_code dangling;
    if (fs::is_regular_file(entry.path(), dangling)) {
      files.push_back(entry.path().lexically_relative(folder));
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

// Copies the documents into a site's docroot, closed to everybody but its user.
void copy_documents(const std::vector<std::string>& files, const std::string& docroot,
                    ::uid_t uid) {
  for (const std::string& file : files) {
    const fs::path to = fs::path(docroot) / file;
    for (fs::path folder = to.parent_path(); !fs::exists(folder); folder = to.parent_path()) {
      while (!fs::exists(folder.parent_path())) folder = folder.parent_path();
      fs::create_directory(folder);
      fs::permissions(folder, fs::perms::owner_all);
      ASSERT_EQ(::chown(folder.c_str(), uid, uid), 0);
    }
    fs::copy_file(fs::path(documents) / file, to);
    fs::permissions(to, fs::perms::owner_read | fs::perms::owner_write);
    ASSERT_EQ(::chown(to.c_str(), uid, uid), 0);
  }
}

std::string url_path(const std::string& file) {
  constexpr const char* hex = "0123456789ABCDEF";
  std::string path = "/";
  for (const char c : file) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || std::strchr("-._~/", c) != nullptr) {
      path += c;
    } else {
      path += {'%', hex[byte >> 4], hex[byte & 15]};
    }
  }
  return path;
}

// The types that /etc/mime.types gives each extension, and those that it lacks or has another use
// for.
std::multimap<std::string, std::string> types_of_extensions() {
  std::multimap<std::string, std::string> types{
      {"3gp", "video/3gpp"}, {"mid", "audio/midi"},        {"rss", "application/rss+xml"},
      {"ts", "video/mp2t"},  {"yaml", "application/yaml"}, {"yml", "application/yaml"}};
  std::ifstream table("/etc/mime.types");
  for (std::string line; std::getline(table, line);) {
    std::istringstream words(line);
    std::string type;
    if (!(words >> type) || type.starts_with('#')) continue;
    for (std::string extension; words >> extension;) types.emplace(extension, type);
  }
  return types;
}

bool is_type_of(const std::string& type, const std::string& file) {
  static const auto table = types_of_extensions();
  std::string extension = fs::path(file).extension();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (!extension.empty()) extension.erase(0, 1);
  const auto [first, last] = table.equal_range(extension);
  if (first == last) return type == "application/octet-stream";
  return std::any_of(first, last, [&](const auto& row) {
    return type == row.second + (row.second.starts_with("text/") ? "; charset=utf-8" : "");
  });
}

struct Wanted {
  std::size_t site;
  std::string file;
};

class Documents : public testing::Test {
 protected:
  // Some of the documents have names that are hidden by default.
  Documents()
      : files_(files_below(documents)),
        server_({.sites = two_sites(), .more = R"(, "defaults": {"deny": ["!*"]})"}) {}

  void SetUp() override {
    ASSERT_GT(files_.size(), 100u);
    copy_documents(files_, server_.docroot(0), uid_a);
    copy_documents(files_, server_.docroot(1), uid_b);
  }

  // Both sites' files, or each file of one of the two, the site of one after the other's.
  std::vector<Wanted> of_both_sites() const {
    std::vector<Wanted> wanted;
    for (const std::string& file : files_) {
      for (const std::size_t site : {0u, 1u}) wanted.push_back({site, file});
    }
    return wanted;
  }
  std::vector<Wanted> of_sites_in_turn() const {
    std::vector<Wanted> wanted;
    for (const std::string& file : files_) wanted.push_back({wanted.size() % 2, file});
    return wanted;
  }

  // Asks for all of them, with one curl for some hundreds.
  void compare_all(const std::vector<Wanted>& wanted, const std::vector<std::string>& options) {
    for (std::size_t at = 0; at < wanted.size(); at += requests_a_command) {
      const std::size_t end = std::min(at + requests_a_command, wanted.size());
      compare({wanted.begin() + static_cast<std::ptrdiff_t>(at),
               wanted.begin() + static_cast<std::ptrdiff_t>(end)},
              options);
      if (HasFatalFailure()) return;
    }
    EXPECT_EQ(compared_, wanted.size());
    compared_ = 0;
  }

 private:
  void compare(const std::vector<Wanted>& wanted, const std::vector<std::string>& options) {
    const std::string port = std::to_string(server_.port());
    const std::string configuration = server_.directory().path() + "/curl";
    std::ostringstream urls;
    for (const auto& [site, file] : wanted) {
      urls << "url = \"http://" << host_of(site) << ':' << port << url_path(file) << "\"\n";
    }
    write_file(configuration, urls.str());
    std::vector<std::string> command{
        "curl",      "--silent", "--show-error", "--include", "--globoff",
        "--noproxy", "*",        "--path-as-is", "--config",  configuration};
    for (const std::size_t site : {0u, 1u}) {
      command.insert(command.end(), {"--resolve", host_of(site) + ":" + port + ":127.0.0.1"});
    }
    command.insert(command.end(), options.begin(), options.end());
    const CommandEnd curl = run_command(command);
    ASSERT_EQ(curl.status, 0) << curl.output.substr(0, 1000);
    std::string_view rest = curl.output;
    for (const Wanted& each : wanted) ASSERT_NO_FATAL_FAILURE(compare_one(each, rest));
    EXPECT_TRUE(rest.empty());
  }

  // Takes one response off the front of what curl has printed.
  void compare_one(const Wanted& wanted, std::string_view& rest) {
    const std::string contents = read_file(server_.docroot(wanted.site) + "/" + wanted.file);
    const std::size_t end = rest.find("\r\n\r\n");
    ASSERT_NE(end, std::string_view::npos) << wanted.file;
    const std::string head(rest.substr(0, end + 2));
    ASSERT_TRUE(head.starts_with("HTTP/1.1 200 OK\r\n")) << wanted.file << ": " << head;
    ASSERT_EQ(field(head, "Content-Length"), std::to_string(contents.size())) << wanted.file;
    ASSERT_TRUE(is_type_of(field(head, "Content-Type"), wanted.file)) << wanted.file << head;
    rest.remove_prefix(end + 4);
    ASSERT_TRUE(rest.substr(0, contents.size()) == contents) << wanted.file;
    rest.remove_prefix(contents.size());
    ++compared_;
  }

  static std::string host_of(std::size_t site) { return site == 0 ? "a.example" : "b.example"; }

  static std::string field(const std::string& head, const std::string& name) {
    const std::size_t at = head.find("\r\n" + name + ": ");
    if (at == std::string::npos) return {};
    const std::size_t value = at + 4 + name.size();
    return head.substr(value, head.find("\r\n", value) - value);
  }

  const std::vector<std::string> files_;
  Server server_;
  std::size_t compared_ = 0;
};

// One test, for making the sites takes a good part of it.
TEST_F(Documents, AllArriveFromBothSitesOverKeptConnectionsAndOverOneEach) {
  compare_all(of_both_sites(), {});
  if (HasFatalFailure()) return;
  compare_all(of_sites_in_turn(), {"--header", "Connection: close"});
}

}  // namespace
}  // namespace perchild::test::documents_test
