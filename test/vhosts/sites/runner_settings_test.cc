#include "vhosts/sites/runner_settings.h"

#include <gtest/gtest.h>

#include <functional>

namespace perchild::test::runner_settings_test {
namespace {

RunnerSettings sample() {
  using std::chrono::milliseconds;
  return {.root = "/srv/a",
          .programs = {{.kind = ProgramKind::fastcgi_pool,
                        .protocol = ProgramProtocol::fastcgi,
                        .name = "php",
                        .command = {"/usr/bin/php-cgi", "-d", "a=b"},
                        .environment = {"A=1", "B=2"},
                        .directory = "/srv/a",
                        .forks = true,
                        .most_processes = 5,
                        .most_requests = 6,
                        .idle = milliseconds(7),
                        .request = milliseconds(8),
                        .queue = milliseconds(9),
                        .longest_queue = 10,
                        .session = milliseconds(11)},
                       {.kind = ProgramKind::backend,
                        .protocol = ProgramProtocol::http,
                        .name = "proxy",
                        .address = "127.0.0.1:3000"}},
          .writable = {"/srv/cache", "/var/lib/x"},
          .executable = {"/srv/bin"},
          .tmp = "/home/alice/tmp",
          .connect_ports = {{443, 65535}},
          .quota = {.memory = 1ULL << 40, .processes = 2, .cpu_percent = 3, .io = 4},
          .most_log_bytes = 1ULL << 41,
          .landlock = Requirement::if_available,
          .mail = MailSettings{.smarthost = "mail.example",
                               .port = 587,
                               .tls = MailTls::starttls,
                               .senders = {"*@a.example"},
                               .domain = "a.example",
                               .rate = {.count = 5, .per = milliseconds(60'000), .burst = 5}},
          .sendmail = "/usr/lib/perchild/perchild-sendmail",
          .fork_server = "/usr/lib/perchild/perchild-fork-server.so",
          .filter = "a filter",
          .refusals = "refusals"};
}

TEST(RunnerSettings, AreUnpackedAsTheyWerePacked) {
  const std::string bytes = sample().pack();
  const auto settings = RunnerSettings::unpack(bytes);
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->root, "/srv/a");
  EXPECT_EQ(settings->writable, sample().writable);
  EXPECT_EQ(settings->executable, sample().executable);
  EXPECT_EQ(settings->tmp, sample().tmp);
  EXPECT_EQ(settings->connect_ports, sample().connect_ports);
  EXPECT_EQ(settings->quota, sample().quota);
  EXPECT_EQ(settings->most_log_bytes, sample().most_log_bytes);
  EXPECT_EQ(settings->landlock, Requirement::if_available);
  ASSERT_EQ(settings->programs.size(), 2u);
  const ProgramSettings& php = settings->programs[0];
  EXPECT_EQ(php.kind, ProgramKind::fastcgi_pool);
  EXPECT_EQ(php.protocol, ProgramProtocol::fastcgi);
  EXPECT_EQ(php.name, "php");
  EXPECT_EQ(php.command, sample().programs[0].command);
  EXPECT_EQ(php.environment, sample().programs[0].environment);
  EXPECT_EQ(php.directory, "/srv/a");
  EXPECT_EQ(php.session.count(), 11);
  EXPECT_TRUE(php.forks);
  EXPECT_FALSE(settings->programs[1].forks);
  EXPECT_EQ(php.most_processes, 5u);
  EXPECT_EQ(php.most_requests, 6u);
  EXPECT_EQ(php.idle.count(), 7);
  EXPECT_EQ(php.request.count(), 8);
  EXPECT_EQ(php.queue.count(), 9);
  EXPECT_EQ(php.longest_queue, 10u);
  EXPECT_EQ(settings->programs[1].kind, ProgramKind::backend);
  EXPECT_EQ(settings->programs[1].protocol, ProgramProtocol::http);
  EXPECT_EQ(settings->programs[1].address, "127.0.0.1:3000");
  ASSERT_TRUE(settings->mail);
  EXPECT_EQ(settings->mail->smarthost, "mail.example");
  EXPECT_EQ(settings->mail->port, 587);
  EXPECT_EQ(settings->mail->tls, MailTls::starttls);
  EXPECT_EQ(settings->mail->senders, sample().mail->senders);
  EXPECT_EQ(settings->mail->domain, "a.example");
  EXPECT_EQ(settings->mail->rate.count, 5u);
  EXPECT_EQ(settings->mail->rate.per.count(), 60'000);
  EXPECT_EQ(settings->sendmail, sample().sendmail);
  EXPECT_EQ(settings->fork_server, sample().fork_server);
  EXPECT_EQ(settings->filter, "a filter");
  EXPECT_EQ(settings->refusals, "refusals");
  EXPECT_EQ(settings->pack(), bytes);
}

TEST(RunnerSettings, NoPortIsAnotherThingThanAnyPort) {
  RunnerSettings settings = sample();
  for (const auto& ports : {std::optional<std::vector<std::uint16_t>>(), {{}}}) {
    settings.connect_ports = ports;
    const auto unpacked = RunnerSettings::unpack(settings.pack());
    ASSERT_TRUE(unpacked);
    EXPECT_EQ(unpacked->connect_ports, ports);
  }
}

TEST(RunnerSettings, NoTruncationAndNoExtraByteIsUnpacked) {
  const std::string bytes = sample().pack();
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(RunnerSettings::unpack(std::string_view(bytes).substr(0, length))) << length;
  }
  EXPECT_FALSE(RunnerSettings::unpack(bytes + '\0'));
}

TEST(RunnerSettings, ImpossibleValuesAreNotUnpacked) {
  struct Change {
    const char* what;
    std::function<void(RunnerSettings&)> make;
  };
  const Change changes[] = {
      {"a root that is relative", [](auto& s) { s.root = "srv"; }},
      {"no programs", [](auto& s) { s.programs.clear(); }},
      {"too many programs", [](auto& s) { s.programs.resize(most_programs + 1, s.programs[0]); }},
      {"a command that is relative", [](auto& s) { s.programs[0].command = {"php-cgi"}; }},
      {"no command", [](auto& s) { s.programs[0].command.clear(); }},
      {"no address", [](auto& s) { s.programs[1].address.clear(); }},
      {"no processes", [](auto& s) { s.programs[0].most_processes = 0; }},
      {"a kind", [](auto& s) { s.programs[0].kind = ProgramKind{4}; }},
      {"a protocol", [](auto& s) { s.programs[0].protocol = ProgramProtocol{3}; }},
      {"a time", [](auto& s) { s.programs[0].idle = std::chrono::milliseconds(-1); }},
      {"a folder that is relative", [](auto& s) { s.writable = {"cache"}; }},
      {"another", [](auto& s) { s.executable = {"bin"}; }},
      {"a third", [](auto& s) { s.tmp = "tmp"; }},
      {"a port that is none",
       [](auto& s) {
         s.connect_ports = {{443, 0}};
       }},
      {"where it starts", [](auto& s) { s.programs[0].directory = "x"; }},
      {"no smarthost", [](auto& s) { s.mail->smarthost.clear(); }},
      {"no senders", [](auto& s) { s.mail->senders.clear(); }},
      {"a port", [](auto& s) { s.mail->port = 0; }},
      {"a way of TLS", [](auto& s) { s.mail->tls = MailTls{3}; }},
      {"a period", [](auto& s) { s.mail->rate.per = std::chrono::milliseconds(0); }},
      {"a program that is relative", [](auto& s) { s.sendmail = "sendmail"; }},
      {"a requirement", [](auto& s) { s.landlock = Requirement{2}; }},
  };
  for (const Change& change : changes) {
    RunnerSettings changed = sample();
    change.make(changed);
    EXPECT_FALSE(RunnerSettings::unpack(changed.pack())) << change.what;
  }
}

}  // namespace
}  // namespace perchild::test::runner_settings_test
