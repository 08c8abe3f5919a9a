// A hostile tenant's programs, where the operator has said which system calls are refused them, and
// which are allowed besides; and a neighbour's, of whom nothing is said.
#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "privsep/landlock.h"
#include "test/hostile/sites_of_attackers.h"
#include "test/hostile/tenants_program.h"
#include "test/support/spares.h"
#include "test/system/reloading.h"
#include "test/system/requests.h"

namespace perchild::test::program_calls_test {
namespace {

constexpr const char* calls = R"(,
  "system_calls": {"forbid": ["@internet", "inotify_init1"], "allow": ["@debug"]})";

std::string number(int error) {
  return std::to_string(error) + "\n";
}

class ProgramCalls : public ::testing::TestWithParam<const char*> {
 protected:
  ProgramCalls()
      : server_({.sites = {{"a.example", files(), attackers_programs + std::string(calls)},
                           {"b.example", files(), attackers_programs}},
                 .more = if_available + std::string(is_of_spare() ? R"(, "child_groups":
                                                                     {"spares": 2})"
                                                                  : "")}) {
    if (is_of_spare()) {
      EXPECT_TRUE(has_spares(server_, 2));
    }
    for (const std::size_t site : {0U, 1U}) {
      server_.add_file(site, "cgi-bin/attack", hostile_program(), 0700);
    }
  }
  static bool is_of_spare() { return is_of_a_spare(GetParam()); }
  // What it was before it had a site is what it was started as.
  bool was_a_spare() const {
    std::error_code error;
    const auto executable = std::filesystem::read_symlink(
        "/proc/" + std::to_string(server_.runners_of(0).at(0).pid) + "/exe", error);
    return executable.filename() == "perchild-spare";
  }
  static std::map<std::string, std::string> files() {
    return {{"attack.php", attackers_php}, {"cgi-bin/app.py", attackers_application}};
  }
  std::string answer(const std::string& host, const std::string& query) const {
    return body_of_answer(server_, host, GetParam() + ("?" + query));
  }

  const Neighbourhood neighbourhood_;
  Server server_;
};

TEST_P(ProgramCalls, AreRefusedToWhomTheyAreForbiddenAndToNobodyElse) {
  // The second one is told that there is no such descriptor: it has got no socket.
  for (const auto& [attack, refusal] :
       {std::pair("connect_port+" + neighbourhood_.port(), ENOSYS),
        std::pair("bind_datagrams+" + std::to_string(free_port()), EBADF),
        std::pair(std::string("watch+/etc"), ENOSYS)}) {
    EXPECT_EQ(answer("a.example", attack), number(refusal)) << attack << server_.error_log(0);
    EXPECT_EQ(answer("b.example", attack), number(0)) << attack << server_.error_log(1);
  }
  EXPECT_EQ(server_.error_log(0), "");
  EXPECT_EQ(was_a_spare(), is_of_spare());
}

// Who may look into others sees no more of them than there is in his namespace, and not his runner.
TEST_P(ProgramCalls, AreAllowedToWhomTheyAreAndLeadNowhereElse) {
  EXPECT_EQ(answer("b.example", "trace_child+-"), number(ENOSYS));
  EXPECT_EQ(answer("a.example", "trace_child+-"), number(0));
  for (const char* const attack : {"attach", "read_memory", "write_memory", "take_descriptor"}) {
    EXPECT_EQ(answer("a.example", attack + std::string("+1")), number(EPERM)) << attack;
    EXPECT_EQ(answer("b.example", attack + std::string("+1")), number(ENOSYS)) << attack;
  }
  for (const TenantsAttack& attack : neighbourhood_.attacks()) {
    const std::string name = attack.name;
    const bool is_debuggers = name == "attach" || name == "read_memory" || name == "write_memory";
    if (!is_debuggers) continue;
    EXPECT_EQ(answer("a.example", name + "+" + attack.argument), number(ESRCH)) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(By, ProgramCalls, attackers_paths, kind_of_attacker);

// PHP that starts nothing: neither by itself, nor by what it is asked to run.
TEST(ProgramCallsOfPhp, NoProcessIsMadeWhereProcessesAreForbidden) {
  const std::string script =
      "<?php echo posix_getppid(), ' ', @shell_exec('echo made') ?: 'none', "
      "is_resource(@proc_open('true', [], $pipes)) ? ' made' : ' none';";
  const std::string php = R"(, "php": true)";
  const Server server({.sites = {{"a.example",
                                  {{"x.php", script}},
                                  php + R"(, "system_calls": {"forbid": ["@processes"]})"},
                                 {"b.example", {{"x.php", script}}, php}},
                       .more = if_available + std::string(R"(, "child_groups": {"spares": 1})")});
  EXPECT_EQ(body_of_answer(server, "a.example", "/x.php"), "1 none none") << server.error_log(0);
  // Whose child the neighbour's is depends on whether a spare was there.
  const std::string of_b = body_of_answer(server, "b.example", "/x.php");
  EXPECT_TRUE(of_b.ends_with(" made\n made")) << of_b << server.error_log(1);
}

// What the runner starts for mail can connect, which is what programs are kept from: they are not
// to have it done there, not even as debuggers. The smarthost never answers, so it waits.
constexpr const char* through_mail =
    "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\n"
    "printf 'To: x@c.example\\n\\nText\\n' | $SENDMAIL x@c.example >/dev/null 2>&1 &\n"
    "until client=$(grep -lsx msmtp /proc/[0-9]*/comm); do sleep 0.01; done\n"
    "client=${client#/proc/}\n./attack $QUERY_STRING ${client%/comm}\n";

TEST(ProgramCallsWithMail, LeaveNoWayThroughWhatSendsIt) {
  if (landlock_abi() == 0) GTEST_SKIP();
  const Neighbourhood smarthost;
  const std::string mail =
      R"(, "cgi": true, "mail": {"smarthost": "127.0.0.1:)" + smarthost.port() + "\"}";
  Server server({.sites = {{"a.example",
                            {{"cgi-bin/.keep", ""}},
                            mail + R"(, "system_calls": {"forbid": ["@internet"], "allow":
                                                         ["@debug"]})"},
                           {"b.example",
                            {{"cgi-bin/.keep", ""}},
                            mail + R"(, "system_calls": {"allow": ["@debug"]})"}},
                 .more = if_available});
  for (const std::size_t site : {0U, 1U}) {
    server.add_file(site, "cgi-bin/attack", read_file(bin_directory() + "/hostile-program"), 0700);
    server.add_file(site, "cgi-bin/mail", through_mail, 0700);
  }
  EXPECT_EQ(body_of_answer(server, "a.example", "/cgi-bin/mail?attach"), number(EPERM));
  EXPECT_EQ(body_of_answer(server, "b.example", "/cgi-bin/mail?attach"), number(0));
}

TEST(ProgramCallsOfAReload, AreNarrowedAtOnceAndWidenedByARestart) {
  Server server({.sites = {{"a.example",
                            {{"cgi-bin/.keep", ""}},
                            R"(, "cgi": true, "system_calls": {"forbid": [], "allow": ["kcmp"]})"}},
                 .more = if_available});
  server.add_file(0, "cgi-bin/attack", read_file(bin_directory() + "/hostile-program"), 0700);
  const std::string watch = "/cgi-bin/attack?watch+/etc";
  EXPECT_EQ(body_of_answer(server, "a.example", watch), number(0));
  edit(server, R"("forbid": [], "allow": ["kcmp"])", R"("forbid": ["inotify_init1"], "allow": [])");
  EXPECT_EQ(reload(server).status, 0);
  EXPECT_EQ(body_of_answer(server, "a.example", watch), number(ENOSYS));
  edit(server, R"("allow": [])", R"("allow": ["kcmp", "ptrace", "mbind"])");
  const CommandEnd end = reload(server);
  EXPECT_EQ(end.status, 1);
  EXPECT_TRUE(contains(end.output,
                       "\"system_calls\" of sites allow what the running service cannot pass on: "
                       "mbind ptrace: restart it"))
      << end.output;
  edit(server, R"(["kcmp", "ptrace", "mbind"])", R"(["kcmp"])");
  EXPECT_EQ(reload(server).status, 0);
  EXPECT_EQ(body_of_answer(server, "a.example", "/cgi-bin/attack?trace_child+-"), number(ENOSYS));
}

}  // namespace
}  // namespace perchild::test::program_calls_test
