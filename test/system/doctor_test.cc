// `perchild doctor`: a good installation has no findings, and each that is set up badly has the one
// that it should have, with a command that mends it.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "test/support/certificate_files.h"
#include "test/support/command.h"
#include "test/system/requests.h"

namespace perchild::test::doctor_test {
namespace {

using Texts = std::vector<std::string>;

struct Diagnosed {
  int status = 0;
  nlohmann::json report;

  // Those that are not the machine's that the test runs on: its kernel and disks, and what other
  // tests run under the same uids.
  std::vector<nlohmann::json> own() const {
    std::vector<nlohmann::json> all;
    for (const auto& finding : report.at("findings")) {
      const bool is_of_strangers =
          finding.at("area") == "processes" && finding.at("severity") == "note";
      const bool is_of_the_machine =
          finding.at("area") == "kernel" || finding.at("area") == "disks";
      if (!is_of_the_machine && !is_of_strangers) all.push_back(finding);
    }
    return all;
  }
  // "error logs /path"
  Texts found() const {
    Texts all;
    for (const auto& finding : own()) {
      all.push_back(finding.at("severity").get<std::string>() + " " +
                    finding.at("area").get<std::string>() + " " +
                    finding.at("subject").get<std::string>());
    }
    return all;
  }
  Texts commands() const {
    Texts all;
    for (const auto& finding : own()) all.push_back(finding.at("command"));
    return all;
  }
};

Diagnosed diagnose(const Server& server, const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments{bin_directory() + "/perchild", "doctor", "--json", "--config",
                                     server.configuration()};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const CommandEnd end = run_command(arguments);
  Diagnosed diagnosed{end.status, nlohmann::json::parse(end.output, nullptr, false)};
  if (diagnosed.report.is_discarded()) throw std::runtime_error("no report: " + end.output);
  return diagnosed;
}

std::vector<SiteSpec> two_sites() {
  return {{"a.example", {{"index.html", "of a"}}}, {"b.example", {{"index.html", "of b"}}}};
}

class Doctor : public ::testing::Test {
 protected:
  // That there is this one finding, and that its command mends it.
  void expect_mended(const std::string& finding) const {
    const Diagnosed diagnosed = diagnose(server_);
    EXPECT_EQ(diagnosed.found(), Texts{finding});
    EXPECT_EQ(diagnosed.status, 1);
    ASSERT_EQ(diagnosed.commands().size(), 1u);
    const CommandEnd mended = run_command({"bash", "-c", diagnosed.commands()[0]});
    EXPECT_EQ(mended.status, 0) << diagnosed.commands()[0] << mended.output;
    EXPECT_EQ(diagnose(server_).found(), Texts{});
  }
  std::string below(const std::string& name) const {
    return server_.directory().path() + "/" + name;
  }

  Server server_{{.sites = two_sites()}};
};

TEST_F(Doctor, FindsNothingInAGoodInstallationThatRuns) {
  for (const char* site : {"a.example", "b.example"}) {
    EXPECT_EQ(ask(server_, request(site)).status, 200);
  }
  const Diagnosed diagnosed = diagnose(server_);
  EXPECT_EQ(diagnosed.found(), Texts{});
  EXPECT_GT(diagnosed.report.at("in_order"), 20);
}

TEST_F(Doctor, FindsNothingInAGoodInstallationThatDoesNotRun) {
  server_.stop();
  EXPECT_EQ(diagnose(server_).found(), Texts{});
}

TEST_F(Doctor, IsForRootAndAGoodConfiguration) {
  const std::vector<std::string> arguments{bin_directory() + "/perchild", "doctor", "--config",
                                           server_.configuration()};
  EXPECT_EQ(run_command(arguments, uid_a).status, 2);
  write_file(server_.configuration(), "{ \"listen\": 1 }");
  const CommandEnd end = run_command(arguments);
  EXPECT_EQ(end.status, 2);
  EXPECT_TRUE(contains(end.output, "mend: perchild check --config " + server_.configuration()))
      << end.output;
  ASSERT_EQ(::unlink(server_.configuration().c_str()), 0);
  EXPECT_EQ(run_command(arguments).status, 2);
}

TEST_F(Doctor, FindsAConfigurationThatOthersWrite) {
  ASSERT_EQ(::chmod(server_.configuration().c_str(), 0664), 0);
  expect_mended("error configuration " + server_.configuration());
  ASSERT_EQ(::chown(server_.configuration().c_str(), uid_a, 0), 0);
  expect_mended("error configuration " + server_.configuration());
}

TEST_F(Doctor, FindsLogsThatAreNotTheMastersAlone) {
  ASSERT_EQ(ask(server_, request("a.example")).status, 200);
  const std::string log = below("log/a.example.access.log");
  ASSERT_EQ(::chmod(log.c_str(), 0666), 0);
  expect_mended("warning logs " + log);
  ASSERT_EQ(::chown(log.c_str(), uid_a, 0), 0);
  expect_mended("warning logs " + log);
  const std::string link = below("log/x y.error.log");
  std::filesystem::create_symlink("/etc/passwd", link);
  expect_mended("warning logs '" + link + "'");
  ASSERT_EQ(::chmod(below("log").c_str(), 0755), 0);
  expect_mended("warning logs " + below("log"));
}

TEST_F(Doctor, FindsASocketAndAnEmptyRootThatAreNotWhatTheyShouldBe) {
  ASSERT_EQ(::chmod(below("run/control").c_str(), 0666), 0);
  expect_mended("error runtime " + below("run/control"));
  write_file(below("run/empty/what's this"), "x");
  expect_mended("error runtime '" + below("run/empty/what'\\''s this") + "'");
}

TEST_F(Doctor, FindsARootThatOthersWrite) {
  ASSERT_EQ(::chmod(server_.docroot(0).c_str(), 0702), 0);
  expect_mended("error roots " + server_.docroot(0));
}

TEST(DoctorOfKeys, FindsAKeyThatOthersRead) {
  const TemporaryDirectory certificates;
  const CertificateFiles files = make_certificate(certificates.path(), "a", {"a.example"});
  Server server({.sites = {{"a.example",
                            {{"index.html", "of a"}},
                            ", \"tls\": " + CertificateFiles::json({files})}},
                 .listen = R"([{ "address": "127.0.0.1:PORT", "tls": true }])"});
  EXPECT_EQ(diagnose(server).found(), Texts{});
  ASSERT_EQ(::chmod(files.key.c_str(), 0644), 0);
  // Nor does the configuration pass, so the sites are not looked at.
  const Diagnosed diagnosed = diagnose(server);
  EXPECT_EQ(diagnosed.found(),
            (Texts{"error configuration " + server.configuration(), "error keys " + files.key}));
  EXPECT_EQ(diagnosed.status, 2);
  ASSERT_EQ(run_command({"bash", "-c", diagnosed.commands().at(1)}).status, 0);
  EXPECT_EQ(diagnose(server).found(), Texts{});
}

class DoctorOfRoots : public Doctor {
 protected:
  // So that others come to the root: one finding of its own.
  void open_root() const { ASSERT_EQ(::chmod(server_.docroot(0).c_str(), 0711), 0); }
  std::string path(const std::string& name) const { return server_.docroot(0) + "/" + name; }
  Texts found_in_open_root() const {
    Texts found = diagnose(server_).found();
    std::erase(found, "warning roots " + server_.docroot(0));
    return found;
  }
};

TEST_F(DoctorOfRoots, FindsNothingBehindARootThatIsClosed) {
  server_.add_file(0, "wp-config.php", "secret", 0644);
  server_.add_file(0, "upload", "x", 0666);
  ASSERT_EQ(::chmod(path("upload").c_str(), 0666), 0);
  EXPECT_EQ(diagnose(server_).found(), Texts{});
}

TEST_F(DoctorOfRoots, FindsARootThatIsOpen) {
  open_root();
  expect_mended("warning roots " + server_.docroot(0));
}

TEST_F(DoctorOfRoots, FindsSecretsThatOthersReadByTheirNamesAndMendsThemAsTheirUser) {
  open_root();
  server_.add_file(0, "it's\n/.env", "secret", 0644);
  ASSERT_EQ(::chmod(path("it's\n").c_str(), 0755), 0);
  const Diagnosed diagnosed = diagnose(server_);
  const std::string word = "$'" + server_.docroot(0) + "/it\\'s\\x0a/.env'";
  EXPECT_EQ(diagnosed.found(),
            (Texts{"warning roots " + server_.docroot(0), "error roots " + word}));
  for (const std::string& command : diagnosed.commands()) {
    EXPECT_TRUE(
        command.starts_with("setpriv --reuid=20001 --regid=20001 --clear-groups -- chmod "));
    EXPECT_EQ(run_command({"bash", "-c", command}).status, 0) << command;
  }
  EXPECT_EQ(diagnose(server_).found(), Texts{});
}

TEST_F(DoctorOfRoots, FindsWhatIsSetuidAnotherUsersOrLeadsOut) {
  server_.add_file(0, "tool", "x");
  ASSERT_EQ(::chmod(path("tool").c_str(), 04755), 0);
  EXPECT_EQ(diagnose(server_).found(), Texts{"warning roots " + path("tool")});
  ASSERT_EQ(::unlink(path("tool").c_str()), 0);

  server_.add_file(1, "private", "of b");
  std::filesystem::create_hard_link(server_.docroot(1) + "/private", path("public"));
  EXPECT_EQ(diagnose(server_).found(), Texts{"warning roots " + path("public")});
  ASSERT_EQ(::unlink(path("public").c_str()), 0);

  server_.add_file(0, "roots", "x");
  ASSERT_EQ(::chown(path("roots").c_str(), 0, 0), 0);
  EXPECT_EQ(diagnose(server_).found(), Texts{"note roots " + path("roots")});
  ASSERT_EQ(::unlink(path("roots").c_str()), 0);

  std::filesystem::create_symlink("/etc", path("etc"));
  const Diagnosed diagnosed = diagnose(server_);
  EXPECT_EQ(diagnosed.found(), Texts{"note roots " + path("etc")});
}

TEST_F(DoctorOfRoots, SaysWhereItEnds) {
  for (int i = 0; i < 50; ++i) server_.add_file(0, std::to_string(i), "x");
  const auto unseen = [&](const std::string& names) {
    return diagnose(server_, {"--names", names}).report.at("not_looked_at").dump();
  };
  EXPECT_TRUE(contains(unseen("20"), server_.docroot(0) + " beyond its first 20 names"));
  EXPECT_FALSE(contains(unseen("51"), "beyond"));
}

TEST_F(DoctorOfRoots, LooksWithTheUsersRightsAndNotWithRoots) {
  server_.add_file(0, "closed/.env", "x", 0644);
  ASSERT_EQ(::chown(path("closed").c_str(), uid_b, uid_b), 0);
  const Diagnosed diagnosed = diagnose(server_);
  EXPECT_EQ(diagnosed.found(), Texts{"note roots " + path("closed")});
  EXPECT_TRUE(contains(diagnosed.report.at("not_looked_at").dump(), "1 folders in it"));
}

TEST(DoctorOfProcesses, FindsAServiceThatIsAnotherThanTheConfigurationSays) {
  Server server({.sites = two_sites()});
  std::string text = read_file(server.configuration());
  const std::string before = "\"master\": { \"uid\": " + std::to_string(master_uid);
  text.replace(text.find(before), before.size(), "\"master\": { \"uid\": 19011");
  write_file(server.configuration(), text);
  const Texts found = diagnose(server).found();
  const std::string master =
      "error processes the master, pid " + std::to_string(server.master()) + ",";
  EXPECT_EQ(std::count(found.begin(), found.end(), master), 1) << ::testing::PrintToString(found);
}

TEST(DoctorOfProcesses, KnowsProgramsFromStrangers) {
  Server server({.sites = {{"a.example", {{"index.html", "x"}}, R"(, "app": { "command":
    ["/usr/bin/python3", "-m", "http.server"] })"}}});
  Client client(server.port());
  client.send(request("a.example"));
  ASSERT_TRUE(eventually([&] { return !server.runners_of(0).empty(); }));
  EXPECT_EQ(diagnose(server).found(), Texts{});
}

TEST(DoctorOfIds, FindsSitesOfOneUid) {
  Server server({.sites = two_sites()});
  std::string text = read_file(server.configuration());
  const std::string uid = std::to_string(uid_b);
  for (std::size_t at = 0; (at = text.find(uid, at)) != std::string::npos;) {
    text.replace(at, uid.size(), std::to_string(uid_a));
  }
  write_file(server.configuration(), text);
  ASSERT_EQ(::chown(server.docroot(1).c_str(), uid_a, uid_a), 0);
  const Texts found = diagnose(server).found();
  EXPECT_EQ(std::count(found.begin(), found.end(), "warning ids uid 20001"), 1);
}

}  // namespace
}  // namespace perchild::test::doctor_test
