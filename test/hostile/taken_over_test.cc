// Each role that is locked down for ever, as if it were taken over: the same attacks by all, from
// where the master has put them, without the lock-down, with all of it but the system-call filter,
// and with all of it. Where there is no filter something else stands in the way, but for what is of
// no use by itself: sockets that lead nowhere, and code of one's own.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>

#include "test/hostile/replaced_role.h"
#include "test/support/client.h"
#include "test/system/requests.h"
#include "test/system/secure_sites.h"

namespace perchild::test::taken_over_test {
namespace {

constexpr int killed = 1000 + SIGSYS;

struct TakenOver {
  const char* name;
  Role role;
  bool over_tls;
};

// At a path or, where it begins with a null, at a name without one.
UniqueFd listen_at(const std::string& name) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ::sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path, sizeof address.sun_path - 1);
  const auto length = static_cast<::socklen_t>(offsetof(::sockaddr_un, sun_path) + name.size());
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const ::sockaddr*>(&address), length), 0);
  EXPECT_EQ(::listen(socket.get(), 1), 0);
  return socket;
}

struct Attempt {
  std::string what;  // name and argument
  int unlocked;
  int unfiltered;
  int locked = killed;
};

class TakenOverRole : public ::testing::TestWithParam<TakenOver> {
 protected:
  TakenOverRole() {
    // For everybody: permissions protect none of it.
    ::chmod(machine_.path().c_str(), 0777);
    ::chmod((machine_.path() + "/socket").c_str(), 0777);
  }

  std::vector<Attempt> attempts() const {
    const bool reads_files = GetParam().role == Role::worker;
    const int no_file = reads_files ? ENOENT : killed;
    // A worker has changed its uid itself, and is not dumpable from then on.
    const int own_memory = reads_files ? EACCES : 0;
    const std::string folder = machine_.path();
    return {
        {"read " + file_, 0, ENOENT},
        {"read2 " + file_, 0, ENOENT, no_file},
        {"read2 " + files_.key, EACCES, ENOENT, no_file},
        {"write " + file_, 0, ENOENT},
        {"make " + folder + "/made", 0, ENOENT},
        {"list /", 0, reads_files ? 0 : EACCES},
        {"execute /bin/true", 0, ENOENT},
        {"executable_memory -", 0, 0},
        {"new_process -", 0, EAGAIN},
        {"new_namespace -", ENOSYS, ENOSYS},
        {"new_socket -", 0, 0},
        {"connect_path " + folder + "/socket", 0, ENOENT},
        {"connect_abstract " + abstract_, 0, EPERM},
        {"bind " + std::to_string(free_port()), 0, EACCES},
        {"list_connections -", ENOSYS, ENOSYS},
        {"signal parent", 0, EPERM},
        {"signal_handle parent", 0, EPERM},
        {"proc_mem parent", own_memory, ENOENT},
        {"proc_environ parent", own_memory, ENOENT},
        {"attach parent", ENOSYS, ENOSYS},
        {"read_memory parent", ENOSYS, ENOSYS},
        {"take_descriptor parent", ENOSYS, ENOSYS},
        {"become 0", EINVAL, EINVAL},
        {"become " + std::to_string(uid_b), EPERM, EPERM},
        {"join_group 0", EPERM, EPERM},
        {"change_root /", 0, EPERM},
        {"mount " + folder, ENOSYS, ENOSYS},
        {"make_ring -", ENOSYS, ENOSYS},
        {"load_bpf -", ENOSYS, ENOSYS},
    };
  }

  ServerSpec service(const std::string& bin) const {
    const SiteSpec site{
        "a.example",
        {{"index.html", "of a"}, {"order", "serve"}},
        GetParam().over_tls
            ? R"(, "tls": )" + CertificateFiles::json({files_})
            : R"(, "auth": { "users": { "behave": "$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0" } })"};
    return {
        .sites = {site}, .bin = bin, .listen = GetParam().over_tls ? tls_listener : std::string()};
  }

  const TemporaryDirectory machine_, certificates_;
  const std::string file_ = machine_.write("open", "to all", 0666);
  const CertificateFiles files_ =
      make_certificate(certificates_.path(), "a.example", {"a.example"});
  const std::string abstract_ = "perchild-test-" + std::to_string(::getpid());
  const UniqueFd at_path_ = listen_at(machine_.path() + "/socket");
  const UniqueFd at_name_ = listen_at('\0' + abstract_);
};

TEST_P(TakenOverRole, ReachesNothing) {
  const ReplacedRole role(GetParam().role);
  const std::vector<Attempt> all = attempts();
  std::string wanted;
  for (const Attempt& attempt : all) wanted += attempt.what + "\n";
  role.write("attacks", wanted);
  Server server(service(role.bin()));
  if (GetParam().over_tls) {
    EXPECT_TRUE(contains(tls_get(server.port(), "a.example", named("a.example")), "of a"));
  } else {
    get(server.port(), "a.example");
  }
  std::map<std::string, int> results;
  ASSERT_TRUE(eventually([&] {
    results = reported_attacks(server.log() + server.error_log(0));
    return results.count("locked " + all.back().what) != 0;
  })) << server.log()
      << server.error_log(0);
  for (const Attempt& attempt : all) {
    EXPECT_EQ(results["unlocked " + attempt.what], attempt.unlocked) << attempt.what;
    EXPECT_EQ(results["unfiltered " + attempt.what], attempt.unfiltered) << attempt.what;
    EXPECT_EQ(results["locked " + attempt.what], attempt.locked) << attempt.what;
  }
  EXPECT_EQ(server.stop(), 0) << server.log();
}

INSTANTIATE_TEST_SUITE_P(As, TakenOverRole,
                         ::testing::Values(TakenOver{"Router", Role::router, false},
                                           TakenOver{"Checker", Role::checker, false},
                                           TakenOver{"Keeper", Role::keeper, true},
                                           TakenOver{"Worker", Role::worker, false},
                                           TakenOver{"TlsWorker", Role::worker, true}),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace perchild::test::taken_over_test
