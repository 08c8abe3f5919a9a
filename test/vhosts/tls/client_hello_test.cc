#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <functional>
#include <memory>

#include "test/vhosts/tls/hello_builder.h"
#include "test/vhosts/tls/hello_outcome.h"

namespace perchild::tls::client_hello_test {
namespace {

using State = ClientHelloParser::State;

// Whole, byte by byte, and as a router asks: all must agree.
HelloOutcome parse(const std::string& bytes) {
  const HelloOutcome whole = parse_whole(bytes);
  EXPECT_EQ(parse_by_byte(bytes), whole);
  EXPECT_EQ(parse_when_needed(bytes), whole);
  return whole;
}

HelloOutcome parse(const HelloBuilder& hello) {
  return parse(records(hello.message()));
}

void expect_rejected(const HelloOutcome& outcome, Alert alert, std::string_view reason) {
  EXPECT_EQ(outcome.state, State::rejected);
  EXPECT_EQ(outcome.alert, static_cast<int>(alert)) << outcome.reason;
  EXPECT_EQ(outcome.reason, reason);
}
void expect_rejected(const HelloBuilder& hello, Alert alert, std::string_view reason) {
  expect_rejected(parse(hello), alert, reason);
}
void expect_malformed(const HelloBuilder& hello) {
  expect_rejected(hello, Alert::decode_error, "a malformed ClientHello");
}

HelloBuilder hello_with(std::vector<std::string> extensions) {
  HelloBuilder hello;
  hello.extensions = std::move(extensions);
  return hello;
}

// SSL_set_tlsext_host_name, without its cast.
void set_server_name(::SSL* ssl, std::string name) {
  ::SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
}

// What OpenSSL's client says first.
std::string real_hello(const std::function<void(::SSL*)>& set_up) {
  const std::unique_ptr<::SSL_CTX, decltype(&::SSL_CTX_free)> context(
      ::SSL_CTX_new(::TLS_client_method()), &::SSL_CTX_free);
  const std::unique_ptr<::SSL, decltype(&::SSL_free)> ssl(::SSL_new(context.get()), &::SSL_free);
  ::BIO* out = ::BIO_new(::BIO_s_mem());
  ::SSL_set_bio(ssl.get(), ::BIO_new(::BIO_s_mem()), out);
  set_up(ssl.get());
  ::SSL_connect(ssl.get());
  char* data = nullptr;
  const long length = BIO_get_mem_data(out, &data);
  return std::string(data, static_cast<std::size_t>(length));
}

TEST(ClientHello, OfOpenSslNamesTheServer) {
  const auto outcome =
      parse(real_hello([](::SSL* ssl) { set_server_name(ssl, "www.alice.example"); }));
  EXPECT_EQ(outcome.state, State::complete) << outcome.reason;
  EXPECT_EQ(outcome.name, "www.alice.example");
}

TEST(ClientHello, OfOpenSslWithTls12AloneNamesTheServer) {
  const auto outcome = parse(real_hello([](::SSL* ssl) {
    SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
    set_server_name(ssl, "Alice.Example");
  }));
  EXPECT_EQ(outcome.state, State::complete) << outcome.reason;
  EXPECT_EQ(outcome.name, "alice.example");
}

TEST(ClientHello, OfOpenSslWithoutANameHasNone) {
  const auto outcome = parse(real_hello([](::SSL*) {}));
  EXPECT_EQ(outcome.state, State::complete);
  EXPECT_EQ(outcome.name, "");
}

TEST(ClientHello, OfOpenSslWithALongProtocolListIsReadToItsEnd) {
  const auto outcome = parse(real_hello([](::SSL* ssl) {
    std::string list;
    for (int i = 0; i < 200; ++i) list += vector("protocol/" + std::to_string(i), 1);
    ::SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(list.data()),
                          static_cast<unsigned>(list.size()));
    set_server_name(ssl, "a.example");
  }));
  EXPECT_EQ(outcome.name, "a.example");
}

TEST(ClientHello, OfAVersionBeforeTls12IsTold) {
  const std::string bytes = real_hello([](::SSL* ssl) {
    ::SSL_set_security_level(ssl, 0);
    SSL_set_min_proto_version(ssl, TLS1_VERSION);
    SSL_set_max_proto_version(ssl, TLS1_1_VERSION);
  });
  ASSERT_FALSE(bytes.empty());
  EXPECT_EQ(parse(bytes).alert, static_cast<int>(Alert::protocol_version));
}

TEST(ClientHello, MayBeCutIntoRecordsAnywhere) {
  const std::string message =
      hello_with({extension(0x0a0a, ""), server_name("a.example"), extension(0x1a1a, "x")})
          .message();
  for (std::size_t size = 1; size <= message.size(); ++size) {
    const HelloOutcome outcome = parse(records(message, size));
    EXPECT_EQ(outcome.state, State::complete) << size << ": " << outcome.reason;
    EXPECT_EQ(outcome.name, "a.example") << size;
  }
}

TEST(ClientHello, WithPostQuantumSharesIsNoMatter) {
  const auto outcome = parse(
      hello_with({extension(51, std::string(1184 + 32 + 20, 'k')), server_name("a.example")}));
  EXPECT_EQ(outcome.name, "a.example");
}

TEST(ClientHello, OfTheLargestSizeIsTakenAndOneByteMoreIsNot) {
  HelloBuilder hello = hello_with({server_name("a.example"), ""});
  const std::size_t without = hello.message().size() - 4;  // and without the padding's header
  const auto padded = [&](std::size_t size) {
    hello.extensions[1] = extension(21, std::string(size - without - 4, '\0'));
    return hello.message();
  };
  EXPECT_EQ(parse(records(padded(max_client_hello))).name, "a.example");
  expect_rejected(parse(records(padded(max_client_hello + 1))), Alert::decode_error,
                  "a ClientHello that is too long");
}

TEST(ClientHello, InTooManySmallRecordsIsNotWaitedFor) {
  const std::string message =
      hello_with({extension(21, std::string(8000, '\0')), server_name("a.example")}).message();
  expect_rejected(parse_whole(records(message, 1)), Alert::decode_error,
                  "a ClientHello that is too long");
  EXPECT_EQ(parse_whole(records(message, 4)).name, "a.example");
}

TEST(ClientHello, WithoutExtensionsNamesNobody) {
  const auto outcome = parse(HelloBuilder{});
  EXPECT_EQ(outcome.state, State::complete);
  EXPECT_EQ(outcome.name, "");
}

TEST(ClientHello, NeedsNoMoreThanThereIsToCome) {
  const std::string bytes = records(hello_with({server_name("a.example")}).message(), 40);
  ClientHelloParser parser;
  ClientHello hello;
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    ASSERT_EQ(parser.parse(std::string_view(bytes).substr(0, length), hello), State::incomplete);
    EXPECT_GT(parser.needed(), length);
    EXPECT_LE(parser.needed(), bytes.size());
  }
}

TEST(ClientHello, PlainHttpIsToldFromTls) {
  for (const char* text : {"GET / HTTP/1.1\r\n", "PRI * HTTP/2.0", "\r\nGET /", "options *"}) {
    EXPECT_EQ(parse(text).state, State::plain_text) << text;
  }
}

TEST(ClientHello, WhatIsNeitherIsUnexpected) {
  for (const std::string& bytes : {std::string("\x80\x2e\x01\x03\x01", 5),  // SSL 2
                                   std::string("\x15\x03\x01\x00\x02\x02\x28", 7),
                                   std::string("\x17\x03\x03\x00\x01x", 6), std::string(1, '\0')}) {
    expect_rejected(parse(bytes), Alert::unexpected_message, "no ClientHello");
  }
  expect_rejected(parse(std::string("\x16\x02\x00", 3)), Alert::protocol_version,
                  "no version of TLS");
  std::string message = hello_with({server_name("a.example")}).message();
  message[5] = 1;  // 3.1 is TLS 1.0
  expect_rejected(parse(records(message)), Alert::protocol_version, "a version older than TLS 1.2");
}

TEST(ClientHello, AnotherHandshakeMessageIsUnexpected) {
  std::string message = HelloBuilder{}.message();
  message[0] = 2;
  expect_rejected(parse(records(message)), Alert::unexpected_message, "no ClientHello");
}

TEST(ClientHello, ARecordThatIsEmptyOrTooLongIsRejected) {
  expect_rejected(parse(std::string("\x16\x03\x01\x00\x00", 5)), Alert::decode_error,
                  "an empty record");
  expect_rejected(parse(std::string("\x16\x03\x01\x40\x01", 5)), Alert::record_overflow,
                  "a record that is too long");
}

TEST(ClientHello, NothingMayShareItsLastRecord) {
  const std::string message = hello_with({server_name("a.example")}).message();
  expect_rejected(parse(records(message + "x")), Alert::unexpected_message,
                  "more than a ClientHello");
  // What comes in a record of its own is the worker's matter.
  EXPECT_EQ(parse_whole(records(message) + std::string("\x14\x03\x03\x00\x01\x01", 6)).name,
            "a.example");
}

TEST(ClientHello, AnExtensionThatComesTwiceIsIllegal) {
  expect_rejected(hello_with({extension(10, "x"), server_name("a.example"), extension(10, "x")}),
                  Alert::illegal_parameter, "an extension that comes twice");
  expect_rejected(hello_with({server_name("a.example"), server_name("b.example")}),
                  Alert::illegal_parameter, "an extension that comes twice");
}

TEST(ClientHello, HasABoundForTheNumberOfItsExtensions) {
  std::vector<std::string> extensions;
  for (std::uint16_t i = 0; i < 64; ++i) extensions.push_back(extension(1000 + i, ""));
  EXPECT_EQ(parse(hello_with(extensions)).state, State::complete);
  extensions.push_back(extension(2000, ""));
  expect_rejected(hello_with(extensions), Alert::decode_error, "too many extensions");
}

TEST(ClientHello, ANameThatIsNoHostsIsUnrecognized) {
  for (const std::string& name : {std::string("a b.example"), std::string("-a.example"),
                                  std::string("a..example"), std::string("a.example\0.evil", 15),
                                  std::string(254, 'a'), std::string(2000, 'a'), std::string("::1"),
                                  std::string("b\xc3\xbc"
                                              "cher.example")}) {
    const bool is_long = name.size() > HostName::max_length + 1;
    expect_rejected(hello_with({server_name(name)}), Alert::unrecognized_name,
                    is_long ? "a server name that is too long" : "a server name that is no host's");
  }
}

TEST(ClientHello, AServerNameListIsReadStrictly) {
  const std::string one = number(0, 1) + vector("a.example", 2);
  expect_rejected(hello_with({extension(0, vector(one + one, 2))}), Alert::illegal_parameter,
                  "two server names");
  expect_malformed(hello_with({extension(0, "")}));
  expect_malformed(hello_with({extension(0, vector("", 2))}));
  expect_malformed(hello_with({extension(0, vector(number(0, 1) + vector("", 2), 2))}));
  expect_malformed(hello_with({extension(0, vector(one, 2) + "x")}));
  expect_malformed(hello_with({extension(0, vector(one.substr(0, one.size() - 1), 2))}));
  // A kind of name that nobody knows yet.
  EXPECT_EQ(parse(hello_with({extension(0, vector(number(7, 1) + vector("?", 2) + one, 2))})).name,
            "a.example");
}

TEST(ClientHello, EveryLengthIsHeldAgainstWhatIsThere) {
  const auto changed = [](const std::function<void(HelloBuilder&)>& change) {
    HelloBuilder hello = hello_with({server_name("a.example")});
    change(hello);
    return hello;
  };
  for (const HelloBuilder& hello : {
           changed([](HelloBuilder& h) { h.session_id = vector(std::string(33, 's'), 1); }),
           changed([](HelloBuilder& h) { h.session_id = number(255, 1); }),
           changed([](HelloBuilder& h) { h.ciphers = vector("", 2); }),
           changed([](HelloBuilder& h) { h.ciphers = vector("xyz", 2); }),
           changed([](HelloBuilder& h) { h.ciphers = number(0xffff, 2); }),
           changed([](HelloBuilder& h) { h.compressions = vector("", 1); }),
           changed([](HelloBuilder& h) { h.random = "short"; }),
           changed([](HelloBuilder& h) { h.behind = "x"; }),
           changed([](HelloBuilder& h) { h.extensions = {number(5, 2)}; }),
           changed([](HelloBuilder& h) { h.extensions = {number(5, 2) + number(9, 2) + "x"}; }),
       }) {
    expect_malformed(hello);
  }
}

TEST(ClientHello, EveryTruncatedOneIsIncompleteAndNoneIsTakenForAnother) {
  const std::string message = hello_with({extension(5, "x"), server_name("a.example")}).message();
  for (std::size_t length = 4; length < message.size(); ++length) {
    // The message itself, with a length that says that it is whole.
    std::string cut = number(1, 1) + vector(message.substr(4, length - 4), 3);
    const HelloOutcome outcome = parse(records(cut));
    EXPECT_NE(outcome.name, "a.example") << length;
    EXPECT_NE(outcome.state, State::incomplete) << length;
  }
}

TEST(ServerNameOf, ReadsAnExtensionsData) {
  const std::string data = vector(number(0, 1) + vector("A.example", 2), 2);
  ASSERT_TRUE(server_name_of(data));
  EXPECT_EQ(server_name_of(data)->view(), "a.example");
  EXPECT_FALSE(server_name_of(data + "x"));
  EXPECT_FALSE(server_name_of(""));
}

}  // namespace
}  // namespace perchild::tls::client_hello_test
