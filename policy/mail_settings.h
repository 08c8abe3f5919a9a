// Mail that a site's programs send: to which server, as whom, and how much.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "policy/access_settings.h"

namespace perchild {

// In the view that programs have of the machine.
inline constexpr const char* program_sockets_folder = "/dev/shm/.perchild";
inline constexpr const char* sendmail_path = "/dev/shm/.perchild/sendmail";
inline constexpr const char* mail_socket_name = "mail";  // in that folder

// Says a program who usual_sender() is.
inline constexpr const char* usual_sender_variable = "PERCHILD_MAIL_FROM";

inline constexpr const char* smtp_client = "/usr/bin/msmtp";

enum class MailTls : std::uint8_t { off, starttls, on };

struct MailSettings {
  std::string smarthost{};  // a host's name or address
  std::uint16_t port = 25;
  MailTls tls = MailTls::off;
  std::vector<std::string> senders{};  // "alice@a.example", "*@a.example"; never empty for a runner
  std::string domain{};                // as which the client introduces itself
  RateSettings rate{.count = 100, .per = std::chrono::hours(1), .burst = 100};  // recipients
};

// "local@domain", of plain characters: nothing that a program or a protocol takes for more.
bool is_mail_address(std::string_view text);
// Likewise, but "*" may stand for every local part.
bool is_sender_pattern(std::string_view text);

// The sender, in an envelope, of what is not to be answered (RFC 5321, 4.5.5).
inline constexpr std::string_view null_sender = "<>";

// Whether the envelope may name `sender`, an address; or nobody, which is for who may name whomever
// he likes at some host.
bool may_send_as(const MailSettings& settings, std::string_view sender);
// Who sends what names nobody: the first of `senders` that is an address, or else "www" there.
std::string usual_sender(const MailSettings& settings);

}  // namespace perchild
