#include "test/fuzz/states/masters_tables.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "privsep/inherited_fds.h"
#include "test/fuzz/fuzz_driver.h"
#include "test/fuzz/states/numbers.h"

namespace perchild::fuzz {
namespace {

constexpr IdRange range{20000, 59999};
constexpr int listeners = 2;

SiteRecord site_of(std::uint32_t number, const char* name) {
  const Uid uid{first_uid + number};
  return {.uid = *TenantUid::make(uid, range),
          .gid = Gid{uid.value},
          .name = name,
          .settings = "settings"};
}

SiteRecord hole() {
  SiteRecord record = site_of(0, "");
  record.settings = {};
  return record;
}

SiteTable first_table() {
  SiteTable table;
  table.listeners = {"127.0.0.1:80", "127.0.0.1:443"};
  table.routers = 2;
  table.id_range = range;
  table.router = {Uid{901}, Gid{901}};
  table.keeper = ServiceIds{Uid{902}, Gid{902}};
  table.spare = ServiceIds{Uid{903}, Gid{903}};
  table.spares = {"spare"};
  table.drain = std::chrono::seconds(5);
  table.groups = {.running = 3, .memory = 0, .starts_per_second = starts_a_second, .spares = 1};
  table.sites = {site_of(0, "a.example"), site_of(1, "b.example"), hole(),
                 site_of(3, "d.example"), site_of(4, "e.example"), site_of(5, "f.example")};
  SiteRecord& all = table.sites[0];
  all.has_keys = true;
  all.checker_settings = "lists";
  all.runner_settings = "programs";
  table.sites[1].life = {.start = StartPolicy::always, .least_workers = 1, .most_workers = 3};
  table.sites[3].life.suspended = true;
  table.sites[4].life = {.least_workers = 2, .most_workers = 4};
  table.sites[4].runner_settings = "programs";
  for (const std::size_t site : {0U, 4U}) table.sites[site].session = std::chrono::minutes(24);
  table.sites[4].spare_kind = 0;
  return table;
}

UniqueFd unix_door(std::string& address) {
  UniqueFd door(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  ::sockaddr_un name{};
  name.sun_family = AF_UNIX;
  // unix(7): without a name, the kernel gives it one.
  check(::bind(door.get(), reinterpret_cast<::sockaddr*>(&name), sizeof name.sun_family) == 0 &&
            ::listen(door.get(), 8) == 0,
        "a socket listens");
  ::socklen_t length = sizeof name;
  ::getsockname(door.get(), reinterpret_cast<::sockaddr*>(&name), &length);
  address.assign(name.sun_path, length - offsetof(::sockaddr_un, sun_path));
  return door;
}

std::string log_directory;

}  // namespace

std::string packed_table(std::uint32_t generation, std::uint32_t variant) {
  SiteTable table = first_table();
  table.generation = Generation{generation};
  switch (variant % table_variants) {
    case 0:
      table.sites[0].generation = generation;
      break;
    case 1:
      table.sites[2] = site_of(2, "c.example");
      table.sites[2].generation = generation;
      table.sites[4] = hole();
      break;
    case 2:
      table.sites[1].life.suspended = true;
      table.sites[1].generation = generation;
      table.sites[0].has_keys = false;
      table.sites[0].runner_settings = {};
      table.sites[0].generation = generation;
      table.listeners[1].clear();
      break;
    case 3:
      table.sites[4].uid = *TenantUid::make(Uid{first_uid + 7}, range);
      table.sites[4].generation = generation;
      table.spares.clear();
      table.sites[4].spare_kind.reset();
      table.sites.push_back(site_of(6, "g.example"));
      break;
  }
  return table.pack();
}

UniqueFd memory_of(const std::string& bytes) {
  auto memory = make_sealed_memory("fuzzed", bytes);
  check(memory.has_value(), "memory is made");
  return std::move(*memory);
}

UniqueFd connect_to_door(const std::string& address) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  ::sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, address.data(), address.size());
  const auto length = static_cast<::socklen_t>(offsetof(::sockaddr_un, sun_path) + address.size());
  if (::connect(socket.get(), reinterpret_cast<::sockaddr*>(&name), length) != 0) socket.reset();
  return socket;
}

void place_fds_of_master() {
  for (int number = MasterFds::notify; number < MasterFds::first_listener + listeners; ++number) {
    place_null(number);
  }
  char path[] = "/tmp/perchild-fuzz-XXXXXX";
  check(::mkdtemp(path) != nullptr, "there is a folder for logs");
  log_directory = path;
  std::atexit([] { std::filesystem::remove_all(log_directory); });
  place(::open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), MasterFds::log_directory);
}

OwnFds::OwnFds() {
  place(unix_door(control).release(), MasterFds::control_socket);
  place(unix_door(status).release(), MasterFds::status_socket);
  const int ledger = ::memfd_create("ledger", MFD_CLOEXEC);
  ::fcntl(ledger, F_SETFL, O_APPEND);
  place(ledger, MasterFds::mail_ledger);
}

OwnFds::~OwnFds() {
  for (const int number :
       {MasterFds::control_socket, MasterFds::status_socket, MasterFds::mail_ledger}) {
    place_null(number);
  }
  for (int i = 0; i < listeners; ++i) place_null(MasterFds::first_listener + i);
}

}  // namespace perchild::fuzz
