#include "test/vhosts/http1/head_cases.h"

namespace perchild::http1 {
namespace {

using namespace std::string_literals;

// A request line with the fields of an ordinary request.
std::string with_line(const std::string& line) {
  return line + "\r\nHost: a.example\r\n\r\n";
}

std::string with_target(const std::string& target) {
  return with_line("GET " + target + " HTTP/1.1");
}

// An ordinary request with more fields.
std::string with(const std::string& fields) {
  return "POST / HTTP/1.1\r\nHost: a.example\r\n" + fields + "\r\n\r\n";
}

std::string with_host(const std::string& field) {
  return "GET / HTTP/1.1\r\n" + field + "\r\n\r\n";
}

void add_request_lines(std::vector<RejectCase>& cases) {
  const auto add = [&cases](std::string_view name, std::string bytes, Reject reason, int status) {
    cases.push_back({name, std::move(bytes), reason, status});
  };
  add("TLS ClientHello", "\x16\x03\x01\x02"s, Reject::bad_request_line, 400);
  add("NUL first", "\0"s, Reject::bad_request_line, 400);
  add("byte above 0x7f first", "\xff", Reject::bad_request_line, 400);
  add("space first", with_line(" GET / HTTP/1.1"), Reject::bad_request_line, 400);
  add("two empty lines first", "\r\n\r\n" + with_target("/"), Reject::bad_request_line, 400);
  add("bare LF first", "\n" + with_target("/"), Reject::bad_line_end, 400);
  add("bare CR first", "\rGET / HTTP/1.1\r\n", Reject::bad_line_end, 400);
  add("HTTP/0.9", "GET /\r\n", Reject::bad_request_line, 400);
  add("method alone", "GET\r\n", Reject::bad_request_line, 400);
  add("method alone, bare LF", "GET\n", Reject::bad_line_end, 400);
  add("two spaces before target", with_line("GET  / HTTP/1.1"), Reject::bad_request_line, 400);
  add("two spaces behind target", with_line("GET /  HTTP/1.1"), Reject::bad_version, 400);
  add("space behind version", with_line("GET / HTTP/1.1 "), Reject::bad_version, 400);
  add("tab behind method", with_line("GET\t/ HTTP/1.1"), Reject::bad_method, 400);
  add("tab behind target", with_line("GET /\tHTTP/1.1"), Reject::bad_target, 400);
  add("separator in method", with_line("G(T / HTTP/1.1"), Reject::bad_method, 400);
  add("NUL in method", with_line("GE\0T / HTTP/1.1"s), Reject::bad_method, 400);
  add("method of 33 bytes", with_line(std::string(33, 'M') + " / HTTP/1.1"), Reject::bad_method,
      400);
  add("method of 60 bytes", with_line(std::string(60, 'M') + " / HTTP/1.1"), Reject::bad_method,
      400);
  add("bare LF behind target", "GET /\n", Reject::bad_line_end, 400);
  add("bare LF behind version", "GET / HTTP/1.1\nHost: a.example\r\n\r\n", Reject::bad_line_end,
      400);
  add("bare CR behind version", "GET / HTTP/1.1\rHost: a.example\r\n\r\n", Reject::bad_line_end,
      400);
}

void add_versions(std::vector<RejectCase>& cases) {
  for (const char* version : {"http/1.1", "HTTP/1", "HTTP/1.", "HTTP/1.10", "HTTP/11.1", "HTTP/x.1",
                              "HTTP/1.x", "HTTP 1.1", "HTTP/1,1", "HTTP/-1.1", "HTTP/+1.1",
                              "HTTPS/1.1", "JUNK", "HTTP/ 1.1", "HTTP/1.1\t"}) {
    cases.push_back({version, with_line("GET / "s + version), Reject::bad_version, 400});
  }
  for (const char* version : {"HTTP/2.0", "HTTP/3.0", "HTTP/0.9", "HTTP/9.9", "HTTP/0.0"}) {
    cases.push_back({version, with_line("GET / "s + version), Reject::version_unsupported, 505});
  }
  cases.push_back(
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Reject::version_unsupported, 505});
}

void add_targets(std::vector<RejectCase>& cases) {
  const auto add = [&cases](std::string_view name, std::string bytes, Reject reason) {
    cases.push_back({name, std::move(bytes), reason, 400});
  };
  static const std::string never_in_target = "\"<>#\x01\x0b\x1f\x7f\x80\xc3\xff"s + '\0';
  for (const char c : never_in_target) {
    add("byte never in a path", with_target("/a"s + c + "b"), Reject::bad_target);
    add("byte never in a query", with_target("/a?b"s + c + "d"), Reject::bad_target);
  }
  for (const char c : "\\`{}"s) {
    add("byte raw in queries only", with_target("/a"s + c + "b"), Reject::bad_target);
  }
  for (const char* target :
       {"a", "a/b", "www.example/", "?a", "*", "**", "/ a", "ftp://a.example/", "http:/a.example/",
        "http:a", "file:///etc/passwd", "javascript:0", "://a.example/", "a.example:80"}) {
    const bool space = std::string_view(target).find(' ') != std::string_view::npos;
    add(target, with_target(target), space ? Reject::bad_version : Reject::bad_target);
  }
  add("OPTIONS with a relative target", with_line("OPTIONS a HTTP/1.1"), Reject::bad_target);
  add("OPTIONS *?", with_line("OPTIONS *? HTTP/1.1"), Reject::bad_target);
  for (const char* target : {"/", "*", "a.example", "a.example:", "a.example:0", ":443", "b@a:443",
                             "http://a.example:443/", "a.example:443?x", "a.example:443/"}) {
    add(target, with_line("CONNECT "s + target + " HTTP/1.1"), Reject::bad_target);
  }
  add("userinfo", with_target("http://u:p@a.example/"), Reject::bad_target);
  add("empty userinfo", with_target("http://@a.example/"), Reject::bad_target);
  add("backslash authority", with_target("http://a.example\\b/"), Reject::bad_target);
  for (const char* authority :
       {"", ":80", "a.example:65536", "a.example:x", "a.example:-1", "a..b", "a%2eexample",
        "a.example:080080", "[::1", "::1", "[::1]x", "a,b"}) {
    add(authority, with_target("http://"s + authority + "/"), Reject::host_invalid);
  }
}

void add_hosts(std::vector<RejectCase>& cases) {
  const auto add = [&cases](std::string_view name, std::string bytes, Reject reason) {
    cases.push_back({name, std::move(bytes), reason, 400});
  };
  add("no Host", "GET / HTTP/1.1\r\nAccept: */*\r\n\r\n", Reject::host_missing);
  add("no fields", "GET / HTTP/1.1\r\n\r\n", Reject::host_missing);
  add("no Host, HTTP/1.2", "GET / HTTP/1.2\r\n\r\n", Reject::host_missing);
  add("no Host, absolute-form", "GET http://a.example/ HTTP/1.1\r\n\r\n", Reject::host_missing);
  add("empty Host", with_host("Host:"), Reject::host_missing);
  add("blank Host", with_host("Host: \t "), Reject::host_missing);
  add("empty Host, HTTP/1.0", "GET / HTTP/1.0\r\nHost:\r\n\r\n", Reject::host_missing);
  add("two Hosts", with("Host: b.example"), Reject::host_repeated);
  add("two equal Hosts", with("Host: a.example"), Reject::host_repeated);
  add("two Hosts, HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nhOsT: a\r\n\r\n", Reject::host_repeated);
  for (const char* host : {"a.example, b.example",
                           "a.example b.example",
                           "http://a.example",
                           "u@a.example",
                           "a.example/",
                           "a.example:80:80",
                           "a.example:99999",
                           "a.example:8x",
                           "a.example: 80",
                           "a.example :80",
                           ":80",
                           ".",
                           "a..b",
                           "-a",
                           "[::1",
                           "[::g]",
                           "[::1]80",
                           "::1",
                           "a\\b",
                           "a?b",
                           "a#b",
                           "*",
                           "a%00b",
                           "\xc3\xa4.example",
                           "a\tb"}) {
    add(host, with_host("Host: "s + host), Reject::host_invalid);
  }
  const auto both = [](const std::string& target, const std::string& host) {
    return "GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
  };
  add("other Host", both("http://a.example/", "b.example"), Reject::host_mismatch);
  add("other port", both("http://a.example:81/", "a.example:82"), Reject::host_mismatch);
  add("default port", both("http://a.example:81/", "a.example:80"), Reject::host_mismatch);
  add("port in the target only", both("http://a.example:81/", "a.example"), Reject::host_mismatch);
  add("port in the Host field only", both("http://a.example/", "a.example:81"),
      Reject::host_mismatch);
  add("other port, CONNECT", "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:80\r\n\r\n",
      Reject::host_mismatch);
  add("port of https", both("http://a.example/", "a.example:443"), Reject::host_mismatch);
  add("other Host, HTTP/1.0", "GET http://a/ HTTP/1.0\r\nHost: b\r\n\r\n", Reject::host_mismatch);
  add("other Host, CONNECT", "CONNECT a.example:443 HTTP/1.1\r\nHost: b.example\r\n\r\n",
      Reject::host_mismatch);
}

void add_fields(std::vector<RejectCase>& cases) {
  const auto add = [&cases](std::string_view name, std::string bytes, Reject reason) {
    cases.push_back({name, std::move(bytes), reason, 400});
  };
  add("no colon", with("Accept"), Reject::bad_field_name);
  add("empty name", with(": x"), Reject::bad_field_name);
  add("space before colon", with("Content-Length : 5"), Reject::bad_field_name);
  add("tab before colon", with("Transfer-Encoding\t: chunked"), Reject::bad_field_name);
  add("space in name", with("Content Length: 5"), Reject::bad_field_name);
  for (const char c : "\"(),/;<=>?@[\\]{}\x01\x7f\x80\xff"s + '\0') {
    add("separator in name", with("A"s + c + "B: x"), Reject::bad_field_name);
  }
  add("vertical tab before name", with("\x0bTransfer-Encoding: chunked"), Reject::bad_field_name);
  add("folded", with("A: x\r\n y"), Reject::folded_field);
  add("folded by a tab", with("A: x\r\n\ty"), Reject::folded_field);
  add("folded Content-Length", with("A: x\r\n Content-Length: 5"), Reject::folded_field);
  add("folded Transfer-Encoding", with("Transfer-Encoding:\r\n chunked"), Reject::encoding_unknown);
  cases.back().status = 501;
  add("folded blank line", with("A: x\r\n "), Reject::folded_field);
  add("whitespace behind the request line", "GET / HTTP/1.1\r\n Host: a\r\n\r\n",
      Reject::folded_field);
  for (const char c : "\x01\x08\x0b\x0c\x1b\x1f\x7f"s + '\0') {
    add("control character in value", with("A: x"s + c + "y"), Reject::bad_field_value);
  }
  add("bare LF behind value", with("A: x\nB: y"), Reject::bad_line_end);
  add("bare CR in value", with("A: x\rB: y"), Reject::bad_line_end);
  add("CR CR LF", with("A: x\r\r\nB: y"), Reject::bad_line_end);
  add("bare LF in name", with("A\nB: y"), Reject::bad_line_end);
  add("CR in name", with("A\rB: y"), Reject::bad_field_name);
  add("head ends in bare LF", "GET / HTTP/1.1\r\nHost: a\r\n\n", Reject::bad_line_end);
  add("head ends in bare CR", "GET / HTTP/1.1\r\nHost: a\r\n\rx", Reject::bad_line_end);
  add("Connection is no list of tokens", with("Connection: clo se"), Reject::bad_field_value);
}

void add_framing(std::vector<RejectCase>& cases) {
  const auto add = [&cases](std::string_view name, std::string bytes, Reject reason, int status) {
    cases.push_back({name, std::move(bytes), reason, status});
  };
  for (const char* length : {"", "+5", "-5", "5,5", "5, 5", "5 5", "0x5", "5.", "1e3", "five", "5;",
                             "\"5\"", "9223372036854775808", "18446744073709551615",
                             "18446744073709551616", "99999999999999999999999999999999"}) {
    add(length, with("Content-Length: "s + length), Reject::content_length_invalid, 400);
  }
  add("equal lengths", with("Content-Length: 5\r\nContent-Length: 5"),
      Reject::content_length_repeated, 400);
  add("different lengths", with("Content-Length: 5\r\ncontent-length: 6"),
      Reject::content_length_repeated, 400);
  add("CL.TE", with("Content-Length: 5\r\nTransfer-Encoding: chunked"), Reject::length_and_encoding,
      400);
  add("TE.CL", with("Transfer-Encoding: chunked\r\nContent-Length: 5"), Reject::length_and_encoding,
      400);
  add("zero CL and TE", with("Content-Length: 0\r\nTransfer-Encoding: chunked"),
      Reject::length_and_encoding, 400);
  add("CL and unknown TE", with("Content-Length: 5\r\nTransfer-Encoding: x"),
      Reject::length_and_encoding, 400);
  add("TE in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
      Reject::encoding_in_http_1_0, 400);
  for (const char* encoding :
       {"", "xchunked", "chunkedx", "chunked, chunked", "chunked,", ",chunked", "gzip",
        "gzip, chunked", "chunked, gzip", "identity", "chunked, identity", "identity, chunked",
        "chunked;q=1", "\"chunked\"", "'chunked'", "chun ked", "cow", "deflate", "chunked\x80"}) {
    add(encoding, with("Transfer-Encoding: "s + encoding), Reject::encoding_unknown, 501);
  }
  add("TE.TE", with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
      Reject::encoding_unknown, 501);
  add("TE.TE hidden", with("Transfer-Encoding: chunked\r\nTransfer-encoding: cow"),
      Reject::encoding_unknown, 501);
  add("TE.TE hidden, other order",
      with("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked"), Reject::encoding_unknown,
      501);
  add("vertical tab before chunked", with("Transfer-Encoding: \x0b"s + "chunked"),
      Reject::bad_field_value, 400);
  for (const char* expect : {"200-ok", "100-continue, x", ", x", "100-continue;x"}) {
    add(expect, with("Expect: "s + expect), Reject::expectation_failed, 417);
  }
}

}  // namespace

const std::vector<RejectCase>& reject_cases() {
  static const std::vector<RejectCase> cases = [] {
    std::vector<RejectCase> all;
    add_request_lines(all);
    add_versions(all);
    add_targets(all);
    add_hosts(all);
    add_fields(all);
    add_framing(all);
    return all;
  }();
  return cases;
}

const std::vector<AcceptCase>& accept_cases() {
  static const std::vector<AcceptCase> cases = {
      {"plain", with_target("/")},
      {"one empty line first", "\r\n" + with_target("/")},
      {"query", with_target("/a/b.php?c=d&e[]=f|g{h}`i\\j^?k")},
      {"what browsers leave raw in paths", with_target("/a|b[c]^d!$&'()*+,;=:@~%zz")},
      {"two slashes first", with_target("//a.example/b")},
      {"absolute-form", with_target("http://a.example/b?c")},
      {"absolute-form, upper case", with_target("HTTPS://A.Example:443/b")},
      {"absolute-form without path", with_target("http://a.example")},
      {"absolute-form without path, query", with_target("http://a.example:80?q")},
      {"absolute-form with a port",
       "GET http://a.example:81/ HTTP/1.1\r\nHost: a.example:81\r\n\r\n"},
      {"absolute-form, default port in the Host field",
       "GET http://a.example/ HTTP/1.1\r\nHost: A.EXAMPLE.:80\r\n\r\n"},
      {"OPTIONS *", with_line("OPTIONS * HTTP/1.1")},
      {"OPTIONS, absolute-form", with_line("OPTIONS http://a.example HTTP/1.1")},
      {"CONNECT", "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n"},
      {"unknown method", with_line("M-SEARCH /x HTTP/1.1")},
      {"HTTP/1.0", "GET / HTTP/1.0\r\n\r\n"},
      {"HTTP/1.9", with_line("GET / HTTP/1.9")},
      {"length", with("Content-Length: 5") + "hello"},
      {"chunked", with("transfer-encoding:  CHUNKED\t") + "0\r\n\r\n"},
      {"expectation", with("Expect: 100-Continue\r\nContent-Length: 7")},
      {"empty expectation", with("Expect:\r\nExpect: , ,\r\nContent-Length: 7")},
      {"connection options", with("Connection: a, ,close,\r\nConnection: Keep-Alive")},
      {"IPv6", with_host("Host: [::1]:8080")},
      {"obs-text", with("X: \x80\xff\tz")},
      {"empty value", with("X:\r\nY: \t\r\nUser-Agent: u")},
      {"pipelined", with_target("/1") + with_target("/2")},
  };
  return cases;
}

}  // namespace perchild::http1
