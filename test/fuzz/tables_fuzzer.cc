// What the command packs for the other processes, and a runner for the next, where they unpack it:
// nothing but what pack() makes, and nothing of it led out of its bytes. The first byte chooses
// which.
#include "privsep/site_table.h"
#include "test/fuzz/fuzz_driver.h"
#include "vhosts/sites/checker_settings.h"
#include "vhosts/sites/php_sessions.h"
#include "vhosts/sites/route_table.h"
#include "vhosts/sites/router_settings.h"
#include "vhosts/sites/runner_settings.h"
#include "vhosts/sites/site_settings.h"
#include "vhosts/sites/spare_settings.h"
#include "vhosts/tls/key_ring.h"

namespace perchild {
namespace {

using fuzz::check;
using fuzz::is_within;

// Flags have many numbers that say yes, so the bytes need not be the same.
template <typename Packed>
void unpack(std::string_view bytes) {
  const auto once = Packed::unpack(bytes);
  if (!once) return;
  const std::string packed = once->pack();
  const auto twice = Packed::unpack(packed);
  check(twice && twice->pack() == packed, "what was unpacked is packed, and unpacked again");
}

void unpack_sites(std::string_view bytes) {
  unpack<SiteTable>(bytes);
  const auto table = SiteTable::unpack(bytes);
  if (!table) return;
  for (const SiteRecord& site : table->sites) {
    check(table->id_range.contains(site.uid.uid().value), "a site's uid is in the range");
    for (const std::string_view part :
         {site.settings, site.checker_settings, site.runner_settings}) {
      check(is_within(part, bytes), "settings are part of the table");
    }
  }
}

void load_routes(std::string_view bytes) {
  const auto table = RouteTable::load(bytes);
  if (!table) return;
  for (std::uint32_t listener = 0; listener < std::min(table->listener_count(), 8U); ++listener) {
    for (const char* name : {"a.example", "www.a.example", "z"}) {
      const auto route = table->route(HostName::parse(name), listener);
      check(!route || route->site.value < table->site_count(), "a route leads to a site");
    }
    const auto route = table->route(std::nullopt, listener);
    check(!route || route->site.value < table->site_count(), "that by default too");
    table->is_proxy(listener, {});
    table->speaks_tls(listener);
    table->takes_http2(listener);
  }
  for (std::uint32_t site = 0; site < std::min(table->site_count(), 64U); ++site) {
    table->queue_limit({site});
    table->suspended({site});
    table->exists({site});
    table->has_certificate({site});
  }
}

void unpack_keys(std::string_view bytes) {
  const auto ring = tls::KeyRing::unpack(bytes);
  if (!ring) return;
  for (std::uint32_t site = 0; site < 8; ++site) {
    for (const std::string_view key : ring->keys_of({site})) {
      check(is_within(key, bytes), "a key is part of the ring");
    }
  }
}

// Of a site's runner, for the next one.
void unpack_sessions(std::string_view bytes) {
  const auto once = PhpSessions::unpack(bytes);
  if (!once) return;
  for (const PhpSession& session : once->all) {
    check(names_session(session.name), "a session is a file of the folder");
    check(!session.data.empty(), "and has something in it");
  }
  const auto twice = PhpSessions::unpack(once->pack(bytes.size()));
  check(twice && twice->all == once->all, "what was unpacked is packed, and unpacked again");
}

}  // namespace
}  // namespace perchild

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace perchild;
  if (size == 0) return 0;
  const std::string_view bytes = fuzz::to_view(data + 1, size - 1);
  switch (data[0]) {
    case 's':
      unpack_sites(bytes);
      break;
    case 'r':
      load_routes(bytes);
      break;
    case 'k':
      unpack_keys(bytes);
      break;
    case 'w':
      unpack<SiteSettings>(bytes);
      break;
    case 'p':
      unpack<RunnerSettings>(bytes);
      break;
    case 'v':
      unpack<SpareSettings>(bytes);
      break;
    case 'c':
      unpack<CheckerSettings>(bytes);
      break;
    case 'h':
      unpack_sessions(bytes);
      break;
    case 'd':
      unpack<RouterSettings>(bytes);
      break;
    default:
      break;
  }
  return 0;
}
