#include "policy/configuration_tls.h"

#include <gtest/gtest.h>

#include "policy/configuration_json.h"
#include "test/policy/configuration_fakes.h"

namespace perchild::test::configuration_tls_test {
namespace {

class ConfigurationTls : public ::testing::Test {
 protected:
  ConfigurationTls() {
    system_.users["perchild-keeper"] = {Uid{902}, Gid{902}, {}};
    system_.certificates["/tls/chain"] = good();
  }

  CertificateFacts good() const {
    CertificateFacts facts;
    facts.kind = "EC";
    facts.names = {"a.example", "*.a.example"};
    facts.not_before = system_.time - std::chrono::days(10);
    facts.not_after = system_.time + std::chrono::days(80);
    facts.certificate = {{"leaf", "issuer"}, "key"};
    return facts;
  }

  ReadConfiguration read(const std::string& tls, const std::string& hosts = R"(["a.example"])",
                         const std::string& listen =
                             R"([{ "address": "*:80" }, { "address": "*:443", "tls": true }])") {
    FakeFiles files;
    files.texts["perchild.json"] = "{ \"listen\": " + listen + R"(, "vhosts": [{ "hosts": )" +
                                   hosts + R"(, "uid": 20001, "root": "/srv")" +
                                   (tls.empty() ? "" : ", \"tls\": " + tls) + " }] }";
    return read_configuration("perchild.json", files, system_);
  }

  // The sentences, each behind its severity.
  std::vector<std::string> sentences(const ReadConfiguration& read) {
    std::vector<std::string> all;
    for (const Mistake& mistake : read.mistakes) {
      all.push_back(std::string(name_of(mistake.severity)) + ": " + mistake.sentence);
    }
    return all;
  }
  std::vector<std::string> said_of(const CertificateFacts& facts) {
    system_.certificates["/tls/chain"] = facts;
    return sentences(read(one_certificate));
  }

  static constexpr const char* one_certificate =
      R"({ "certificates": [{ "chain": "/tls/chain", "key": "/tls/key" }] })";
  FakeSystem system_;
};

using Sentences = std::vector<std::string>;

TEST_F(ConfigurationTls, GivesTheSiteItsCertificatesAndTheServiceAKeeper) {
  const ReadConfiguration result = read(one_certificate);
  ASSERT_TRUE(result.configuration);
  EXPECT_TRUE(result.mistakes.empty()) << sentences(result).front();
  const Configuration& configuration = *result.configuration;
  ASSERT_EQ(configuration.sites.front().certificates.size(), 1u);
  EXPECT_EQ(configuration.sites.front().certificates.front().chain.size(), 2u);
  EXPECT_EQ(configuration.sites.front().certificates.front().key, "key");
  ASSERT_TRUE(configuration.keeper);
  EXPECT_EQ(configuration.keeper->uid, Uid{902});
  ASSERT_EQ(configuration.listeners.size(), 4u);
  EXPECT_FALSE(configuration.listeners[0].tls);
  EXPECT_TRUE(configuration.listeners[2].tls && configuration.listeners[3].tls);
}

TEST_F(ConfigurationTls, KnowsWhatTheCertificatesAreFor) {
  EXPECT_EQ(read(one_certificate).configuration->sites.front().certificate_names,
            (Sentences{"a.example", "*.a.example"}));
  EXPECT_TRUE(read("\"self-signed\"").configuration->sites.front().certificate_names.empty());
}

TEST_F(ConfigurationTls, Http2CanBeSwitchedOff) {
  EXPECT_TRUE(read(one_certificate).configuration->sites.front().http2);
  const std::string off = std::string(one_certificate) + R"(, "http2": false)";
  EXPECT_FALSE(read(off).configuration->sites.front().http2);
  const std::string wrong = std::string(one_certificate) + R"(, "http2": "off")";
  EXPECT_FALSE(read(wrong).configuration);
}

TEST_F(ConfigurationTls, Http2ByPriorKnowledgeIsForOneSiteWithoutTls) {
  const auto read_with = [&](const std::string& more, const std::string& tls = {}) {
    return read(tls, R"(["a.example"])", R"([{ "address": "192.0.2.1:80")" + more + " }]");
  };
  const std::string known = R"(, "http2": "prior-knowledge")";
  const ReadConfiguration good = read_with(R"(, "default": "a.example")" + known);
  ASSERT_TRUE(good.configuration) << sentences(good).front();
  EXPECT_TRUE(good.configuration->listeners.front().plain_http2);
  EXPECT_TRUE(good.configuration->sites.front().plain_http2);
  EXPECT_FALSE(read_with(R"(, "default": "a.example")").configuration->sites.front().plain_http2);
  EXPECT_EQ(sentences(read_with(known)),
            Sentences{"error: HTTP/2 by prior knowledge needs a \"default\""});
  EXPECT_EQ(
      sentences(read_with(R"(, "tls": true, "default": "a.example")" + known, one_certificate)),
      Sentences{"error: by TLS client and site agree on HTTP/2 without prior knowledge"});
  EXPECT_FALSE(read_with(R"(, "default": "a.example", "http2": true)").configuration);
  const Sentences told = sentences(read_with(R"(, "default": "a.example")" + known,
                                             std::string(one_certificate) + R"(, "http2": false)"));
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(told.front(),
            "error: the default site of \"192.0.2.1:80\", which speaks HTTP/2, has \"http2\": "
            "false");
}

TEST_F(ConfigurationTls, MakesACertificateForTheHostsWhereOneIsWanted) {
  const ReadConfiguration result = read("\"self-signed\"");
  ASSERT_TRUE(result.configuration);
  EXPECT_EQ(result.configuration->sites.front().certificates.front().chain.front(),
            "self-signed for a.example");
}

TEST_F(ConfigurationTls, MakesNoCertificateForNobody) {
  const ReadConfiguration result = read("\"self-signed\"", R"(["a.e=ample"])");
  EXPECT_FALSE(result.configuration);
  EXPECT_EQ(result.mistakes.size(), 1U);
}

TEST_F(ConfigurationTls, NeedsNoKeeperWithoutKeys) {
  system_.users.erase("perchild-keeper");
  const ReadConfiguration without = read("", R"(["a.example"])", R"([{ "address": "*:80" }])");
  ASSERT_TRUE(without.configuration);
  EXPECT_FALSE(without.configuration->keeper);
  EXPECT_EQ(sentences(read(one_certificate)),
            Sentences{"error: there is no user \"perchild-keeper\" for the keeper to run as"});
}

TEST_F(ConfigurationTls, KeeperIsNobodyElse) {
  system_.users["perchild-keeper"] = {Uid{901}, Gid{901}, {}};
  EXPECT_EQ(sentences(read(one_certificate)),
            (Sentences{"error: keeper and router are both uid 901",
                       "error: keeper and router are both gid 901"}));
}

// As a service that not everybody needs: the keeper's way.
TEST_F(ConfigurationTls, ASpareIsNobodyElseEither) {
  const auto with_spares = [this](const std::string& ids) {
    FakeFiles files;
    files.texts["perchild.json"] =
        R"({ "listen": [{ "address": "*:80" }, { "address": "*:443", "tls": true }],
      "child_groups": { "spares": 1 }, )" +
        ids + R"( "vhosts": [{ "hosts": ["a.example"],
      "uid": 20001, "root": "/srv", "tls": )" +
        one_certificate + " }] }";
    return sentences(read_configuration("perchild.json", files, system_));
  };
  EXPECT_EQ(with_spares(""),
            Sentences{"error: there is no user \"perchild-spare\" for the spare to run as"});
  EXPECT_EQ(with_spares(R"("service_ids": { "spare": 903 },)"), Sentences{});
  EXPECT_EQ(with_spares(R"("service_ids": { "spare": 902 },)"),
            (Sentences{"error: spare and keeper are both uid 902",
                       "error: spare and keeper are both gid 902"}));
}

TEST_F(ConfigurationTls, WhoHasAUserForSparesHasOne) {
  const auto spares = [this](const std::string& more) {
    FakeFiles files;
    files.texts["perchild.json"] = R"({ "listen": [{ "address": "*:80" }], )" + more +
                                   R"( "vhosts": [{ "hosts": ["a.example"], "uid": 20001,
      "root": "/srv" }] })";
    const auto read = read_configuration("perchild.json", files, system_);
    EXPECT_EQ(sentences(read), Sentences{});
    return read.configuration->group_limits.spares;
  };
  EXPECT_EQ(spares(""), 0U);
  EXPECT_EQ(spares(R"("service_ids": { "spare": 903 },)"), 1U);
  system_.users["perchild-spare"] = {Uid{903}, Gid{903}, {}};
  EXPECT_EQ(spares(""), 1U);
  EXPECT_EQ(spares(R"("child_groups": { "running": 5 },)"), 1U);
  EXPECT_EQ(spares(R"("child_groups": { "spares": 0 },)"), 0U);
  EXPECT_EQ(spares(R"("child_groups": { "spares": 3 },)"), 3U);
}

TEST_F(ConfigurationTls, SaysWhatItDoesNotUnderstand) {
  EXPECT_EQ(sentences(read("\"letsencrypt\"")),
            Sentences{"error: \"letsencrypt\" is no way to get a certificate"});
  EXPECT_EQ(sentences(read(R"({ "certificates": "letsencrypt" })")),
            Sentences{"error: \"letsencrypt\" is no way to get a certificate"});
  EXPECT_EQ(sentences(read("{}")), Sentences{"error: \"tls\" needs \"certificates\""});
  EXPECT_EQ(sentences(read(R"({ "certificates": [] })")),
            Sentences{"error: there is no certificate"});
  EXPECT_EQ(sentences(read(R"({ "certificates": [{ "chain": "/tls/chain" }] })")),
            Sentences{"error: a certificate needs a \"chain\" and a \"key\""});
  EXPECT_EQ(read("true").configuration, std::nullopt);
}

TEST_F(ConfigurationTls, VersionsAndCiphersAreChosenFromSafeOnes) {
  const auto chosen = [this](const std::string& more) {
    return read(R"({ "certificates": "self-signed", )" + more + " }").configuration->sites[0].tls;
  };
  EXPECT_EQ(read(one_certificate).configuration->sites.front().tls, TlsSettings{});
  EXPECT_EQ(chosen(R"("min_version": "1.2")"), TlsSettings{});
  EXPECT_EQ(chosen(R"("min_version": "1.3")").least, TlsVersion::tls_1_3);
  const TlsSettings settings =
      chosen(R"("ciphers": ["TLS_AES_256_GCM_SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"])");
  ASSERT_EQ(settings.ciphers.size(), 2u);
  EXPECT_EQ(tls_ciphers[settings.ciphers[0]].name, "TLS_AES_256_GCM_SHA384");
  EXPECT_EQ(tls_ciphers[settings.ciphers[1]].name, "ECDHE-ECDSA-CHACHA20-POLY1305");
}

TEST_F(ConfigurationTls, OtherVersionsAndCiphersAreMistakes) {
  const auto mistakes = [this](const std::string& more) {
    return read(R"({ "certificates": "self-signed", )" + more + " }").mistakes;
  };
  const auto only = [&](const std::string& more) {
    const auto all = mistakes(more);
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? Mistake{} : all.front();
  };
  const Mistake version = only(R"("min_version": "1.1")");
  EXPECT_EQ(version.severity, Severity::error);
  EXPECT_EQ(version.sentence, R"("min_version" must be "1.2" or "1.3")");
  const Mistake weak = only(R"("ciphers": ["ECDHE-RSA-AES128-SHA256"])");
  EXPECT_EQ(weak.severity, Severity::error);
  EXPECT_EQ(weak.sentence,
            "\"ECDHE-RSA-AES128-SHA256\" is no cipher with forward secrecy and authenticated "
            "encryption, by the name that OpenSSL has for it");
  EXPECT_EQ(weak.hint, "did you mean \"ECDHE-RSA-AES128-GCM-SHA256\"?");
  EXPECT_EQ(weak.pointer, "/vhosts/0/tls/ciphers/0");
  EXPECT_TRUE(only(R"("ciphers": ["ALL:!aNULL"])").hint.starts_with("there are TLS_AES_128_"));
  EXPECT_EQ(only(R"("ciphers": [])").sentence, "\"ciphers\" names none");
  EXPECT_EQ(only(R"("ciphers": ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"])")
                .sentence,
            "\"ECDHE-ECDSA-AES128-GCM-SHA256\" is listed twice");
  EXPECT_EQ(only(R"("min_version": 1.3)").severity, Severity::error);
  EXPECT_EQ(only(R"("ciphers": "HIGH")").severity, Severity::error);
}

TEST_F(ConfigurationTls, CiphersWithoutUseAreWarnedOf) {
  const auto said = [this](const std::string& more) {
    return sentences(read(R"({ "certificates": [{ "chain": "/tls/chain", "key": "/tls/key" }], )" +
                          more + " }"));
  };
  EXPECT_EQ(said(R"("min_version": "1.3", "ciphers": ["ECDHE-ECDSA-AES128-GCM-SHA256"])"),
            Sentences{"warning: \"ECDHE-ECDSA-AES128-GCM-SHA256\" is a cipher of TLS 1.2, which is "
                      "off"});
  const std::string of_rsa = R"("ciphers": ["ECDHE-RSA-AES128-GCM-SHA256"])";
  EXPECT_EQ(said(of_rsa), Sentences{"warning: TLS 1.2 cannot use the vhost's EC key: none of its "
                                    "ciphers is for it"});
  EXPECT_EQ(said(R"("ciphers": ["ECDHE-ECDSA-AES128-GCM-SHA256"])"), Sentences{});
  EXPECT_EQ(said(R"("ciphers": ["TLS_AES_128_GCM_SHA256"])"), Sentences{});
  system_.certificates["/tls/chain"].kind = "RSA";
  EXPECT_EQ(said(of_rsa), Sentences{});
}

TEST_F(ConfigurationTls, AFileThatCannotBeReadIsAnError) {
  system_.certificates.clear();
  EXPECT_EQ(sentences(read(one_certificate)),
            (Sentences{"error: no certificate can be read from \"/tls/chain\": No such file or "
                       "directory",
                       "error: no key can be read from \"/tls/key\": No such file or directory"}));
}

TEST_F(ConfigurationTls, AKeyThatDoesNotFitIsAnError) {
  CertificateFacts facts = good();
  facts.key_fits = false;
  EXPECT_EQ(said_of(facts), Sentences{"error: the key \"/tls/key\" is not that of the certificate "
                                      "in \"/tls/chain\""});
}

TEST_F(ConfigurationTls, AKeyThatEverybodyCanReadIsAnError) {
  CertificateFacts facts = good();
  facts.key_is_public = true;
  EXPECT_EQ(said_of(facts),
            Sentences{"error: everybody on this machine can read the key \"/tls/key\""});
}

TEST_F(ConfigurationTls, WhatTlsDoesNotTakeIsAnError) {
  CertificateFacts facts = good();
  facts.refused = "ee key too small";
  EXPECT_EQ(said_of(facts), Sentences{"error: the certificate in \"/tls/chain\" cannot be used: ee "
                                      "key too small"});
}

TEST_F(ConfigurationTls, AFileThatOthersMayWriteIsAnError) {
  CertificateFacts facts = good();
  Mistake objection;
  objection.file = "/tls/key";
  objection.sentence = "the certificate's file can be written by others";
  facts.objections.push_back(objection);
  EXPECT_EQ(said_of(facts), Sentences{"error: " + objection.sentence});
}

TEST_F(ConfigurationTls, DatesAreWarnedOf) {
  CertificateFacts facts = good();
  facts.not_after = system_.time - std::chrono::days(1);
  EXPECT_EQ(said_of(facts), Sentences{"warning: the certificate has expired on 2024-10-03"});
  facts.not_after = system_.time + std::chrono::days(3);
  EXPECT_EQ(said_of(facts), Sentences{"warning: the certificate expires on 2024-10-07"});
  facts = good();
  facts.not_before = system_.time + std::chrono::days(1);
  EXPECT_EQ(said_of(facts), Sentences{"warning: the certificate is good only from 2024-10-05 on"});
}

TEST_F(ConfigurationTls, TheChainsOrderIsWarnedOf) {
  CertificateFacts facts = good();
  facts.misplaced = 3;
  EXPECT_EQ(said_of(facts), Sentences{"warning: certificate 3 in \"/tls/chain\" has not signed the "
                                      "one before it"});
  facts = good();
  facts.certificate.chain.resize(1);
  EXPECT_EQ(said_of(facts),
            Sentences{"warning: there is one certificate in \"/tls/chain\", without the one that "
                      "signed it: clients may not trust it"});
  facts.signs_itself = true;
  EXPECT_EQ(said_of(facts), Sentences{});
}

TEST_F(ConfigurationTls, HostsThatTheCertificateIsNotForAreWarnedOf) {
  const ReadConfiguration result =
      read(one_certificate, R"(["a.example", "www.a.example", "b.example", "*.a.example"])");
  EXPECT_EQ(sentences(result), Sentences{"warning: the certificate is not for the host "
                                         "\"b.example\""});
  EXPECT_TRUE(result.configuration);
}

TEST_F(ConfigurationTls, OneCertificateOfAKind) {
  CertificateFacts rsa = good();
  rsa.kind = "RSA";
  system_.certificates["/tls/rsa"] = rsa;
  const std::string ec = R"({ "chain": "/tls/chain", "key": "/tls/key" })";
  const std::string other = R"({ "chain": "/tls/rsa", "key": "/tls/key" })";
  const auto both = read("{ \"certificates\": [" + ec + ", " + other + "] }");
  ASSERT_TRUE(both.configuration);
  EXPECT_EQ(both.configuration->sites.front().certificates.size(), 2u);
  EXPECT_EQ(sentences(read("{ \"certificates\": [" + ec + ", " + ec + "] }")),
            Sentences{"error: there are two certificates with EC keys"});
}

TEST_F(ConfigurationTls, CertificatesAndAddressesNeedEachOther) {
  EXPECT_EQ(sentences(read(one_certificate, R"(["a.example"])", R"([{ "address": "*:80" }])")),
            Sentences{"warning: vhosts have certificates, but no address speaks TLS"});
  EXPECT_EQ(sentences(read("")),
            Sentences{"warning: no vhost has a certificate for the addresses that speak TLS"});
}

TEST_F(ConfigurationTls, ADefaultSiteOfATlsAddressHasACertificate) {
  const std::string listen = R"([{ "address": "*:443", "tls": true, "default": "a.example" }])";
  EXPECT_TRUE(read(one_certificate, R"(["a.example"])", listen).configuration);
  const ReadConfiguration without = read("", R"(["a.example"])", listen);
  EXPECT_FALSE(without.configuration);
  EXPECT_EQ(without.mistakes.front().sentence,
            "the default site of \"*:443\", which speaks TLS, has no certificate");
}

TEST(NameCovers, AStarStandsForOneLabel) {
  const auto covers = [](const char* name, const char* host) {
    return name_covers(name, HostPattern::parse(host).value());
  };
  EXPECT_TRUE(covers("a.example", "a.example"));
  EXPECT_TRUE(covers("*.a.example", "www.a.example"));
  EXPECT_TRUE(covers("*.a.example", "*.a.example"));
  EXPECT_FALSE(covers("*.a.example", "a.example"));
  EXPECT_FALSE(covers("*.a.example", "x.www.a.example"));
  EXPECT_FALSE(covers("*.example", "*.a.example"));
  EXPECT_FALSE(covers("www.a.example", "*.a.example"));
}

}  // namespace
}  // namespace perchild::test::configuration_tls_test
