#include "policy/configuration_mail.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "policy/configuration_access.h"
#include "policy/configuration_program_values.h"
#include "policy/configuration_values.h"

namespace perchild {
namespace {

constexpr std::string_view mail_keys[] = {"smarthost", "tls", "from", "rate"};
constexpr std::string_view tls_names[] = {"off", "starttls", "on"};
constexpr std::size_t most_senders = 64;
constexpr std::uint64_t most_port = 65'535;

bool is_host(std::string_view text) {
  return !text.empty() && text.front() != '-' && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == ':';
  });
}

// "mail.example:587", "127.0.0.1", "[::1]:25".
bool parse_smarthost(std::string_view text, MailSettings& mail) {
  const bool in_brackets = text.starts_with('[');
  const std::size_t end = in_brackets ? text.find(']') : text.find(':');
  if (in_brackets && end == std::string_view::npos) return false;
  const std::string_view host =
      in_brackets ? text.substr(1, end - 1) : text.substr(0, std::min(end, text.size()));
  std::string_view rest = end == std::string_view::npos ? "" : text.substr(end + in_brackets);
  if (!is_host(host)) return false;
  mail.smarthost = host;
  if (rest.empty()) return true;
  if (!rest.starts_with(':') || rest.size() > 6) return false;
  const auto port = parse_number(rest.substr(1));
  if (!port || *port == 0 || *port > most_port) return false;
  mail.port = static_cast<std::uint16_t>(*port);
  return true;
}

void read_smarthost(Report& report, JsonValue value, MailSettings& mail) {
  const auto text = read_text(report, value);
  if (!text || parse_smarthost(*text, mail)) return;
  report.error(value, in_quotes(*text) + " is not where mail can be sent to",
               R"(for example "127.0.0.1:25", "mail.example:587")");
}

void read_senders(Report& report, JsonValue value, std::vector<std::string>& senders) {
  if (!report.expect(value, JsonKind::array)) return;
  senders.clear();
  if (value.empty()) report.error(value, R"("from" must name at least one sender)");
  for (JsonValue element : value) {
    const auto text = read_text(report, element);
    if (!text) continue;
    if (!is_sender_pattern(*text)) {
      report.error(element, in_quotes(*text) + " is not a sender",
                   R"(for example "alice@a.example", or "*@a.example")");
    } else if (senders.size() == most_senders) {
      report.error(element,
                   "\"from\" must not name more than " + std::to_string(most_senders) + " senders");
      return;
    } else {
      senders.push_back(*text);
    }
  }
}

}  // namespace

void read_mail(Report& report, SystemView& system, JsonValue value,
               std::optional<MailSettings>& mail) {
  if (value.is(JsonKind::boolean) && value.text() == "false") return mail.reset();
  if (!report.expect_keys(value, R"("mail")", mail_keys)) return;
  MailSettings read = mail.value_or(MailSettings{});
  if (const auto smarthost = value.find("smarthost")) read_smarthost(report, *smarthost, read);
  if (const auto tls = value.find("tls")) {
    if (const auto choice = read_choice(report, *tls, tls_names)) {
      read.tls = static_cast<MailTls>(*choice);
    }
  }
  if (const auto from = value.find("from")) read_senders(report, *from, read.senders);
  if (const auto rate = value.find("rate")) take_rate(report, *rate, read.rate);
  if (!mail && !value.find("smarthost")) {
    report.error(value, R"("mail" needs a "smarthost", here or in "defaults")",
                 R"(for example "smarthost": "127.0.0.1:25")");
    return;
  }
  if (!expect_program(report, system, value, smtp_client)) return;
  mail = std::move(read);
}

void finish_mail(MailSettings& mail, const std::vector<HostPattern>& hosts,
                 std::vector<ProgramSettings>& programs) {
  mail.domain = hosts.front().name.view();
  if (mail.senders.empty()) {
    for (const HostPattern& host : hosts) {
      mail.senders.push_back("*@" + std::string(host.name.view()));
    }
  }
  for (ProgramSettings& program : programs) {
    // What the site's settings say of the same names comes behind these, and counts.
    program.environment.insert(program.environment.begin(),
                               {"SENDMAIL=" + std::string(sendmail_path),
                                std::string(usual_sender_variable) + "=" + usual_sender(mail)});
    if (program.name != "php") continue;
    program.command.insert(program.command.begin() + 1,
                           {"-d", "sendmail_path=\"" + std::string(sendmail_path) + " -t -i\""});
  }
}

}  // namespace perchild
