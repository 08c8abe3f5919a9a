// The unit as systemd has it.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "daemon/command/doctor/unit_checks.h"
#include "test/command/doctor/diagnoses.h"

namespace perchild::test::doctor_unit_test {
namespace {

// "X Y" of "KEY=X Y" in the packaged unit.
std::string packaged(const std::string& key) {
  std::ifstream unit(PERCHILD_SOURCE_DIRECTORY "/packaging/perchild.service");
  for (std::string line; std::getline(unit, line);) {
    if (line.starts_with(key + "=")) return line.substr(key.size() + 1);
  }
  return {};
}

UnitProperties good_unit() {
  UnitProperties properties{{"SystemCallFilter", "accept accept4"}};
  for (const UnitRule& rule : unit_rules()) properties[rule.property] = rule.wanted;
  // As systemctl(1) shows them.
  properties["CapabilityBoundingSet"] = "cap_chown cap_setgid cap_setuid cap_net_bind_service";
  properties["RestrictNamespaces"] = "ipc mnt pid user";
  return properties;
}

Diagnosis of(const UnitProperties& properties) {
  Diagnosis diagnosis;
  check_unit_properties(properties, diagnosis);
  return diagnosis;
}

TEST(DoctorOfTheUnit, WantsWhatThePackagedUnitSays) {
  for (const UnitRule& rule : unit_rules()) EXPECT_EQ(packaged(rule.property), rule.wanted);
}

TEST(DoctorOfTheUnit, SaysNothingOfThePackagedOne) {
  EXPECT_EQ(found_in(of(good_unit())), Texts{});
  EXPECT_EQ(of(good_unit()).in_order.size(), 1u);
}

TEST(DoctorOfTheUnit, SaysNothingOfAStricterOneOrOfAPropertyThatSystemdDoesNotKnow) {
  UnitProperties properties = good_unit();
  properties["ProtectSystem"] = "strict";
  properties["RestrictAddressFamilies"] = "AF_UNIX AF_INET";
  properties.erase("PrivateIPC");
  EXPECT_EQ(found_in(of(properties)), Texts{});
}

TEST(DoctorOfTheUnit, FindsEachDropInThatLoosensIt) {
  const std::pair<const char*, const char*> drop_ins[] = {
      {"User", "www-data"},
      {"NoNewPrivileges", "no"},
      {"CapabilityBoundingSet", "cap_chown cap_sys_admin"},
      {"AmbientCapabilities", "cap_net_admin"},
      {"ProtectSystem", "no"},
      {"RestrictNamespaces", "no"},
      {"RestrictAddressFamilies", ""},
      {"RestrictAddressFamilies", "AF_PACKET AF_UNIX"},
      {"LimitCORE", "infinity"},
      {"SystemCallFilter", ""},
      {"SystemCallArchitectures", ""},
      {"KeyringMode", "shared"},
  };
  for (const auto& [name, value] : drop_ins) {
    UnitProperties properties = good_unit();
    properties[name] = value;
    EXPECT_EQ(found_in(of(properties)),
              Texts{std::string("warning unit perchild.service: ") + name});
  }
}

TEST(DoctorOfTheUnit, MendsByADropInBehindTheOthers) {
  UnitProperties properties = good_unit();
  properties["RestrictNamespaces"] = "no";
  EXPECT_EQ(commands_of(of(properties)),
            Texts{"mkdir -p /etc/systemd/system/perchild.service.d && printf '%s\\n' '[Service]' "
                  "RestrictNamespaces= 'RestrictNamespaces=user mnt pid ipc' > "
                  "/etc/systemd/system/perchild.service.d/zz-RestrictNamespaces.conf && systemctl "
                  "daemon-reload && systemctl restart perchild.service"});
}

TEST(UnitPropertiesText, IsReadLineByLine) {
  const auto properties = parse_unit_properties("A=1\nB=\n=x\nnone\nC=a=b\nA=2");
  EXPECT_EQ(properties, (UnitProperties{{"A", "2"}, {"B", ""}, {"C", "a=b"}}));
}

}  // namespace
}  // namespace perchild::test::doctor_unit_test
