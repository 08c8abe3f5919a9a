// What a worker asks of the kernel once it has shaken hands in every way that there is: OpenSSL
// must find nothing to load, to open or to ask for later, behind a filter that would kill it.
#include <gtest/gtest.h>
#include <signal.h>

#include <set>
#include <sstream>

#include "test/support/background_command.h"
#include "test/support/certificate_files.h"
#include "test/support/http2_client.h"
#include "test/system/requests.h"
#include "test/system/secure_sites.h"

namespace perchild::test::trace_test {
namespace {

// The names of the system calls in what strace has written.
std::set<std::string> calls_of(const std::string& trace) {
  std::set<std::string> names;
  std::istringstream lines(trace);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t open = line.find('(');
    const std::size_t name = line.find_first_not_of("0123456789 ");
    if (open != std::string::npos && name < open) names.insert(line.substr(name, open - name));
  }
  return names;
}

// A whole handshake, and one that resumes its session.
void shake_hands(const Server& server, int version, const std::string& algorithms) {
  TlsOptions options = named("a.example", version);
  options.algorithms = algorithms;
  TlsClient whole(server.port(), options);
  whole.send(request("a.example"));
  ASSERT_TRUE(contains(whole.receive_until("of a"), "200 OK")) << algorithms << whole.problem();
  EXPECT_FALSE(whole.resumed());
  options.session = whole.session();
  TlsClient resumed(server.port(), options);
  resumed.send(request("a.example", "/", "Connection: close\r\n"));
  ASSERT_TRUE(contains(resumed.receive_to_end(), "of a")) << algorithms << resumed.problem();
  EXPECT_TRUE(resumed.resumed());
}

void shake_hands_in_every_way(const Server& server) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const std::string algorithms : {"RSA-PSS+SHA256", "ECDSA+SHA256", "ed25519"}) {
      shake_hands(server, version, algorithms);
    }
  }
  shake_hands(server, TLS1_2_VERSION, "RSA+SHA256");
  Http2Client http2(server.port());
  EXPECT_EQ(http2.response(http2.get()).body, "of a");
  // And one that comes to nothing.
  EXPECT_FALSE(TlsClient(server.port(), named("a.example", TLS1_1_VERSION)).connected());
}

TEST(TlsTrace, AHandshakeOfAnyKindAsksForNothingNew) {
  const TemporaryDirectory folder;
  const Server server(secure_site_with_all_keys(folder.path()));
  ASSERT_TRUE(contains(tls_get(server.port(), "a.example", named("a.example")), "of a"));
  const auto worker = server.workers_of(0).at(0).pid;
  const std::string file = folder.path() + "/trace";
  BackgroundCommand strace({"strace", "-f", "-o", file, "-p", std::to_string(worker)});
  ASSERT_TRUE(strace.says("attached")) << strace.output();
  for (int i = 0; i < 3; ++i) shake_hands_in_every_way(server);
  strace.end(SIGINT);
  EXPECT_EQ(server.workers_of(0).at(0).pid, worker);
  // Of the loop and its channels, of connections, of the file that is served, of the log, of the
  // memory that it all takes; and getpid, by which OpenSSL sees that it has not been forked.
  const std::set<std::string> known{
      "epoll_wait", "epoll_ctl",  "recvmsg",  "sendmsg", "recvfrom", "sendto",
      "getsockopt", "setsockopt", "shutdown", "close",   "openat2",  "fstat",
      "newfstatat", "pread64",    "write",    "brk",     "mmap",     "munmap",
      "mprotect",   "madvise",    "mremap",   "getpid"};
  const std::set<std::string> calls = calls_of(read_file(file));
  EXPECT_TRUE(calls.contains("epoll_wait") && calls.contains("recvfrom"));
  for (const std::string& call : calls) EXPECT_TRUE(known.contains(call)) << call;
}

}  // namespace
}  // namespace perchild::test::trace_test
