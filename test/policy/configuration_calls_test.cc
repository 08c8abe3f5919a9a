// "system_calls" in the configuration: what becomes of it, and mistakes, each where it stands.
#include "policy/configuration_calls.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>

#include "policy/configuration_json.h"
#include "test/policy/configuration_fakes.h"
#include "test/policy/marked_text.h"

namespace perchild::test::configuration_calls_test {
namespace {

ReadConfiguration read(const std::string& vhost, const std::string& defaults = "{}") {
  FakeSystem system;
  FakeFiles files;
  files.texts["perchild.json"] = R"({"listen": [{"address": "*:80"}], "id_range": [1000, 59999],
    "defaults": )" + defaults + R"(, "vhosts": [{"hosts": ["a.example"], "user": "alice",
"root": "/srv/a", "php": true, )" +
                                 vhost + "}]}";
  return read_configuration("perchild.json", files, system);
}

Site site_of(const std::string& vhost, const std::string& defaults = "{}") {
  const ReadConfiguration got = read(vhost, defaults);
  EXPECT_TRUE(got.mistakes.empty());
  return got.configuration.value().sites[0];
}

using Names = std::vector<std::string>;

TEST(ConfigurationCalls, EachListStandsInThePlaceOfWhatIsInherited) {
  const std::string defaults =
      R"({"system_calls": {"forbid": ["@internet"], "allow": ["@debug"]}})";
  const ProgramCalls inherited = site_of(R"("cgi": true)", defaults).calls;
  EXPECT_EQ(inherited.forbid, Names{"@internet"});
  EXPECT_EQ(inherited.allow, Names{"@debug"});
  const ProgramCalls own =
      site_of(R"("system_calls": {"forbid": ["inotify_init1", "@sysv-ipc"]})", defaults).calls;
  EXPECT_EQ(own.forbid, (Names{"inotify_init1", "@sysv-ipc"}));
  EXPECT_EQ(own.allow, Names{"@debug"});
  EXPECT_EQ(site_of(R"("system_calls": {"forbid": []})", defaults).calls.forbid, Names{});
  EXPECT_EQ(site_of(R"("cgi": true)").calls, ProgramCalls{});
}

// What is so for all programs anyhow needs no saying, and is no mistake.
TEST(ConfigurationCalls, WhatHoldsAnyhowIsLeftOut) {
  const ProgramCalls calls =
      site_of(R"("system_calls": {"forbid": ["bpf", "ptrace"], "allow": ["open", "@internet"]})")
          .calls;
  EXPECT_EQ(calls.forbid, Names{"ptrace"});  // it could be allowed elsewhere
  EXPECT_EQ(calls.allow, Names{});
}

TEST(ConfigurationCalls, PhpIsLoadedForEachProcessWhereItCannotFork) {
  EXPECT_TRUE(site_of(R"("system_calls": {"forbid": ["@internet"]})").programs[0].forks);
  for (const char* const name : {"@processes", "clone", "fork", "recvmsg"}) {
    EXPECT_FALSE(
        site_of(R"("system_calls": {"forbid": [")" + std::string(name) + "\"]}").programs[0].forks)
        << name;
  }
}

class CallMistake : public testing::TestWithParam<MarkedMistake> {};

TEST_P(CallMistake, IsShownWhereItIsAndIsTheOnlyOne) {
  const MarkedMistake& one = GetParam();
  const MarkedText marked(one.text);
  const ReadConfiguration got = read(marked.text);
  ASSERT_EQ(got.mistakes.size(), 1U);
  EXPECT_EQ(got.mistakes[0].severity, Severity::error);
  EXPECT_EQ(got.mistakes[0].sentence, one.sentence);
  EXPECT_EQ(got.mistakes[0].hint, one.hint);
  constexpr std::size_t before = std::string_view(R"("root": "/srv/a", "php": true, )").size();
  EXPECT_EQ(got.mistakes[0].line, 3U);
  EXPECT_EQ(got.mistakes[0].column, before + std::stoul(marked.place.substr(2)));
}

constexpr std::string_view allowable =
    R"(what can be are "@debug" and "@numa", and the calls in these)";
const MarkedMistake cases[] = {
    {R"("system_calls": ^["ptrace"])", R"("system_calls" must be an object, but is an array)"},
    {R"("system_calls": {^"deny": []})", R"("system_calls" has no key "deny")",
     "its keys are forbid and allow"},
    {R"("system_calls": {"forbid": ^"ptrace"})", R"("forbid" must be an array, but is a string)"},
    {R"("system_calls": {"forbid": [^7]})",
     R"(an element of "forbid" must be a string, but is a number)"},
    {R"("system_calls": {"forbid": [^"inotify_add_wach"]})",
     R"("inotify_add_wach" is no system call)", R"(did you mean "inotify_add_watch"?)"},
    {R"("system_calls": {"forbid": [^"make_coffee_and_tea"]})",
     R"("make_coffee_and_tea" is no system call)"},
    {R"("system_calls": {"forbid": [^"@intranet"]})",
     R"("@intranet" is no group of system calls here)", R"(did you mean "@internet"?)"},
    {R"("system_calls": {"forbid": [^"@clock-of-all"]})",
     R"("@clock-of-all" is no group of system calls here)",
     R"(there are "@internet", "@processes", "@sysv-ipc", "@debug" and "@numa")"},
    {R"("system_calls": {"forbid": ["chmod", ^"execve"]})",
     R"("execve" cannot be forbidden: no program starts without it)"},
    {R"("system_calls": {"allow": [^"ptracee"]})", R"("ptracee" is no system call)",
     R"(did you mean "ptrace"?)"},
    {R"("system_calls": {"allow": [^"mount"]})",
     R"("mount" cannot be allowed: with mounts a program changes what its walls stand on)",
     allowable},
    {R"("system_calls": {"allow": ["ptrace", ^"io_uring_setup"]})",
     R"("io_uring_setup" cannot be allowed: what is asked for by a ring goes round every )"
     R"(system-call filter)",
     allowable},
    {R"("system_calls": {"allow": [^"vmsplice"]})", R"("vmsplice" cannot be allowed)", allowable},
};

INSTANTIATE_TEST_SUITE_P(Each, CallMistake, testing::ValuesIn(cases));

}  // namespace
}  // namespace perchild::test::configuration_calls_test
