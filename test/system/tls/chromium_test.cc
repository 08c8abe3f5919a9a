// A site as Chromium opens it: by a certificate that it trusts, over HTTP/2, with a page's parts.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "test/support/certificate_files.h"
#include "test/support/command.h"
#include "test/system/requests.h"
#include "test/system/secure_sites.h"

namespace perchild::test::chromium_test {
namespace {

const std::map<std::string, std::string> page{
    {"index.html",
     "<!doctype html><title>a</title><link rel=stylesheet href=s.css><p id=p>-</p><img src=i.svg>"
     "<script src=s.js></script>"},
    {"s.css", "p { color: rgb(1, 2, 3) }"},
    {"i.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"33\" height=\"11\"/>"},
    {"d.json", R"({ "text": "fetched" })"},
    {"s.js", R"(addEventListener("load", async () => {
  const json = await (await fetch("/d.json")).json();
  const p = document.getElementById("p");
  p.textContent = [json.text, getComputedStyle(p).color, document.images[0].naturalWidth,
                   performance.getEntriesByType("navigation")[0].nextHopProtocol].join("; ");
});)"}};

class Chromium : public ::testing::Test {
 protected:
  Chromium() {
    files_ = make_certificate(folder_.path(), "a", {"a.example"});
    ServerSpec spec = secure_sites();
    spec.sites[0].files = page;
    spec.sites[0].other_hosts.clear();
    spec.sites[0].more = R"(, "tls": )" + CertificateFiles::json({files_});
    server_ = std::make_unique<Server>(spec);
  }

  void trust(const std::string& certificate) {
    const std::string database = folder_.path() + "/.pki/nssdb";
    std::filesystem::create_directories(database);
    for (const std::vector<std::string>& rest :
         {std::vector<std::string>{"-N", "--empty-password"},
          std::vector<std::string>{"-A", "-t", "C,,", "-n", "a", "-i", certificate}}) {
      std::vector<std::string> command{"certutil", "-d", "sql:" + database};
      command.insert(command.end(), rest.begin(), rest.end());
      const CommandEnd end = run_command(command);
      ASSERT_EQ(end.status, 0) << end.output;
    }
  }

  // The document, once the page is there.
  std::string open() const {
    return run_command({"env", "HOME=" + folder_.path(), "timeout", "60", "chromium", "--headless",
                        "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                        "--user-data-dir=" + folder_.path() + "/profile",
                        "--host-resolver-rules=MAP a.example 127.0.0.1",
                        "--virtual-time-budget=5000", "--dump-dom",
                        "https://a.example:" + std::to_string(server_->port()) + "/"})
        .output;
  }

  TemporaryDirectory folder_;
  CertificateFiles files_;
  std::unique_ptr<Server> server_;
};

TEST_F(Chromium, OpensASiteThatItTrustsOverHttp2) {
  trust(files_.chain);
  const std::string document = open();
  EXPECT_TRUE(contains(document, "fetched; rgb(1, 2, 3); 33; h2")) << document;
  for (const char* path : {"/", "/s.css", "/s.js", "/i.svg", "/d.json"}) {
    EXPECT_TRUE(access_log_has(*server_, 0, "GET " + std::string(path) + " HTTP/2.0\" 200"));
  }
}

// The control.
TEST_F(Chromium, OpensNoSiteThatItDoesNotTrust) {
  const std::string document = open();
  EXPECT_FALSE(contains(document, "fetched")) << document;
  EXPECT_EQ(server_->access_log(0), "");
}

}  // namespace
}  // namespace perchild::test::chromium_test
