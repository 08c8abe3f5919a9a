// The real php-cgi understands what FastCgiRequest and write_cgi_variables say, and says what
// FastCgiDecoder and CgiHeadParser understand.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>
#include <string>

#include "privsep/unique_fd.h"
#include "test/support/temporary_directory.h"
#include "vhosts/gateway/cgi_head.h"
#include "vhosts/gateway/cgi_variables.h"
#include "vhosts/gateway/fastcgi_record.h"

namespace perchild::gateway::php_cgi_test {
namespace {

using test::TemporaryDirectory;

constexpr int deadline_ms = 20'000;

struct Answer {
  FastCgiDecoder::State state = FastCgiDecoder::State::incomplete;
  std::string output;  // head and body
  std::string error_output;
  CgiHead head;
  std::string body;
};

// php-cgi, with one connection to it.
class PhpCgi {
 public:
  PhpCgi() {
    const std::string path = directory_.path() + "/socket";
    ::sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const auto* const name = reinterpret_cast<const ::sockaddr*>(&address);
    const UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    connection_ = UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::bind(listener.get(), name, sizeof address) != 0 || ::listen(listener.get(), 1) != 0 ||
        ::connect(connection_.get(), name, sizeof address) != 0) {
      throw std::runtime_error("no connection");
    }
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(listener.get(), 0);
      ::execl("/usr/bin/php-cgi", "php-cgi", "-d", "cgi.fix_pathinfo=1", "-d", "log_errors=1", "-d",
              "display_errors=0", nullptr);
      ::_exit(127);
    }
  }
  ~PhpCgi() {
    connection_.reset();
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  PhpCgi(const PhpCgi&) = delete;
  PhpCgi& operator=(const PhpCgi&) = delete;

  const TemporaryDirectory& directory() const { return directory_; }

  // Runs script `name` for a request with this head and body.
  Answer ask(const std::string& name, const std::string& path_info, const std::string& bytes,
             const std::string& body = {}) {
    http1::HeadParser parser;
    EXPECT_EQ(parser.parse(bytes), http1::HeadParser::State::complete) << bytes;
    const http1::RequestHead head = parser.head(bytes);
    std::string out;
    FastCgiRequest request(out, true);
    const CgiRequest variables{.head = head,
                               .bytes = bytes,
                               .document_root = directory_.path(),
                               .script_name = name,
                               .path_info = path_info,
                               .query = head.query,
                               .server_name = "a.example",
                               .server_address = "192.0.2.1",
                               .server_port = 80,
                               .remote_address = "198.51.100.7",
                               .remote_port = 40000,
                               .remote_user = "",
                               .https = false,
                               .content_length = body.size()};
    EXPECT_TRUE(write_cgi_variables(variables, request));
    EXPECT_TRUE(request.finish());
    for (std::string_view rest = body; !rest.empty();) {
      const std::string_view part = rest.substr(0, max_record_content);
      const RecordHeader header = body_record_header(part.size());
      out.append(header.data(), header.size()).append(part);
      rest.remove_prefix(part.size());
    }
    const RecordHeader end = body_record_header(0);
    out.append(end.data(), end.size());
    return exchange(out);
  }

 private:
  // Both ways at once: a program may answer before it has read everything.
  Answer exchange(std::string_view out) {
    Answer answer;
    FastCgiDecoder decoder;
    while (answer.state == FastCgiDecoder::State::incomplete) {
      ::pollfd ready{connection_.get(), POLLIN, 0};
      if (!out.empty()) ready.events |= POLLOUT;
      if (::poll(&ready, 1, deadline_ms) != 1) throw std::runtime_error("no answer");
      if ((ready.revents & POLLOUT) != 0) {
        const ::ssize_t sent =
            ::send(connection_.get(), out.data(), out.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0) throw std::runtime_error(std::strerror(errno));
        out.remove_prefix(static_cast<std::size_t>(sent));
      }
      if ((ready.revents & POLLIN) != 0) receive(decoder, answer);
    }
    CgiHeadParser parser;
    if (parser.parse(answer.output) == CgiHeadParser::State::complete) {
      answer.head = parser.head(answer.output);
      answer.body = answer.output.substr(answer.head.length);
    }
    return answer;
  }

  void receive(FastCgiDecoder& decoder, Answer& answer) {
    char buffer[5000];
    const ::ssize_t got = ::recv(connection_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (got <= 0) throw std::runtime_error("the connection ended");
    std::string_view rest(buffer, static_cast<std::size_t>(got));
    while (true) {
      const auto step = decoder.next(rest);
      rest.remove_prefix(step.consumed);
      answer.state = step.state;
      if (step.state == FastCgiDecoder::State::output) {
        answer.output += step.data;
      } else if (step.state == FastCgiDecoder::State::error_output) {
        answer.error_output += step.data;
      } else {
        break;
      }
    }
  }

  TemporaryDirectory directory_;
  UniqueFd connection_;
  ::pid_t pid_ = 0;
};

std::string get(const std::string& target, const std::string& fields = {}) {
  return "GET " + target + " HTTP/1.1\r\nHost: a.example\r\n" + fields + "\r\n";
}

std::string post(std::size_t length, const std::string& type) {
  return "POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Type: " + type +
         "\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n";
}

TEST(PhpCgi, APageIsServedAgainAndAgainOnOneConnection) {
  PhpCgi php;
  php.directory().write("hello.php", "<?php echo 'Hello, ', $_GET['name'], getmypid() === 0;");
  for (const std::string name : {"one", "two", "three"}) {
    const Answer answer = php.ask("/hello.php", "", get("/hello.php?name=" + name));
    EXPECT_EQ(answer.state, FastCgiDecoder::State::ended);
    EXPECT_EQ(answer.head.status, 200);
    EXPECT_EQ(answer.head.content_type, "text/html; charset=UTF-8");
    EXPECT_EQ(answer.body, "Hello, " + name);
  }
}

TEST(PhpCgi, TheVariablesAreWhatPhpMakesOfThem) {
  PhpCgi php;
  php.directory().write(
      "vars.php",
      "<?php foreach (['SCRIPT_NAME', 'PATH_INFO', 'PHP_SELF', 'SCRIPT_FILENAME', 'REQUEST_URI',"
      " 'PATH_TRANSLATED', 'HTTP_COOKIE', 'PHP_AUTH_USER', 'PHP_AUTH_PW'] as $name)"
      " echo \"$name=\", $_SERVER[$name] ?? '(none)', \"\\n\"; echo __FILE__, ' ', "
      "getenv('HTTP_PROXY');");
  const std::string root = php.directory().path();
  const Answer answer = php.ask("/vars.php", "/a b/c.php",
                                get("/vars.php/a%20b/c.php?x",
                                    "Cookie: a=1\r\nCookie: b=2\r\nAuthorization: Basic YTpi\r\n"
                                    "Proxy: evil\r\n"));
  EXPECT_EQ(answer.body,
            "SCRIPT_NAME=/vars.php\nPATH_INFO=/a b/c.php\nPHP_SELF=/vars.php/a b/c.php\n"
            "SCRIPT_FILENAME=" +
                root +
                "/vars.php\nREQUEST_URI=/vars.php/a%20b/c.php?x\n"
                "PATH_TRANSLATED=" +
                root +
                "/a b/c.php\nHTTP_COOKIE=a=1; b=2\nPHP_AUTH_USER=a\n"
                "PHP_AUTH_PW=b\n" +
                root + "/vars.php ");
}

TEST(PhpCgi, FormsAndUploadsArrive) {
  PhpCgi php;
  php.directory().write("form.php",
                        "<?php echo $_POST['a'] ?? '', isset($_FILES['f']) ?"
                        " md5_file($_FILES['f']['tmp_name']) . $_FILES['f']['name'] : '';");
  const std::string form = "a=" + std::string(200'000, 'x');
  EXPECT_EQ(
      php.ask("/form.php", "", post(form.size(), "application/x-www-form-urlencoded"), form).body,
      std::string(200'000, 'x'));
  const std::string upload =
      "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"n.txt\"\r\n\r\nhello\r\n"
      "--B--\r\n";
  EXPECT_EQ(
      php.ask("/form.php", "", post(upload.size(), "multipart/form-data; boundary=B"), upload).body,
      "5d41402abc4b2a76b9719d911017c592n.txt");
}

TEST(PhpCgi, StatusesFieldsAndRedirects) {
  PhpCgi php;
  php.directory().write("go.php",
                        "<?php header('Location: /elsewhere'); setcookie('a', '1');"
                        " setcookie('b', '2');");
  php.directory().write("gone.php", "<?php http_response_code(410); header('X-Own: y');");
  const Answer redirect = php.ask("/go.php", "", get("/go.php"));
  EXPECT_EQ(redirect.head.kind, CgiResponse::client_redirect);
  EXPECT_EQ(redirect.head.status, 302);
  EXPECT_EQ(redirect.head.location, "/elsewhere");
  int cookies = 0;
  for_each_cgi_field(redirect.output, [&](const http1::Field& field) {
    if (http1::equals_ignoring_case(field.name, "set-cookie")) ++cookies;
  });
  EXPECT_EQ(cookies, 2);
  EXPECT_EQ(php.ask("/gone.php", "", get("/gone.php")).head.status, 410);
}

TEST(PhpCgi, ErrorsGoToTheErrorOutput) {
  PhpCgi php;
  php.directory().write("bad.php", "<?php error_log('a note'); missing();");
  const Answer answer = php.ask("/bad.php", "", get("/bad.php"));
  EXPECT_EQ(answer.head.status, 500);
  EXPECT_NE(answer.error_output.find("a note"), std::string::npos) << answer.error_output;
  EXPECT_NE(answer.error_output.find("undefined function missing()"), std::string::npos);
  EXPECT_EQ(answer.body, "");
}

TEST(PhpCgi, MuchOutputComesAsItWasMade) {
  PhpCgi php;
  php.directory().write("much.php",
                        "<?php for ($i = 0; $i < 3000; ++$i) echo str_repeat('y', 999);");
  const Answer answer = php.ask("/much.php", "", get("/much.php"));
  EXPECT_EQ(answer.body, std::string(3000u * 999u, 'y'));
}

TEST(PhpCgi, AScriptThatIsNotThereIsPhpsToAnswer) {
  PhpCgi php;
  const Answer answer = php.ask("/missing.php", "", get("/missing.php"));
  EXPECT_EQ(answer.head.status, 404);
}

}  // namespace
}  // namespace perchild::gateway::php_cgi_test
