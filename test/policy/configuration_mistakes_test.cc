// Every mistake that a configuration can hold: where it is shown, and in which words.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "policy/configuration_json.h"
#include "test/policy/configuration_fakes.h"
#include "test/policy/marked_text.h"

namespace perchild::test::configuration_mistakes_test {
namespace {

constexpr std::string_view good = R"({
  "listen": [{ "address": "127.0.0.1:8080" }],
  "id_range": [1000, 29999],
  "vhosts": [
    { "hosts": ["a.example"], "uid": 20001, "root": "/srv/a" },
    { "hosts": ["b.example"], "user": "alice", "root": "/srv/b" }
  ]
})";

std::string place_of(const Mistake& mistake) {
  return std::to_string(mistake.line) + ":" + std::to_string(mistake.column);
}

ReadConfiguration read_text(const std::string& text, FakeSystem& system) {
  FakeFiles files;
  files.texts["perchild.json"] = text;
  return read_configuration("perchild.json", files, system);
}

// The good configuration with `find` replaced by `put`, in which '^' marks the place.
struct Case {
  std::string_view find;
  std::string_view put;
  std::string_view pointer;
  std::string_view sentence;
  std::string_view hint;
  Severity severity = Severity::error;
};
std::ostream& operator<<(std::ostream& out, const Case& one) {
  return out << one.put;
}

class ConfigurationMistake : public testing::TestWithParam<Case> {};

TEST_P(ConfigurationMistake, IsShownWhereItIsAndIsTheOnlyOne) {
  const Case& one = GetParam();
  std::string marked(good);
  const std::size_t at = marked.find(one.find);
  ASSERT_NE(at, std::string::npos);
  marked.replace(at, one.find.size(), one.put);
  const MarkedText text(marked);

  FakeSystem system;
  system.users["bob"] = {Uid{1002}, Gid{100}, {}};
  system.users["carol"] = {Uid{1003}, Gid{1003}, {Gid{33}, Gid{1003}, Gid{2000}}};
  system.users["dave"] = {Uid{50'000}, Gid{50'000}, {}};
  system.users["erin"] = {Uid{1005}, Gid{1005}, {Gid{0}}};
  system.roots["/missing"] = {RootAnswer::Kind::missing, "", ENOENT};
  system.roots["/file"] = {RootAnswer::Kind::not_a_directory, "", ENOTDIR};
  system.roots["/closed"] = {RootAnswer::Kind::denied, "/closed", EACCES};
  system.roots["/home/x/www"] = {RootAnswer::Kind::denied, "/home/x", EACCES};
  system.roots["/loop"] = {RootAnswer::Kind::failed, "", ELOOP};
  const ReadConfiguration read = read_text(text.text, system);

  std::string all;
  for (const Mistake& mistake : read.mistakes) all += format_mistake(mistake);
  ASSERT_EQ(read.mistakes.size(), 1U) << all;
  const Mistake& mistake = read.mistakes[0];
  EXPECT_EQ(mistake.sentence, one.sentence);
  EXPECT_EQ(place_of(mistake), text.place);
  EXPECT_EQ(mistake.pointer, one.pointer);
  EXPECT_EQ(mistake.severity, one.severity);
  EXPECT_EQ(mistake.hint, one.hint);
  EXPECT_EQ(read.configuration.has_value(), one.severity != Severity::error);
}

constexpr std::string_view listen_line = R"("listen": [{ "address": "127.0.0.1:8080" }])";
constexpr std::string_view address = R"("127.0.0.1:8080")";
constexpr std::string_view address_forms =
    R"(an address is "*:80", "192.0.2.1:80" or "[2001:db8::1]:80")";
constexpr std::string_view address_pointer = "/listen/0/address";

const Case top_cases[] = {
    {"\"listen\"", "^\"lisen\": 1, \"listen\"", "/lisen", R"(the configuration has no key "lisen")",
     R"(did you mean "listen"?)"},
    {"\"listen\"", "^\"zzzzzzzz\": 1, \"listen\"", "/zzzzzzzz",
     R"(the configuration has no key "zzzzzzzz")",
     "its keys are listen, id_range, groups, service_ids, runtime_dir, log_dir, acme_webroot, "
     "include, "
     "defaults, "
     "vhosts, router, mechanisms, drain_timeout and child_groups"},
    {"\"id_range\": [1000, 29999]", R"("id_range": [1000, 29999], ^"id_range": [1, 2])",
     "/id_range", R"(the key "id_range" is repeated: it stands at 3:3 already)", ""},
    {"\"id_range\"", R"("acme_webroot": ^"/missing", "id_range")", "/acme_webroot",
     R"(there is no folder "/missing")", ""},
    {"\"id_range\"", R"("acme_webroot": ^"/file", "id_range")", "/acme_webroot",
     R"("/file" is no folder)", ""},
    {"\"id_range\"", R"("acme_webroot": ^"/closed", "id_range")", "/acme_webroot",
     R"(sites cannot look into "/closed")", "chmod o+x"},
    {"\"id_range\"", R"("runtime_dir": ^"run", "id_range")", "/runtime_dir",
     R"("runtime_dir" must be an absolute path)", "an absolute path begins with '/'"},
    {"\"id_range\"", R"("log_dir": ^7, "id_range")", "/log_dir",
     R"("log_dir" must be a string, but is a number)", ""},
    {"\"id_range\"", R"("log_dir": ^"", "id_range")", "/log_dir",
     R"("log_dir" must be no empty string)", ""},
    {"\"id_range\"", R"("log_dir": ^"/a\u001b[2J", "id_range")", "/log_dir",
     R"("log_dir" must not hold a control character)", ""},
    {"\"id_range\"", R"("drain_timeout": ^"2h", "id_range")", "/drain_timeout",
     R"("drain_timeout" must be a duration from 0 to 1h)",
     R"(a duration is a number of seconds, or one with a unit: "500ms", "10s", "2m", "1h")"},
    {"\"id_range\"", R"("include": ^"x.json", "id_range")", "/include",
     R"("include" must be an array, but is a string)", ""},
    {"\"id_range\"", R"("include": [^"x.json"], "id_range")", "/include/0",
     R"(there is no file "x.json")", ""},
    {"\"id_range\"", R"("router": {^"process": 1}, "id_range")", "/router/process",
     R"("router" has no key "process")", R"(did you mean "processes"?)"},
    {"\"id_range\"", R"("router": {"processes": ^65}, "id_range")", "/router/processes",
     R"("processes" must be a whole number from 0 to 64)", ""},
    {"\"id_range\"", R"("router": {"connections": ^0}, "id_range")", "/router/connections",
     R"("connections" must be a whole number from 1 to 1000000)", ""},
    {"\"id_range\"", R"("router": {"per_address": ^1.5}, "id_range")", "/router/per_address",
     R"("per_address" must be a whole number from 1 to 1000000)", ""},
    {"\"id_range\"", R"("router": {"head_timeout": ^0}, "id_range")", "/router/head_timeout",
     R"("head_timeout" must be a duration from 10ms to 10m)",
     R"(a duration is a number of seconds, or one with a unit: "500ms", "10s", "2m", "1h")"},
    {"\"id_range\"", R"("router": {"queue_timeout": ^"11m"}, "id_range")", "/router/queue_timeout",
     R"("queue_timeout" must be a duration from 10ms to 10m)",
     R"(a duration is a number of seconds, or one with a unit: "500ms", "10s", "2m", "1h")"},
    {"\"id_range\"", R"("mechanisms": {"landlock": ^"of-available"}, "id_range")",
     "/mechanisms/landlock", R"("landlock" must be "required" or "if-available")",
     R"(did you mean "if-available"?)"},
    {"\"id_range\"", R"("mechanisms": {"landlock": ^true}, "id_range")", "/mechanisms/landlock",
     R"("landlock" must be "required" or "if-available")", ""},
    {"\"id_range\"", R"("mechanisms": {^"seccomp": true}, "id_range")", "/mechanisms/seccomp",
     R"("mechanisms" has no key "seccomp")", "its keys are landlock and cgroup"},
};
INSTANTIATE_TEST_SUITE_P(Top, ConfigurationMistake, testing::ValuesIn(top_cases));

const Case listen_cases[] = {
    {listen_line, R"("listen": ^[])", "/listen", "there is no listener", ""},
    {listen_line, R"("listen": ^{})", "/listen", R"("listen" must be an array, but is an object)",
     ""},
    {listen_line, R"("listen": [^"*:80"])", "/listen/0",
     R"(an element of "listen" must be an object, but is a string)", ""},
    {listen_line, R"("listen": [^{}])", "/listen/0", R"(a listener needs an "address")",
     address_forms},
    {address, R"("*:80", ^"adress": 1)", "/listen/0/adress", R"(a listener has no key "adress")",
     R"(did you mean "address"?)"},
    {address, "^80", address_pointer, R"("address" must be a string, but is a number)", ""},
    {address, R"(^":80")", address_pointer, R"(":80" names no address)", R"(did you mean "*:80"?)"},
    {address, R"(^"80")", address_pointer, R"("80" names no port)", R"(did you mean "*:80"?)"},
    {address, R"(^"127.0.0.1")", address_pointer, R"("127.0.0.1" names no port)", address_forms},
    {address, R"(^"[::1]")", address_pointer, R"("[::1]" names no port)", address_forms},
    {address, R"(^"*:0")", address_pointer, R"("0" is not a port from 1 to 65535)", address_forms},
    {address, R"(^"*:65536")", address_pointer, R"("65536" is not a port from 1 to 65535)",
     address_forms},
    {address, R"(^"*:http")", address_pointer, R"("http" is not a port from 1 to 65535)",
     address_forms},
    {address, R"(^"localhost:80")", address_pointer, R"("localhost" is not an IP address)",
     address_forms},
    {address, R"(^"127.0.0.256:80")", address_pointer, R"("127.0.0.256" is not an IP address)",
     address_forms},
    {address, R"(^"::1:80")", address_pointer, R"("::1:80" is not an address and a port)",
     R"(an IPv6 address stands in brackets: "[::1]:80")"},
    {address, R"(^"[::1%lo]:80")", address_pointer, R"("::1%lo" is not an IPv6 address)",
     address_forms},
    {address, R"(^"[::ffff:127.0.0.1]:80")", address_pointer,
     R"("::ffff:127.0.0.1" is an IPv4 address in IPv6 clothes)", "write it as IPv4"},
    {address, R"("*:80", "default": ^"c.example")", "/listen/0/default",
     R"(no vhost has the host "c.example")",
     R"("default" names a host as it stands in the "hosts" of a vhost)"},
    {address, R"("*:80", "default": ^"a.example:80")", "/listen/0/default",
     R"(no vhost has the host "a.example:80")",
     R"("default" names a host as it stands in the "hosts" of a vhost)"},
    {address, R"("*:80", "proxy_protocol": ^"10.0.0.1")", "/listen/0/proxy_protocol",
     R"("proxy_protocol" must be an array, but is a string)", ""},
    {address, R"("*:80", "proxy_protocol": ^[])", "/listen/0/proxy_protocol",
     R"("proxy_protocol" lists no proxy)", "name the addresses of the proxies, or take it away"},
    {address, R"("*:80", "proxy_protocol": ["10.0.0.1", ^"10.0.0.1/8"])",
     "/listen/0/proxy_protocol/1", R"("10.0.0.1/8" is no address and no block of addresses)",
     "for example \"192.0.2.7\", \"10.0.0.0/8\", \"2001:db8::/32\"; behind its prefix a block has "
     "no bits"},
    {address, R"("*:443", "tls": ^1)", "/listen/0/tls",
     R"("tls" must be true or false, but is a number)", ""},
    {address, R"("*:80" }, { "address": ^"*:80")", "/listen/1/address",
     R"("*:80" is what "*:80" at perchild.json:2:27 listens on already)", ""},
    {address, R"("*:80" }, { "address": ^"0.0.0.0:80")", "/listen/1/address",
     R"("0.0.0.0:80" is what "*:80" at perchild.json:2:27 listens on already)", ""},
    {address, R"("*:80" }, { "address": ^"127.0.0.1:80")", "/listen/1/address",
     R"("127.0.0.1:80" is partly what "*:80" at perchild.json:2:27 listens on already)", ""},
    {address, R"("[::1]:80" }, { "address": ^"[0::1]:80")", "/listen/1/address",
     R"("[0::1]:80" is what "[::1]:80" at perchild.json:2:27 listens on already)", ""},
};
INSTANTIATE_TEST_SUITE_P(Listen, ConfigurationMistake, testing::ValuesIn(listen_cases));

constexpr std::string_view service_forms =
    R"("master" must be a user's name, a uid or {"uid": ..., "gid": ...})";
constexpr std::string_view range = "\"id_range\": [1000, 29999]";
constexpr std::string_view range_hint = "only ids of the range exist where sites run";
constexpr std::string_view own_id = "give the service an id of its own outside of the range";
constexpr std::string_view equals = "a router that is taken over must not be the master's equal";

const Case identity_cases[] = {
    {range, R"("id_range": ^7)", "/id_range", R"("id_range" must be an array, but is a number)",
     ""},
    {range, R"("id_range": ^[1000])", "/id_range",
     R"("id_range" must be two numbers, the first and the last id of tenants)", ""},
    {range, R"("id_range": ^[2000, 1000])", "/id_range",
     R"("id_range" must be two numbers, the first and the last id of tenants)", ""},
    {range, R"("id_range": [^0, 1000])", "/id_range/0",
     R"(an element of "id_range" must be a whole number from 1 to 4294967294)", ""},
    {range, R"("id_range": [1000, ^4294967295])", "/id_range/1",
     R"(an element of "id_range" must be a whole number from 1 to 4294967294)", ""},
    {range, R"("id_range": [1000, 29999], "groups": ^5)", "/groups",
     R"("groups" must be an array, but is a number)", ""},
    {range, R"("id_range": [1000, 29999], "groups": [^"nosuch"])", "/groups/0",
     R"(there is no group "nosuch")", ""},
    {range, R"("id_range": [1000, 29999], "groups": [33, ^"root"])", "/groups/1",
     "group 0 cannot be given to sites", ""},
    {range, R"("id_range": [1000, 29999], "groups": [^null])", "/groups/0",
     R"(an element of "groups" must be a group's name or number, but is null)", ""},
    {range,
     R"("id_range": [1000, 29999], "groups": [33], "service_ids": {"master": ^{"uid": 7, "gid": 33}})",
     "/service_ids/master", R"(gid 33 of the master is one of "groups", which sites may be in)",
     ""},
    {range, R"("id_range": [1000, 29999], "service_ids": ^[])", "/service_ids",
     R"("service_ids" must be an object, but is an array)", ""},
    {range, R"("id_range": [1000, 29999], "service_ids": {^"warden": 7})", "/service_ids/warden",
     R"("service_ids" has no key "warden")", "its keys are master, router, keeper and spare"},
    {range, R"("id_range": [1000, 29999], "service_ids": {"master": ^true})", "/service_ids/master",
     service_forms, ""},
    {range, R"("id_range": [1000, 29999], "service_ids": {"master": ^{"gid": 7}})",
     "/service_ids/master", R"("master" needs a "uid")", ""},
    {range, R"("id_range": [1000, 29999], "service_ids": {"master": {"uid": 7, ^"guid": 7}})",
     "/service_ids/master/guid", R"("master" has no key "guid")", R"(did you mean "uid"?)"},
    {range, R"("id_range": [1000, 29999], "service_ids": {"master": ^"nosuch"})",
     "/service_ids/master", R"(there is no user "nosuch")", ""},
    {range, R"("id_range": [1000, 29999], "service_ids": {"master": ^0})", "/service_ids/master",
     "the master cannot run as root (uid 0)", ""},
    {range, R"("id_range": [1000, 29999], "service_ids": {"router": ^{"uid": 7, "gid": 0}})",
     "/service_ids/router", "the router cannot run as root (gid 0)", ""},
    {range, R"("id_range": [1000, 29999], "service_ids": {"router": ^{"uid": 1000, "gid": 7}})",
     "/service_ids/router",
     R"(uid 1000 of the router lies in "id_range" (1000 to 29999), which belongs to the tenants)",
     own_id},
    {range, R"("id_range": [1000, 29999], "service_ids": {"router": ^{"uid": 7, "gid": 29999}})",
     "/service_ids/router",
     R"(gid 29999 of the router lies in "id_range" (1000 to 29999), which belongs to the tenants)",
     own_id},
    {range, R"("id_range": [1000, 29999], "service_ids": {"router": ^{"uid": 900, "gid": 7}})",
     "/service_ids/router", "master and router are both uid 900", equals},
    {range, R"("id_range": [1000, 29999], "service_ids": {"router": ^{"uid": 7, "gid": 900}})",
     "/service_ids/router", "master and router are both gid 900", equals},
    {"\"uid\": 20001", R"("uid": ^0)", "/vhosts/0/uid", "a site cannot run as root (uid 0)", ""},
    {"\"alice\"", R"(^"root")", "/vhosts/1/user", "a site cannot run as root (uid 0)", ""},
    {"\"uid\": 20001", R"("uid": ^999)", "/vhosts/0/uid",
     R"(uid 999 is outside of "id_range" (1000 to 29999))", range_hint},
    {"\"uid\": 20001", R"("uid": ^-1)", "/vhosts/0/uid",
     R"("uid" must be a whole number from 0 to 4294967294)", ""},
    {"\"uid\": 20001", R"("uid": ^4294967295)", "/vhosts/0/uid",
     R"("uid" must be a whole number from 0 to 4294967294)", ""},
    {"\"uid\": 20001", R"("uid": ^"bob")", "/vhosts/0/uid",
     R"("uid" must be a number, but is a string)", R"(a name goes with "user": "user": "bob")"},
    {"\"uid\": 20001", R"("uid": 20001, "gid": ^0)", "/vhosts/0/gid",
     "a site cannot run in the group of root (gid 0)", ""},
    {"\"uid\": 20001", R"("uid": 20001, "gid": ^30000)", "/vhosts/0/gid",
     R"(gid 30000 is outside of "id_range" (1000 to 29999))",
     R"(if sites may be in this group, add 30000 to "groups")"},
    {"\"alice\"", R"(^"nosuch")", "/vhosts/1/user", R"(there is no user "nosuch")", ""},
    {"\"alice\"", R"(^"bob")", "/vhosts/1/user",
     R"(gid 100 of the user "bob" is outside of "id_range" (1000 to 29999))",
     R"(if sites may be in this group, add 100 to "groups")"},
    {"\"alice\"", R"(^"dave")", "/vhosts/1/user",
     R"(uid 50000 of the user "dave" is outside of "id_range" (1000 to 29999))", range_hint},
    {"\"alice\"", R"("alice", ^"uid": 20002)", "/vhosts/1/uid",
     R"(a vhost has either a "user" or a "uid" and "gid", not both)", ""},
    {"\"alice\"", R"("alice", ^"gid": 20002)", "/vhosts/1/gid",
     R"(a vhost has either a "user" or a "uid" and "gid", not both)", ""},
    {R"({ "hosts": ["b.example"], "user": "alice")", R"(^{ "hosts": ["b.example"], "gid": 20002)",
     "/vhosts/1", R"(a vhost needs a "user" or a "uid" to run as)", ""},
    {"\"alice\"", R"(^"carol")", "/vhosts/1/user",
     R"(the group "www-data" (33) of the user "carol" is outside of "id_range" (1000 to 29999): )"
     "the site will not be in it",
     R"(to keep it, add 33 to "groups")", Severity::warning},
    {"\"alice\"", R"(^"erin")", "/vhosts/1/user",
     R"(the group "root" (0) of the user "erin" is outside of "id_range" (1000 to 29999): )"
     "the site will not be in it",
     "", Severity::warning},
    {R"("user": "alice")", R"("uid": ^20001)", "/vhosts/1/uid",
     R"(uid 20001 is that of "a.example" at perchild.json:5:38 too: )"
     "the two are not isolated from each other",
     "give every site a user of its own", Severity::warning},
};
INSTANTIATE_TEST_SUITE_P(Identity, ConfigurationMistake, testing::ValuesIn(identity_cases));

constexpr std::string_view root_b = "\"/srv/b\"";
constexpr std::string_view host_forms =
    R"(a host is "name.example", or "*.name.example" for all below it; no port)";
constexpr std::string_view size_forms =
    R"(a size is a number of bytes, or one with a unit: "512K", "8M", "1G")";
constexpr std::string_view duration_forms =
    R"(a duration is a number of seconds, or one with a unit: "500ms", "10s", "2m", "1h")";
constexpr std::string_view open_it = "it needs execute permission there: chmod o+x, or setfacl";

const Case vhost_cases[] = {
    {R"({ "hosts": ["a.example"], "uid": 20001, "root": "/srv/a" })", "^7", "/vhosts/0",
     R"(an element of "vhosts" must be an object, but is a number)", ""},
    {"\"root\": \"/srv/b\"", R"("root": "/srv/b", ^"rooot": 1)", "/vhosts/1/rooot",
     R"(a vhost has no key "rooot")", R"(did you mean "root"?)"},
    {R"({ "hosts": ["b.example"], )", "^{ ", "/vhosts/1", R"(a vhost needs "hosts")", ""},
    {R"(["b.example"])", "^[]", "/vhosts/1/hosts", R"("hosts" must name at least one host)", ""},
    {R"(["b.example"])", "^\"b.example\"", "/vhosts/1/hosts",
     R"("hosts" must be an array, but is a string)", ""},
    {R"("b.example")", R"("b.example", ^1)", "/vhosts/1/hosts/1",
     R"(an element of "hosts" must be a string, but is a number)", ""},
    {R"("b.example")", R"("b.example", ^"b.example:80")", "/vhosts/1/hosts/1",
     R"("b.example:80" is not a host name)", host_forms},
    {R"("b.example")", R"("b.example", ^"☃.example")", "/vhosts/1/hosts/1",
     R"("☃.example" is not a host name: string contains a disallowed character)", host_forms},
    {R"("b.example")", R"("xn--bcher-kva.example", ^"BU\u0308CHER.example")", "/vhosts/1/hosts/1",
     "the host \"BU\u0308CHER.example\" (xn--bcher-kva.example) is named twice in this vhost, "
     "first at perchild.json:6:17",
     ""},
    {R"("b.example")", R"("b.example", ^"*")", "/vhosts/1/hosts/1", R"("*" is not a host name)",
     host_forms},
    {R"("b.example")", R"("b.example", ^"b\u0000")", "/vhosts/1/hosts/1",
     R"("b\x00" is not a host name)", host_forms},
    {R"("b.example")", R"("b.example", ^"B.example.")", "/vhosts/1/hosts/1",
     R"(the host "B.example." is named twice in this vhost, first at perchild.json:6:17)", ""},
    {R"("b.example")", R"("b.example", ^"a.example")", "/vhosts/1/hosts/1",
     R"(the host "a.example" belongs to another vhost, first at perchild.json:5:17)", ""},
    {R"({ "hosts": ["b.example"], "user": "alice", "root": "/srv/b" })",
     R"(^{ "hosts": ["b.example"], "user": "alice" })", "/vhosts/1", R"(a vhost needs a "root")",
     ""},
    {root_b, "^\"srv/b\"", "/vhosts/1/root", R"("root" must be an absolute path)",
     "an absolute path begins with '/'"},
    {root_b, "^\"/missing\"", "/vhosts/1/root", R"(the root "/missing" does not exist)", ""},
    {root_b, "^\"/file\"", "/vhosts/1/root", R"(the root "/file" is not a directory)", ""},
    {root_b, "^\"/closed\"", "/vhosts/1/root",
     R"(the user "alice" (uid 1001) cannot enter the root "/closed")", open_it},
    {root_b, "^\"/home/x/www\"", "/vhosts/1/root",
     R"(the user "alice" (uid 1001) cannot enter the root "/home/x/www": "/home/x" is closed to it)",
     open_it},
    {root_b, "^\"/loop\"", "/vhosts/1/root",
     R"(the root "/loop" cannot be opened: Too many levels of symbolic links)", ""},
    {root_b, R"("/srv/b", "index": ^"x")", "/vhosts/1/index",
     R"("index" must be an array, but is a string)", ""},
    {root_b, R"("/srv/b", "index": [^"a/b"])", "/vhosts/1/index/0",
     R"("a/b" is not the name of a file in a folder)", ""},
    {root_b, R"("/srv/b", "index": [^".."])", "/vhosts/1/index/0",
     R"(".." is not the name of a file in a folder)", ""},
    {root_b, R"("/srv/b", "timeouts": {^"heat": 1})", "/vhosts/1/timeouts/heat",
     R"("timeouts" has no key "heat")", R"(did you mean "head"?)"},
    {root_b, R"("/srv/b", "timeouts": {"head": ^"10"})", "/vhosts/1/timeouts/head",
     R"("head" must be a duration from 10ms to 10m)", duration_forms},
    {root_b, R"("/srv/b", "timeouts": {"idle": ^"2h"})", "/vhosts/1/timeouts/idle",
     R"("idle" must be a duration from 10ms to 1h)", duration_forms},
    {root_b, R"("/srv/b", "timeouts": {"send": ^-5})", "/vhosts/1/timeouts/send",
     R"("send" must be a duration from 10ms to 1h)", duration_forms},
    {root_b, R"("/srv/b", "limits": {^"conections": 5})", "/vhosts/1/limits/conections",
     R"("limits" has no key "conections")", R"(did you mean "connections"?)"},
    {root_b, R"("/srv/b", "limits": {"connections": ^65537})", "/vhosts/1/limits/connections",
     R"("connections" must be a whole number from 1 to 30000)", ""},
    {root_b, R"("/srv/b", "limits": {"queue": ^0})", "/vhosts/1/limits/queue",
     R"("queue" must be a whole number from 1 to 65536)", ""},
    {root_b, R"("/srv/b", "limits": {"body": ^"8MB"})", "/vhosts/1/limits/body",
     R"("body" must be a size from 0 to 1024G)", size_forms},
    {root_b, R"("/srv/b", "limits": {"cache": ^"17G"})", "/vhosts/1/limits/cache",
     R"("cache" must be a size from 0 to 16G)", size_forms},
    {root_b, R"("/srv/b", "limits": {"memory": ^"15M"})", "/vhosts/1/limits/memory",
     R"("memory" must be a size from 16M to 1024G)", size_forms},
    {root_b, R"("/srv/b", "limits": {"processes": ^0})", "/vhosts/1/limits/processes",
     R"("processes" must be a whole number from 1 to 1000000)", ""},
    {root_b, R"("/srv/b", "limits": {"io": ^"1K"})", "/vhosts/1/limits/io",
     R"("io" must be a size from 64K to 1024G)", size_forms},
    {root_b, R"("/srv/b", "limits": {"cpu": ^"0%"})", "/vhosts/1/limits/cpu",
     R"("cpu" must be a share from "1%" to "102400%")", "100% is one CPU"},
    {root_b, R"("/srv/b", "limits": {"cpu": ^50})", "/vhosts/1/limits/cpu",
     R"("cpu" must be a share from "1%" to "102400%")", "100% is one CPU"},
    {root_b, R"("/srv/b", "limits": {"cpu": ^"5x%"})", "/vhosts/1/limits/cpu",
     R"("cpu" must be a share from "1%" to "102400%")", "100% is one CPU"},
    {root_b, R"("/srv/b", "workers": ^0)", "/vhosts/1/workers",
     R"("workers" must be a whole number from 1 to 64)", ""},
    {root_b, R"("/srv/b", "workers": ^65)", "/vhosts/1/workers",
     R"("workers" must be a whole number from 1 to 64)", ""},
    {root_b, R"("/srv/b", "workers": {"min": 2, "max": ^1})", "/vhosts/1/workers/max",
     R"("max" is less than "min")", ""},
    {root_b, R"("/srv/b", "workers": {"max": ^65})", "/vhosts/1/workers/max",
     R"("max" must be a whole number from 1 to 64)", ""},
    {root_b, R"("/srv/b", "workers": {^"most": 4})", "/vhosts/1/workers/most",
     R"("workers" has no key "most")", R"(its keys are min and max)"},
    {root_b, R"("/srv/b", "idle_timeout": ^"25h")", "/vhosts/1/idle_timeout",
     R"("idle_timeout" must be a duration from 10ms to 24h)", duration_forms},
    {root_b, R"("/srv/b", "suspended": ^"yes")", "/vhosts/1/suspended",
     R"("suspended" must be true or false, but is a string)", ""},
    {root_b, R"("/srv/b", "log": { "format": ^"jsn" })", "/vhosts/1/log/format",
     R"("format" must be "combined" or "json")", R"(did you mean "json"?)"},
    {root_b, R"("/srv/b", "start": ^"on_demand")", "/vhosts/1/start",
     R"("start" must be "on-demand" or "always")", R"(did you mean "on-demand"?)"},
    {"\"vhosts\": [", R"("child_groups": {^"runing": 5}, "vhosts": [)", "/child_groups/runing",
     R"("child_groups" has no key "runing")", R"(did you mean "running"?)"},
    {"\"vhosts\": [", R"("child_groups": {"starts_per_second": ^0}, "vhosts": [)",
     "/child_groups/starts_per_second",
     R"("starts_per_second" must be a whole number from 1 to 10000)", ""},
    {"\"vhosts\": [", R"("child_groups": {"spares": ^65}, "vhosts": [)", "/child_groups/spares",
     R"("spares" must be a whole number from 0 to 64)", ""},
    {"\"vhosts\": [", R"("child_groups": {"sessions": ^"-1"}, "vhosts": [)",
     "/child_groups/sessions", R"("sessions" must be a size from 0 to 1024G)", size_forms},
    {"\"vhosts\": [", R"("child_groups": {"memory": ^"1K"}, "vhosts": [)", "/child_groups/memory",
     R"("memory" must be a size from 1M to 1048576G)", size_forms},
    {"\"vhosts\": [", R"("defaults": ^[], "vhosts": [)", "/defaults",
     R"("defaults" must be an object, but is an array)", ""},
    {"\"vhosts\": [", R"("defaults": {^"root": "/srv"}, "vhosts": [)", "/defaults/root",
     R"("root" belongs to one vhost and has no default)", ""},
    {"\"vhosts\": [", R"("defaults": {^"workrs": 2}, "vhosts": [)", "/defaults/workrs",
     R"("defaults" has no key "workrs")", R"(did you mean "workers"?)"},
    {"\"vhosts\": [", R"("defaults": {"workers": ^"2"}, "vhosts": [)", "/defaults/workers",
     R"("workers" must be a whole number from 1 to 64)", ""},
};
INSTANTIATE_TEST_SUITE_P(Vhosts, ConfigurationMistake, testing::ValuesIn(vhost_cases));

}  // namespace
}  // namespace perchild::test::configuration_mistakes_test
