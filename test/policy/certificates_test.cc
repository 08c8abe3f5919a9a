// Certificates and keys as OpenSSL's own command makes them.
#include "daemon/command/check/certificates.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "test/support/command.h"
#include "test/support/temporary_directory.h"

namespace perchild::test::certificates_test {
namespace {

class Certificates : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_.path() + "/" + name; }

  // A key in `name`.key, and a certificate that it has signed itself in `name`.pem.
  void make(const std::string& name, const std::vector<std::string>& kind) {
    std::vector<std::string> command{"openssl", "req",
                                     "-x509",   "-nodes",
                                     "-keyout", path(name + ".key"),
                                     "-out",    path(name + ".pem"),
                                     "-days",   "30",
                                     "-subj",   "/CN=" + name,
                                     "-addext", "subjectAltName=DNS:A.example,DNS:*.b.example"};
    command.insert(command.end(), kind.begin(), kind.end());
    const CommandEnd end = run_command(command);
    ASSERT_EQ(end.status, 0) << end.output;
    ASSERT_EQ(::chmod(path(name + ".key").c_str(), 0600), 0);
  }
  void make(const std::string& name) { make(name, ec); }

  CertificateFacts read(const std::string& chain, const std::string& key) {
    return CertificateFiles().read(path(chain), path(key));
  }

  const std::vector<std::string> ec{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"};
  TemporaryDirectory folder_;
};

TEST_F(Certificates, OfEachKindAreTaken) {
  const std::pair<std::string, std::vector<std::string>> kinds[] = {
      {"EC", ec}, {"RSA", {"-newkey", "rsa:2048"}}, {"ED25519", {"-newkey", "ed25519"}}};
  for (const auto& [kind, arguments] : kinds) {
    make(kind, arguments);
    const CertificateFacts facts = read(kind + ".pem", kind + ".key");
    EXPECT_EQ(facts.chain_problem + facts.key_problem + facts.refused, "") << kind;
    EXPECT_EQ(facts.kind, kind);
    EXPECT_TRUE(facts.key_fits);
    EXPECT_FALSE(facts.key_is_public);
    EXPECT_EQ(facts.names, (std::vector<std::string>{"a.example", "*.b.example"}));
    EXPECT_EQ(facts.certificate.chain.size(), 1u);
    EXPECT_FALSE(facts.certificate.key.empty());
    EXPECT_TRUE(facts.signs_itself);
    EXPECT_TRUE(facts.objections.empty());
    EXPECT_EQ(facts.not_after - facts.not_before, std::chrono::days(30));
  }
}

TEST_F(Certificates, AKeyOfAnotherDoesNotFit) {
  make("one");
  make("other");
  EXPECT_FALSE(read("one.pem", "other.key").key_fits);
}

TEST_F(Certificates, AChainInDisorderIsSeen) {
  make("one");
  make("other");
  folder_.write("chain.pem", read_file(path("one.pem")) + read_file(path("other.pem")));
  const CertificateFacts facts = read("chain.pem", "one.key");
  EXPECT_EQ(facts.misplaced, 2u);
  EXPECT_EQ(facts.certificate.chain.size(), 2u);
}

TEST_F(Certificates, AKeyThatEverybodyCanReadIsSeen) {
  make("one");
  ASSERT_EQ(::chmod(path("one.key").c_str(), 0644), 0);
  EXPECT_TRUE(read("one.pem", "one.key").key_is_public);
}

TEST_F(Certificates, AFileThatAnotherUserMayChangeIsObjectedTo) {
  make("one");
  ASSERT_EQ(::chown(path("one.key").c_str(), 20001, 20001), 0);
  EXPECT_EQ(read("one.pem", "one.key").objections.size(), 1u);
}

TEST_F(Certificates, AKeyThatIsTooShortIsRefused) {
  make("short", {"-newkey", "rsa:1024"});
  EXPECT_NE(read("short.pem", "short.key").refused, "");
}

TEST_F(Certificates, AKeyWithAPassphraseCannotBeRead) {
  make("one");
  const CommandEnd end = run_command({"openssl", "pkey", "-in", path("one.key"), "-aes256",
                                      "-passout", "pass:secret", "-out", path("locked.key")});
  ASSERT_EQ(end.status, 0) << end.output;
  EXPECT_NE(read("one.pem", "locked.key").key_problem, "");
}

TEST_F(Certificates, WhatIsNoneIsNotTakenForOne) {
  make("one");
  folder_.write("text", "no certificate");
  folder_.write("cut.pem", read_file(path("one.pem")) +
                               "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  EXPECT_NE(read("text", "one.key").chain_problem, "");
  EXPECT_NE(read("cut.pem", "one.key").chain_problem, "");
  EXPECT_NE(read("one.pem", "text").key_problem, "");
  EXPECT_NE(read("missing", "one.key").chain_problem, "");
  EXPECT_NE(read("one.key", "one.key").chain_problem, "");
}

TEST_F(Certificates, OneMadeForTryingOutIsForItsHosts) {
  const Certificate made = make_self_signed_certificate(
      {HostPattern::parse("a.example").value(), HostPattern::parse("*.b.example").value()});
  ASSERT_EQ(made.chain.size(), 1u);
  folder_.write("made.der", made.chain.front());
  const CommandEnd end = run_command({"openssl", "x509", "-inform", "DER", "-in", path("made.der"),
                                      "-noout", "-ext", "subjectAltName"});
  EXPECT_NE(end.output.find("DNS:a.example, DNS:*.b.example"), std::string::npos) << end.output;
  EXPECT_NE(made.key, make_self_signed_certificate({HostPattern::parse("a.example").value()}).key);
}

}  // namespace
}  // namespace perchild::test::certificates_test
