// Programs that take all that they can get, or give up: what their visitors see, what the site's
// error log says, and that neither the site's next request nor its neighbour's is the worse for it.
#include <gtest/gtest.h>

#include <filesystem>

#include "test/support/command.h"
#include "test/system/neighbour.h"

namespace perchild::test::program_faults_test {
namespace {

constexpr const char* settings = R"(,
  "php": {"max_processes": 1}, "cgi": {"time_limit": "1500ms"}, "timeouts": {"send": "500ms"},
  "limits": {"processes": 24)";

constexpr const char* if_available = R"(, "mechanisms": { "cgroup": "if-available" })";

struct Fault {
  const char* name;
  const char* script;
  int status;
  const char* logged;
};

class ProgramFaults : public ::testing::Test {
 protected:
  explicit ProgramFaults(const std::string& more_limits = {})
      : server_({.sites = {{"a.example",
                            {{"cgi-bin/.keep", ""},
                             {"x.php", "<?php echo 'php';"},
                             {"yes.php", "<?php while (true) echo str_repeat('y', 1000);"}},
                            settings + more_limits + "}"},
                           {"b.example", {{"index.html", "of b"}}}},
                 .more = if_available}) {
    add("good", "printf 'A: b\\n\\ngood'");
    neighbour_.emplace(server_);
  }
  void add(const std::string& name, const std::string& text) {
    server_.add_file(0, "cgi-bin/" + name, "#!/bin/sh\n" + text + "\n", 0700);
  }
  int status_of(const std::string& target) {
    return get(server_.port(), "a.example", target).status;
  }
  // All that comes for a request, until the connection ends.
  std::string all(const std::string& target, const std::string& fields = {},
                  const std::string& method = "GET", const std::string& body = {}) {
    Client client(server_.port());
    client.send(request("a.example", target, "Connection: close\r\n" + fields, method) + body);
    return client.receive_to_end().value_or("<no end>");
  }
  bool runs(const std::string& name);
  void expect_survived(const std::vector<Fault>& faults);
  void expect_all_is_well() {
    EXPECT_TRUE(eventually([&] { return status_of("/cgi-bin/good") == 200; }))
        << server_.error_log(0);
    EXPECT_TRUE(eventually([&] {
      return get(server_.port(), "a.example", "/x.php").body == "php";
    })) << server_.error_log(0);
  }

  Server server_;
  std::optional<Neighbour> neighbour_;
};

// Whether a program of this name runs below the site's runner. Other tests use the same ids.
bool ProgramFaults::runs(const std::string& name) {
  std::error_code ignored;
  const auto space_of = [&](const std::string& pid) {
    return std::filesystem::read_symlink("/proc/" + pid + "/ns/pid", ignored).string();
  };
  for (const ProcessFacts& runner : server_.runners_of(0)) {
    const std::string space = space_of(std::to_string(runner.pid));
    for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
      const std::string pid = entry.path().filename();
      if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
      const bool is_named = read_file("/proc/" + pid + "/comm") == name + "\n";
      if (is_named && !space.empty() && space_of(pid) == space) return true;
    }
  }
  return false;
}

void ProgramFaults::expect_survived(const std::vector<Fault>& faults) {
  for (const Fault& fault : faults) {
    add(fault.name, fault.script);
    EXPECT_EQ(status_of("/cgi-bin/" + std::string(fault.name)), fault.status) << fault.name;
    EXPECT_TRUE(error_log_has(server_, 0, fault.logged)) << fault.name << server_.error_log(0);
    expect_all_is_well();
  }
}

TEST_F(ProgramFaults, EndTheirOwnRequestAndAreSaid) {
  expect_survived({
      {"bomb", "exec perl -e 'for (;;) { fork // do { print STDERR qq(no more\n); sleep 1000 } }'",
       504, "cgi: no more"},
      {"empty", "find /tmp /dev/shm -xdev -mindepth 1 -delete; printf 'Status: 204\n\n'", 204,
       ".perchild"},
      {"crash", "ulimit -c 0; kill -SEGV $$", 502, "was killed by SIGSEGV"},
      {"silence", "sleep 1000", 504, "the program took too long"},
      {"half", "printf 'A: b\nC'; sleep 1000", 504, "the program took too long"},
  });
}

// Without control groups it holds of each process.
class ProgramsWithLittleMemory : public ProgramFaults {
 protected:
  ProgramsWithLittleMemory() : ProgramFaults(R"(, "memory": "64M")") {}
};

TEST_F(ProgramsWithLittleMemory, EndWhereTheyFillIt) {
  server_.add_file(0, "memory.php", "<?php str_repeat('x', 1 << 30);");
  EXPECT_EQ(status_of("/memory.php"), 500);
  EXPECT_TRUE(error_log_has(server_, 0, "Allowed memory size"));
  // Half of it, at most, is /tmp.
  expect_survived({
      {"memory", "exec perl -e '$x = q(x) x 200_000_000; print qq(A: b\n\n)'", 502,
       "Out of memory"},
      {"disk", "head -c 100M /dev/zero >/tmp/full || printf 'Status: 507\n\n'", 507,
       "No space left on device"},
      {"files", "exec perl -e 'for (1..70000) { open F, q(>), qq(/tmp/$_) or die qq(full: $!\n) }'",
       502, "cgi: full: "},
  });
}

// What has left its session, and lost its parents, is not ended with its script.
TEST_F(ProgramFaults, ABombThatIsNobodysIsEndedWhenTheSiteCanStartNothingMore) {
  add("bomb",
      "(setsid perl -e 'for (;;) { fork; select undef, undef, undef, 0.001 }' &)\n"
      "exec sleep 1000");
  EXPECT_EQ(status_of("/cgi-bin/bomb"), 504);
  EXPECT_TRUE(eventually([&] {
    static_cast<void>(status_of("/cgi-bin/good"));
    return contains(server_.error_log(0), "has used up the site's processes");
  })) << server_.error_log(0);
  expect_all_is_well();
  EXPECT_TRUE(eventually([&] { return !runs("perl"); }));
}

TEST_F(ProgramFaults, AResponseEndsWithItsScriptWhoeverHoldsItsOutput) {
  add("daemon", "printf 'A: b\\n\\nup'; setsid sleep 1000 & exit 0");
  EXPECT_EQ(body_of(all("/cgi-bin/daemon")), "up");
  EXPECT_EQ(body_of(all("/cgi-bin/daemon", "Content-Length: 4\r\n", "POST", "body")), "up");
  expect_all_is_well();
}

TEST_F(ProgramFaults, AResponseEndsWhenItsScriptClosesItThoughItGoesOn) {
  add("goes-on", "printf 'A: b\\n\\nup'; exec >&- 2>&-; sleep 1000");
  EXPECT_EQ(body_of(all("/cgi-bin/goes-on")), "up");
  EXPECT_EQ(body_of(all("/cgi-bin/goes-on", "Content-Length: 4\r\n", "POST", "body")), "up");
  add("reads-nothing", "printf 'A: b\\n\\nup'");
  const std::string body(1'000'000, 'x');
  EXPECT_EQ(body_of(all("/cgi-bin/reads-nothing", "Content-Length: 1000000\r\n", "POST", body)),
            "up");
  expect_all_is_well();
}

TEST_F(ProgramFaults, EndlessOutputEndsWhenNobodyReadsIt) {
  add("yes", "printf 'A: b\\n\\n'; exec yes");
  for (const char* target : {"/cgi-bin/yes", "/yes.php"}) {
    const std::string program = contains(target, "php") ? "php-cgi" : "yes";
    // A client that goes away, and one that stays and takes nothing.
    {
      Client client(server_.port());
      client.send(request("a.example", target));
      EXPECT_FALSE(client.receive_some().empty());
    }
    EXPECT_TRUE(eventually([&] { return !runs(program); })) << target;
    Client client(server_.port());
    client.send(request("a.example", target));
    EXPECT_FALSE(client.receive_some().empty());
    EXPECT_TRUE(runs(program));
    EXPECT_TRUE(eventually([&] { return !runs(program); })) << target;
    EXPECT_TRUE(access_log_has(server_, 0, target));
    expect_all_is_well();
  }
}

}  // namespace
}  // namespace perchild::test::program_faults_test
