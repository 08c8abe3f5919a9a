// What the configuration says of the mail that a site's programs send.
#pragma once

#include <optional>
#include <vector>

#include "policy/configuration_report.h"
#include "policy/host_name.h"
#include "policy/mail_settings.h"
#include "policy/program_settings.h"
#include "policy/system_view.h"

namespace perchild {

// "mail" of a vhost or of "defaults": what it does not say stays as it is.
void read_mail(Report& report, SystemView& system, JsonValue value,
               std::optional<MailSettings>& mail);

// For a site with these hosts: as whom it may send if nothing is said of that. Its programs are
// told where sendmail is, and PHP's mail() uses it.
void finish_mail(MailSettings& mail, const std::vector<HostPattern>& hosts,
                 std::vector<ProgramSettings>& programs);

}  // namespace perchild
