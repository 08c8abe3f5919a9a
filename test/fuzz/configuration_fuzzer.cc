// The bytes are a whole configuration file. Includes lead back to the same bytes; users, groups and
// roots are made up.
#include <string>
#include <string_view>
#include <vector>

#include "policy/configuration_json.h"
#include "policy/json_tree.h"
#include "test/fuzz/fuzz_driver.h"
#include "test/policy/configuration_fakes.h"

namespace {

using perchild::fuzz::check;

void check_consistent(const perchild::Configuration& configuration) {
  check(!configuration.sites.empty() && !configuration.listeners.empty(), "there is work to do");
  for (const perchild::Site& site : configuration.sites) {
    check(!site.hosts.empty(), "a site has a host");
    check(site.root.front() == '/', "a root is absolute");
    check(configuration.id_range.contains(site.uid.uid().value), "a uid lies in the range");
    check(site.uid.uid().value != 0 && site.gid.value != 0, "nobody is root");
    check(site.life.least_workers >= 1 && site.life.least_workers <= site.life.most_workers &&
              site.life.most_workers <= 64,
          "workers are within their range");
  }
  for (const perchild::Listener& listener : configuration.listeners) {
    check(!listener.default_site || listener.default_site->value < configuration.sites.size(),
          "a default site exists");
  }
  for (const perchild::ServiceIds& ids : {configuration.master, configuration.router}) {
    check(ids.uid.value != 0 && ids.gid.value != 0, "no service is root");
    check(!configuration.id_range.contains(ids.uid.value), "no service is a tenant");
  }
  check(configuration.master.uid != configuration.router.uid, "the services differ");
}

bool is_harmless(std::string_view text) {
  for (char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 && c != '\n') return false;
  }
  return true;
}

void check_told(const perchild::Mistake& mistake, std::size_t size) {
  check(!mistake.sentence.empty(), "a mistake says something");
  check(mistake.line <= size + 1 && mistake.column <= size + 1, "a place is in the file");
  check(is_harmless(perchild::format_mistake(mistake)), "no control characters");
  std::vector<perchild::Mistake> none;
  const auto json = perchild::JsonDocument::parse("json", perchild::mistake_as_json(mistake), none);
  check(json != nullptr && none.empty(), "as JSON it is JSON");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(perchild::fuzz::to_view(data, size));
  perchild::test::FakeFiles files;
  files.texts["perchild.json"] = text;
  files.texts["v.d/1.json"] = text;
  files.matches["v.d/*.json"] = {"v.d/1.json", "v.d/none.json"};
  perchild::test::FakeSystem system;
  const auto read = perchild::read_configuration("perchild.json", files, system);

  for (const perchild::Mistake& mistake : read.mistakes) check_told(mistake, size);
  const bool is_good = count_of(read.mistakes, perchild::Severity::error) == 0;
  check(read.configuration.has_value() == is_good, "a configuration comes out if nothing is wrong");
  if (read.configuration) check_consistent(*read.configuration);
  return 0;
}
