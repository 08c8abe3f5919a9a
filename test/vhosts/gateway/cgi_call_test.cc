#include "vhosts/gateway/cgi_call.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <string>

namespace perchild::gateway::cgi_call_test {
namespace {

using namespace std::string_literals;

const CgiCall sample{"cgi-bin/env.pl", {"GATEWAY_INTERFACE=CGI/1.1", "QUERY_STRING=", "A=b=c"}};

void expect_refused(const CgiCall& call) {
  EXPECT_FALSE(call.valid());
  EXPECT_EQ(CgiCall::unpack(call.pack()), std::nullopt);
}

TEST(CgiCall, WhatIsPackedIsUnpacked) {
  EXPECT_TRUE(sample.valid());
  EXPECT_EQ(CgiCall::unpack(sample.pack()), sample);
  const CgiCall without_environment{"a", {}};
  EXPECT_EQ(CgiCall::unpack(without_environment.pack()), without_environment);
}

TEST(CgiCall, ABodyIsAnyBytesWithinItsBound) {
  CgiCall call = sample;
  call.body = "a\0b"s;
  EXPECT_EQ(CgiCall::unpack(call.pack()), call);
  call.body.assign(CgiCall::max_body_bytes, 'x');
  EXPECT_EQ(CgiCall::unpack(call.pack()), call);
  call.body.push_back('x');
  expect_refused(call);
}

TEST(CgiCall, EveryTruncationAndAnyMoreByteIsRefused) {
  const std::string bytes = sample.pack();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(CgiCall::unpack(bytes.substr(0, size)), std::nullopt) << size;
  }
  EXPECT_EQ(CgiCall::unpack(bytes + "\0"s), std::nullopt);
}

TEST(CgiCall, AScriptIsARelativePathWithinItsBound) {
  expect_refused({"", {}});
  expect_refused({"/bin/sh", {}});
  expect_refused({"a\0b"s, {}});
  EXPECT_TRUE((CgiCall{std::string(CgiCall::max_script_bytes, 'a'), {}}.valid()));
  expect_refused({std::string(CgiCall::max_script_bytes + 1, 'a'), {}});
}

TEST(CgiCall, AVariableHasANameAndNoNul) {
  expect_refused({"a", {"A"}});
  expect_refused({"a", {"=b"}});
  expect_refused({"a", {""}});
  expect_refused({"a", {"A=b\0c"s}});
  expect_refused({"a", {"A\0=b"s}});
}

TEST(CgiCall, TheEnvironmentIsBounded) {
  CgiCall call{"a", std::vector<std::string>(CgiCall::max_variables, "A=b")};
  EXPECT_EQ(CgiCall::unpack(call.pack()), call);
  call.environment.emplace_back("A=b");
  expect_refused(call);

  call.environment = {"A=" + std::string(CgiCall::max_environment_bytes - 3, 'v')};
  EXPECT_EQ(CgiCall::unpack(call.pack()), call);
  call.environment.front() += 'v';
  expect_refused(call);
}

RC_GTEST_PROP(CgiCall, WhatIsUnpackedOfAnyBytesIsValid, (const std::string& bytes)) {
  const auto call = CgiCall::unpack(bytes);
  if (!call) return;
  RC_ASSERT(call->valid());
  RC_ASSERT(call->pack() == bytes);
}

}  // namespace
}  // namespace perchild::gateway::cgi_call_test
