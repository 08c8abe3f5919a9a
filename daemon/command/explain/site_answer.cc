#include "daemon/command/explain/site_answer.h"

#include <fcntl.h>
#include <unistd.h>

#include "daemon/command/serve/tables.h"
#include "daemon/command/site_process/site_process.h"
#include "policy/packed.h"
#include "privsep/detached_mount.h"
#include "privsep/sealed_memory.h"
#include "vhosts/sites/site_settings.h"

namespace perchild {
namespace {

// A file's name, or a rule of the site's owner, must not speak to root's terminal.
std::string printable(std::string_view text) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  std::string safe;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n' || (byte >= ' ' && byte < 0x7F)) {
      safe += c;
    } else {
      safe.append({'\\', 'x', hex[byte >> 4], hex[byte & 15]});
    }
  }
  return safe;
}

}  // namespace

Result<std::string> ask_site(const Configuration& configuration, SiteId id,
                             const AddressBytes& client, const Url& url) {
  const auto settings =
      make_sealed_memory("settings", site_settings_of(configuration)[id.value].pack());
  if (!settings) return failure(settings.error());
  PackedWriter packed;
  for (const std::uint8_t byte : client) packed.put(byte);
  packed.put(static_cast<std::uint8_t>(url.tls));
  packed.put_text(head_of(url));
  const auto request = make_sealed_memory("request", packed.take());
  if (!request) return failure(request.error());
  const auto filters = make_filters();
  if (!filters) return failure(filters.error());
  UniqueFd acme(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!acme.has_value()) return failure_from_errno("open", "/dev/null");
  if (!configuration.acme_webroot.empty()) {
    auto detached = detach_directory(configuration.acme_webroot);
    if (!detached) return failure(detached.error());
    acme = std::move(*detached);
  }
  const auto answer =
      ask_site_process(configuration, configuration.sites[id.value],
                       {.executable = "perchild-explainer",
                        .filter = filters->worker.borrow(),
                        .given = {settings->borrow(), request->borrow(), acme.borrow()}});
  if (!answer) return failure(answer.error());
  return printable(answer->text) + (answer->is_cut ? "  no answer: it takes too long\n" : "");
}

}  // namespace perchild
