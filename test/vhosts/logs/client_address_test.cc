#include "vhosts/logs/client_address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace perchild::logs::client_address_test {
namespace {

::sockaddr_storage ipv4(const char* host, std::uint16_t port) {
  ::sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(port);
  EXPECT_EQ(::inet_pton(AF_INET, host, &in.sin_addr), 1);
  ::sockaddr_storage storage{};
  std::memcpy(&storage, &in, sizeof in);
  return storage;
}

::sockaddr_storage ipv6(const char* host, std::uint16_t port) {
  ::sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(port);
  EXPECT_EQ(::inet_pton(AF_INET6, host, &in.sin6_addr), 1);
  ::sockaddr_storage storage{};
  std::memcpy(&storage, &in, sizeof in);
  return storage;
}

TEST(ClientAddressTest, IPv4) {
  const ClientAddress client(ipv4("192.0.2.1", 5678));
  EXPECT_EQ(client.host(), "192.0.2.1");
  EXPECT_EQ(client.host_and_port(), "192.0.2.1:5678");
}

TEST(ClientAddressTest, IPv6HasBracketsOnlyBeforeAPort) {
  const ClientAddress client(ipv6("2001:db8::1", 65535));
  EXPECT_EQ(client.host(), "2001:db8::1");
  EXPECT_EQ(client.host_and_port(), "[2001:db8::1]:65535");
}

TEST(ClientAddressTest, LongestIPv6Fits) {
  const ClientAddress client(ipv6("2001:0db8:1111:2222:3333:4444:5555:6666", 65535));
  EXPECT_EQ(client.host_and_port(), "[2001:db8:1111:2222:3333:4444:5555:6666]:65535");
}

TEST(ClientAddressTest, MappedIPv4IsShownAsIPv4) {
  const ClientAddress client(ipv6("::ffff:192.0.2.1", 80));
  EXPECT_EQ(client.host(), "192.0.2.1");
  EXPECT_EQ(client.host_and_port(), "192.0.2.1:80");
}

TEST(ClientAddressTest, CopyIsIndependent) {
  ClientAddress copy(ipv4("192.0.2.1", 1));
  {
    const ClientAddress other(ipv6("::1", 2));
    copy = other;
  }
  EXPECT_EQ(copy.host_and_port(), "[::1]:2");
}

TEST(ClientAddressTest, OtherFamilyIsADash) {
  ::sockaddr_storage storage{};
  storage.ss_family = AF_UNIX;
  const ClientAddress client(storage);
  EXPECT_EQ(client.host(), "-");
  EXPECT_EQ(client.host_and_port(), "-");
}

}  // namespace
}  // namespace perchild::logs::client_address_test
