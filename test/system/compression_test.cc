// Content codings: files beside a file, and what the worker encodes itself.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "test/support/in_child.h"
#include "test/system/requests.h"
#include "test/vhosts/files/decoded.h"

namespace perchild::test::compression_test {
namespace {

std::string page_of(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; text.size() < size; ++i) text += "<p>" + std::to_string(i * 7919) + "\n";
  text.resize(size);
  return text;
}

// Made when they are first asked for: each test of all of this executable is a process.
const std::string& small_page() {
  static const std::string page = page_of(9'000);
  return page;
}
const std::string& large_page() {
  static const std::string page = page_of(2'000'000);
  return page;
}

std::vector<SiteSpec> site(const std::string& more = {}) {
  return {{"a.example",
           {{"small.html", small_page()},
            {"large.html", large_page()},
            {"tiny.html", "<p>tiny"},
            {"picture.png", page_of(9'000)}},
           more}};
}

HttpResponse get_with(const Server& server, const std::string& target,
                      const std::string& accept_encoding, const std::string& more = {}) {
  return ask(server,
             request("a.example", target, "Accept-Encoding: " + accept_encoding + "\r\n" + more));
}

std::string coding_of(const HttpResponse& response) {
  EXPECT_EQ(response.status, 200);
  const auto field = response.fields.find("content-encoding");
  return field == response.fields.end() ? "none" : field->second;
}

void set_time(const std::string& path, ::time_t time) {
  const ::timespec times[2] = {{time, 0}, {time, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
}

// The body of a chunked response, which the client is left to read; "<broken>" if it is none.
std::string chunked_body(Client& client) {
  std::string bytes;
  std::string body;
  std::size_t at = 0;
  const auto have = [&](std::size_t end) {
    while (bytes.size() < end) {
      const std::string more = client.receive_some();
      if (more.empty()) return false;
      bytes += more;
    }
    return true;
  };
  for (;;) {
    std::size_t line_end;
    while ((line_end = bytes.find("\r\n", at)) == std::string::npos) {
      if (!have(bytes.size() + 1)) return "<broken>";
    }
    const std::size_t size = std::stoul(bytes.substr(at, line_end - at), nullptr, 16);
    at = line_end + 2;
    if (!have(at + size + 2) || bytes.substr(at + size, 2) != "\r\n") return "<broken>";
    if (size == 0) return bytes.size() == at + 2 ? body : "<broken>";
    body += bytes.substr(at, size);
    at += size + 2;
  }
}

TEST(Compression, ASmallFileIsSentInTheCodingThatTheClientTakes) {
  Server server({.sites = site()});
  for (int i = 0; i < 2; ++i) {  // made, then from memory
    const HttpResponse gzip = get_with(server, "/small.html", "gzip");
    EXPECT_EQ(coding_of(gzip), "gzip");
    EXPECT_TRUE(test::gunzip(gzip.body) == small_page());
    const HttpResponse br = get_with(server, "/small.html", "gzip, deflate, br, zstd");
    EXPECT_EQ(coding_of(br), "br");
    EXPECT_TRUE(test::unbrotli(br.body) == small_page());
    EXPECT_EQ(br.fields.at("vary"), "Accept-Encoding");
    EXPECT_TRUE(br.fields.at("etag").starts_with("W/\"")) << br.fields.at("etag");
    EXPECT_FALSE(br.fields.contains("accept-ranges"));
  }
}

TEST(Compression, ALargeFileIsEncodedWhileItIsSent) {
  Server server({.sites = site()});
  for (const std::string& coding : {std::string("gzip"), std::string("br")}) {
    Client client(server.port());
    client.send(request("a.example", "/large.html", "Accept-Encoding: " + coding + "\r\n"));
    const HttpResponse response = client.receive();
    EXPECT_EQ(coding_of(response), coding);
    EXPECT_EQ(response.fields.at("transfer-encoding"), "chunked");
    EXPECT_FALSE(response.fields.contains("content-length"));
    const std::string body = chunked_body(client);
    EXPECT_LT(body.size(), large_page().size() / 2);
    EXPECT_TRUE((coding == "gzip" ? test::gunzip(body) : test::unbrotli(body)) == large_page());
    client.send(request("a.example", "/tiny.html"));
    EXPECT_EQ(client.receive().body, "<p>tiny") << "the connection goes on";
  }
}

TEST(Compression, ManyLargeFilesAtOnceArriveWhole) {
  Server server({.sites = site()});
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(std::make_unique<Client>(server.port()));
    clients.back()->send(request("a.example", "/large.html", "Accept-Encoding: gzip\r\n"));
  }
  for (const auto& client : clients) {
    EXPECT_EQ(coding_of(client->receive()), "gzip");
    EXPECT_TRUE(test::gunzip(chunked_body(*client)) == large_page());
  }
}

TEST(Compression, WhatIsSmallOrCompressedAlreadyIsSentAsItIs) {
  Server server({.sites = site()});
  EXPECT_EQ(coding_of(get_with(server, "/tiny.html", "gzip, br")), "none");
  const HttpResponse picture = get_with(server, "/picture.png", "gzip, br");
  EXPECT_EQ(coding_of(picture), "none");
  EXPECT_FALSE(picture.fields.contains("vary"));
}

TEST(Compression, QualitiesAreRespected) {
  Server server({.sites = site()});
  const auto coding = [&](const std::string& accept) {
    return coding_of(get_with(server, "/small.html", accept));
  };
  EXPECT_EQ(coding("br;q=0, gzip"), "gzip");
  EXPECT_EQ(coding("br;q=0.5, gzip;q=0.6"), "gzip");
  EXPECT_EQ(coding("br;q=0, gzip;q=0"), "none");
  EXPECT_EQ(coding("*"), "br");
  EXPECT_EQ(coding("identity, *;q=0"), "none");
  EXPECT_EQ(coding("identity, gzip;q=0.5"), "none");
  EXPECT_EQ(coding("identity;q=0, gzip;q=0.1"), "gzip");
  EXPECT_EQ(coding("identity;q=0"), "none") << "nothing else is there";
  EXPECT_EQ(coding("*\r\nAccept-Encoding: br;q=0"), "gzip") << "two fields are one list";
  EXPECT_EQ(coding(""), "none");
}

TEST(Compression, WithoutAcceptEncodingThePlainFileIsSentAndSaysThatItVaries) {
  Server server({.sites = site()});
  const HttpResponse plain = ask(server, request("a.example", "/small.html"));
  EXPECT_EQ(coding_of(plain), "none");
  EXPECT_EQ(plain.fields.at("vary"), "Accept-Encoding");
  EXPECT_TRUE(plain.body == small_page());
}

TEST(Compression, AFileBesideIsPreferredUnlessItIsOlder) {
  Server server({.sites = site()});
  const std::string root = server.docroot(0);
  for (const char* name : {"small.html.gz", "small.html.zst", "large.html.br"}) {
    server.add_file(0, name, "contents of " + std::string(name));
  }
  const auto get = [&](const std::string& target, const std::string& accept) {
    return get_with(server, target, accept);
  };
  const HttpResponse gzip = get("/small.html", "gzip, br;q=0.9");
  EXPECT_EQ(coding_of(gzip), "gzip");
  EXPECT_EQ(gzip.body, "contents of small.html.gz");
  EXPECT_EQ(gzip.fields.at("content-type"), "text/html; charset=utf-8");
  EXPECT_EQ(gzip.fields.at("vary"), "Accept-Encoding");
  EXPECT_TRUE(gzip.fields.at("etag").ends_with("-gzip\"")) << "strong, and its own";
  EXPECT_EQ(get("/small.html", "gzip, br, zstd").body, "contents of small.html.zst")
      << "what is ready goes before what must be made";
  EXPECT_EQ(get("/large.html", "gzip, br").body, "contents of large.html.br");
  EXPECT_EQ(get("/small.html.gz", "gzip").fields.at("content-type"), "application/gzip");

  set_time(root + "/small.html", 1'000'000'000);
  set_time(root + "/small.html.gz", 1'000'000'000);
  EXPECT_EQ(get("/small.html", "gzip").body, "contents of small.html.gz") << "gzip -k, cp -p";
  set_time(root + "/small.html.gz", 999'999'999);
  EXPECT_TRUE(test::gunzip(get("/small.html", "gzip").body) == small_page());
}

TEST(Compression, AFileBesideThatAppearsOrGoesIsNoticed) {
  Server server({.sites = site()});
  EXPECT_EQ(coding_of(get_with(server, "/small.html", "zstd")), "none");
  server.add_file(0, "small.html.zst", "new");
  EXPECT_TRUE(eventually([&] { return get_with(server, "/small.html", "zstd").body == "new"; }));
  ASSERT_EQ(::unlink((server.docroot(0) + "/small.html.zst").c_str()), 0);
  EXPECT_EQ(coding_of(get_with(server, "/small.html", "zstd")), "none");
}

TEST(Compression, AnIndexHasFilesBesideItToo) {
  Server server({.sites = site()});
  server.add_file(0, "index.html", small_page());
  server.add_file(0, "index.html.br", "index in brotli");
  EXPECT_EQ(get_with(server, "/", "br").body, "index in brotli");
}

TEST(Compression, AFileBesideObeysTheRulesOfLinksAndNames) {
  for (const auto& [more, coding] :
       std::vector<std::pair<std::string, std::string>>{{"", "gzip"},
                                                        {R"(, "symlinks": "owner")", "gzip"},
                                                        {R"(, "symlinks": "none")", "none"},
                                                        {R"(, "deny": ["*.gz"])", "none"}}) {
    Server server({.sites = {{"a.example",
                              {{"small.html", small_page()}, {"packed/page", "contents"}},
                              R"(, "compression": {"on_the_fly": []})" + more}}});
    const std::string link = server.docroot(0) + "/small.html.gz";
    ASSERT_EQ(::symlink("packed/page", link.c_str()), 0);
    ASSERT_EQ(::lchown(link.c_str(), uid_a, uid_a), 0);
    EXPECT_EQ(coding_of(get_with(server, "/small.html", "gzip")), coding) << more;
  }
}

TEST(Compression, RefusalsOfARepresentationSayThatItVaries) {
  Server server({.sites = site()});
  for (const auto& [field, status] : std::vector<std::pair<std::string, int>>{
           {"If-Match: \"other\"\r\n", 412}, {"Range: bytes=99999999-\r\n", 416}}) {
    const HttpResponse varied = ask(server, request("a.example", "/small.html", field));
    EXPECT_EQ(varied.status, status);
    EXPECT_EQ(varied.fields.at("vary"), "Accept-Encoding") << status;
  }
}

TEST(Compression, RangesAreOfThePlainFileOrOfTheOneBesideIt) {
  Server server({.sites = site()});
  for (const std::string& target : {std::string("/small.html"), std::string("/large.html")}) {
    const HttpResponse part = get_with(server, target, "gzip, br", "Range: bytes=10-19\r\n");
    EXPECT_EQ(part.status, 206);
    EXPECT_FALSE(part.fields.contains("content-encoding"));
    EXPECT_EQ(part.body, small_page().substr(10, 10));
  }
  server.add_file(0, "small.html.br", "0123456789");
  EXPECT_TRUE(eventually([&] { return get_with(server, "/small.html", "br").body.size() == 10; }));
  const HttpResponse encoded = get_with(server, "/small.html", "gzip, br", "Range: bytes=2-4\r\n");
  EXPECT_EQ(encoded.status, 206);
  EXPECT_EQ(encoded.fields.at("content-encoding"), "br");
  EXPECT_EQ(encoded.fields.at("content-range"), "bytes 2-4/10");
  EXPECT_EQ(encoded.body, "234");
  const HttpResponse parts = get_with(server, "/small.html", "br", "Range: bytes=0-1,4-5\r\n");
  EXPECT_EQ(parts.status, 206);
  EXPECT_FALSE(parts.fields.contains("content-encoding"));
  EXPECT_TRUE(
      contains(parts.body, "Content-Range: bytes 4-5/" + std::to_string(small_page().size())));
}

TEST(Compression, ACopyThatTheClientHasIsAnswered304WhateverItsCoding) {
  Server server({.sites = site()});
  const std::string tag = get_with(server, "/small.html", "gzip").fields.at("etag");
  const HttpResponse unchanged =
      get_with(server, "/small.html", "gzip", "If-None-Match: " + tag + "\r\n");
  EXPECT_EQ(unchanged.status, 304);
  EXPECT_EQ(unchanged.fields.at("etag"), tag);
  EXPECT_EQ(unchanged.fields.at("vary"), "Accept-Encoding");
}

TEST(Compression, HeadHasTheFieldsOfAGet) {
  Server server({.sites = site()});
  for (const std::string& target : {std::string("/small.html"), std::string("/large.html")}) {
    const std::string fields = "Accept-Encoding: gzip\r\n";
    const HttpResponse whole = ask(server, request("a.example", target, fields), true);
    HttpResponse head = ask(server, request("a.example", target, fields, "HEAD"), true);
    head.fields["date"] = whole.fields.at("date");
    EXPECT_EQ(head.fields, whole.fields);
    EXPECT_EQ(coding_of(head), "gzip");
  }
}

TEST(Compression, AnHttp10ClientGetsWhatHasALength) {
  Server server({.sites = site()});
  const auto get = [&](const std::string& target) {
    return ask(server,
               "GET " + target + " HTTP/1.0\r\nHost: a.example\r\nAccept-Encoding: gzip\r\n\r\n");
  };
  EXPECT_EQ(coding_of(get("/small.html")), "gzip");
  const HttpResponse plain = get("/large.html");
  EXPECT_EQ(coding_of(plain), "none");
  EXPECT_TRUE(plain.body == large_page());
}

TEST(Compression, TheConfigurationDecides) {
  Server off({.sites = site(R"(, "compression": false)")});
  off.add_file(0, "small.html.gz", "beside");
  EXPECT_EQ(coding_of(get_with(off, "/small.html", "gzip, br")), "none");
  EXPECT_FALSE(get_with(off, "/small.html", "gzip").fields.contains("vary"));
  Server some({.sites = site(R"(, "compression": { "precompressed": false, "on_the_fly": ["gzip"],
                                 "min_size": 1, "types": ["image/png"] })")});
  some.add_file(0, "small.html.br", "beside");
  EXPECT_EQ(coding_of(get_with(some, "/small.html", "gzip, br")), "gzip");
  EXPECT_EQ(coding_of(get_with(some, "/picture.png", "gzip")), "gzip");
}

// How much of the machine's memory a process may still take, until this goes.
class LittleMemory {
 public:
  LittleMemory(::pid_t pid, std::size_t more) : pid_(pid) {
    limit({1024 * std::stoul(status_field(pid, "VmSize")) + more, RLIM_INFINITY});
  }
  ~LittleMemory() { limit({RLIM_INFINITY, RLIM_INFINITY}); }
  LittleMemory(const LittleMemory&) = delete;
  LittleMemory& operator=(const LittleMemory&) = delete;

 private:
  static std::string status_field(::pid_t pid, const std::string& name) {
    const std::string status = read_file("/proc/" + std::to_string(pid) + "/status");
    return status.substr(status.find(name + ":") + name.size() + 1);
  }
  // As the owner of the service's user namespace; see limit_open_files().
  void limit(::rlimit limit) const {
    const ChildEnd end = in_child_as(master_uid, master_uid,
                                     [&] { return ::prlimit(pid_, RLIMIT_AS, &limit, nullptr); });
    EXPECT_TRUE(end.exited && end.status == 0);
  }

  ::pid_t pid_;
};

TEST(CompressionWithLittleMemory, IsRefusedAndSaid) {
  const Server server({.sites = site()});
  Client client(server.port());
  client.send(request("a.example", "/tiny.html"));
  EXPECT_EQ(client.receive().status, 200);
  {
    const LittleMemory little(server.workers_of(0).at(0).pid, 100 * 1024);
    client.send(request("a.example", "/large.html", "Accept-Encoding: gzip\r\n"));
    EXPECT_EQ(client.receive().status, 503);
    EXPECT_TRUE(error_log_has(server, 0, "GET /large.html: no memory to compress by"));
  }
  client.send(request("a.example", "/large.html", "Accept-Encoding: gzip\r\n"));
  EXPECT_TRUE(contains(client.receive_some(), "Content-Encoding: gzip\r\n"));
}

// As Apache serves it: a picture that is compressed, for whoever asks, and once.
TEST(Compression, OfASvgzIsItsOwn) {
  Server server({.sites = site()});
  const std::string picture = "compressed by its owner";  // nobody looks
  server.add_file(0, "small.svgz", picture);
  server.add_file(0, "large.SVGZ", picture + std::string(100'000, '\0'));  // too large for memory
  server.add_file(0, "small.svgz.br", "not looked for");
  for (const char* accepted : {"gzip, br", "br", "identity", ""}) {
    for (int i = 0; i < 2; ++i) {
      const HttpResponse small = get_with(server, "/small.svgz", accepted);
      EXPECT_EQ(coding_of(small), "gzip") << accepted;
      EXPECT_EQ(small.fields.at("content-type"), "image/svg+xml");
      EXPECT_FALSE(small.fields.contains("vary"));
      EXPECT_TRUE(small.body == picture);
      const HttpResponse large = get_with(server, "/large.SVGZ", accepted);
      EXPECT_EQ(coding_of(large), "gzip") << accepted;
      EXPECT_FALSE(large.fields.contains("vary"));
      EXPECT_EQ(large.body.size(), picture.size() + 100'000);
    }
  }
  // The control: what is in no coding.
  server.add_file(0, "plain.svg", "<svg/>");
  EXPECT_EQ(coding_of(get_with(server, "/plain.svg", "identity")), "none");
}

TEST(Compression, AClientThatGoesAwayInTheMiddleHarmsNobody) {
  Server server({.sites = site()});
  server.add_file(0, "huge.html", page_of(32 * 1024 * 1024));
  for (int i = 0; i < 10; ++i) {
    Client client(server.port());
    client.send(request("a.example", "/huge.html", "Accept-Encoding: gzip\r\n"));
    EXPECT_FALSE(client.receive_some().empty());
  }
  EXPECT_EQ(coding_of(get_with(server, "/small.html", "gzip")), "gzip");
  EXPECT_TRUE(eventually([&] { return count_of(server.access_log(0), "/huge.html") == 10; }));
}

}  // namespace
}  // namespace perchild::test::compression_test
