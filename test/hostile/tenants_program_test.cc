// A hostile tenant's programs, behind a real site, against everything on the machine that is not
// theirs. Each attack is also made where the defence is not there, and must work.
#include "test/hostile/tenants_program.h"

#include <gtest/gtest.h>

#include "privsep/landlock.h"
#include "test/hostile/sites_of_attackers.h"
#include "test/support/command.h"
#include "test/support/spares.h"
#include "test/system/requests.h"

namespace perchild::test::tenants_program_test {
namespace {

class TenantsProgram : public ::testing::TestWithParam<const char*> {
 protected:
  TenantsProgram()
      : server_({.sites = {{"a.example", files(), attackers_programs},
                           {"b.example", files(), attackers_programs}},
                 .more = if_available + std::string(is_of_a_spare(GetParam())
                                                        ? R"(, "child_groups": {"spares": 2})"
                                                        : "")}) {
    if (is_of_a_spare(GetParam())) {
      EXPECT_TRUE(has_spares(server_, 2));
    }
    for (const std::size_t site : {0U, 1U}) {
      server_.add_file(site, "cgi-bin/attack", hostile_program(), 0700);
    }
  }
  static std::map<std::string, std::string> files() {
    return {{"index.html", "a site"},
            {"attack.php", attackers_php},
            {"cgi-bin/app.py", attackers_application}};
  }
  std::string answer(const std::string& host, const std::string& query) const {
    return body_of_answer(server_, host, GetParam() + ("?" + query));
  }

  const Neighbourhood neighbourhood_;
  Server server_;
};

TEST_P(TenantsProgram, ReachesNothingThatIsNotItsSites) {
  for (const TenantsAttack& attack : neighbourhood_.attacks()) {
    EXPECT_EQ(answer("a.example", std::string(attack.name) + "+" + attack.argument),
              std::to_string(attack.answer) + "\n")
        << attack.name << " " << attack.argument << "\n"
        << server_.error_log(0);
  }
  EXPECT_EQ(get(server_.port(), "b.example").body, "a site");
}

// PID 1 of its namespace, which has the same uid.
TEST_P(TenantsProgram, DoesNotSeeIntoItsRunner) {
  for (const char* name : {"proc_mem", "proc_environ", "proc_cwd", "proc_fd", "proc_root",
                           "proc_fdinfo", "proc_maps", "proc_namespace"}) {
    EXPECT_EQ(answer("a.example", std::string(name) + "+1"), std::to_string(EACCES) + "\n") << name;
  }
}

// Other walls have to stand there: modes, a firewall, what a service asks of who connects.
TEST_P(TenantsProgram, HasTheNetworkThatAllUsersOfTheMachineHave) {
  EXPECT_EQ(answer("a.example", "connect_port+" + neighbourhood_.port()), "0\n");
  // But for a way around Landlock: with "connect_ports" it would lead anywhere.
  EXPECT_EQ(answer("a.example", "connect_port_fast+" + neighbourhood_.port()),
            std::to_string(ENOSYS) + "\n");
  EXPECT_EQ(answer("a.example", "bind_datagrams+" + std::to_string(free_port())), "0\n");
  EXPECT_EQ(
      answer("a.example", "listen_by_chance_at+" + std::to_string(free_port_of_the_kernels())),
      "0\n");
  EXPECT_EQ(answer("a.example", "read+/proc/net/tcp"), "0\n");
}

// "connect_ports", where the kernel's Landlock knows ports. The control is above.
TEST_P(TenantsProgram, ConnectsToNoPortThatItsSiteDoesNotName) {
  if (!landlock_knows_ports()) GTEST_SKIP();
  const std::string port = neighbourhood_.port();
  const std::string narrow = attackers_programs + std::string(R"(, "connect_ports": [)");
  Server server(
      {.sites = {{"a.example", files(), narrow + "]"}, {"b.example", files(), narrow + port + "]"}},
       .more = if_available});
  const auto ask = [&](const std::string& host, const std::string& query) {
    return body_of_answer(server, host, GetParam() + ("?" + query));
  };
  for (const std::size_t site : {0U, 1U}) {
    server.add_file(site, "cgi-bin/attack", hostile_program(), 0700);
  }
  EXPECT_EQ(ask("a.example", "connect_port+" + port), std::to_string(EACCES) + "\n");
  EXPECT_EQ(ask("b.example", "connect_port+" + port), "0\n");
  EXPECT_EQ(ask("b.example", "connect_port+" + std::to_string(server.port())),
            std::to_string(EACCES) + "\n");
}

// Which the kernel counts for each user, and those of a namespace as its owner's too.
TEST_P(TenantsProgram, TakesNothingFromItsNeighboursNorFromRoot) {
  for (const auto& taken :
       {std::pair("watch_by_many", EMFILE), std::pair("queue_signals", EAGAIN)}) {
    const char* const attack = taken.first;
    const int refusal = taken.second;
    Client taker(server_.port());
    taker.send("GET /cgi-bin/attack?" + std::string(attack) +
               "+1000000+stay HTTP/1.1\r\nHost: a.example\r\n\r\n");
    std::string said;
    EXPECT_TRUE(eventually([&] {
      said += taker.receive_some();
      return contains(said, "\n" + std::to_string(refusal) + "\n");
    })) << said;
    EXPECT_EQ(answer("b.example", std::string(attack) + "+1"), "0\n") << attack;
    EXPECT_EQ(run_command({bin_directory() + "/hostile-program", attack, "1"}).output, "0\n");
  }
}

INSTANTIATE_TEST_SUITE_P(By, TenantsProgram, attackers_paths, kind_of_attacker);

class TenantsProgramElsewhere : public ::testing::Test {
 protected:
  TenantsProgramElsewhere() {
    folder_.write("attack", hostile_program(), 0755);
    ::chmod(folder_.path().c_str(), 0777);
  }
  std::string answer(Stand stand, const std::string& name, const std::string& argument) const {
    const std::vector<std::string> call{folder_.path() + "/attack", name, argument};
    if (stand == Stand::as_root) return run_command(call).output;
    return run_command(call, stand == Stand::as_owner ? uid_b : uid_a).output;
  }

  const TemporaryDirectory folder_;
  const Neighbourhood neighbourhood_;
};

TEST_F(TenantsProgramElsewhere, ReachesAllOfIt) {
  for (const TenantsAttack& attack : neighbourhood_.attacks()) {
    EXPECT_EQ(answer(attack.control, attack.name, attack.argument), "0\n")
        << attack.name << " " << attack.argument;
  }
  EXPECT_EQ(answer(Stand::plain, "connect_port_fast", neighbourhood_.port()), "0\n");
}

}  // namespace
}  // namespace perchild::test::tenants_program_test
