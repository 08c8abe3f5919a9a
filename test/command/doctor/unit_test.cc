// The unit as systemd has it.
#include <gtest/gtest.h>

#include <fstream>
#include <optional>
#include <sstream>

#include "daemon/command/doctor/unit_checks.h"
#include "test/command/doctor/diagnoses.h"

namespace perchild::test::doctor_unit_test {
namespace {

// "X Y" of "KEY=X Y", the last one, in a file of packaging/; nullopt if it says nothing of KEY.
std::optional<std::string> packaged(const std::string& file, const std::string& key) {
  std::optional<std::string> value;
  std::ifstream unit(PERCHILD_SOURCE_DIRECTORY "/packaging/" + file);
  for (std::string line; std::getline(unit, line);) {
    if (line.starts_with(key + "=")) value = line.substr(key.size() + 1);
  }
  return value;
}

UnitProperties good_unit() {
  UnitProperties properties{{"SystemCallFilter", "accept accept4"}};
  for (const UnitRule& rule : unit_rules()) properties[rule.property] = rule.wanted;
  // As systemctl(1) shows them.
  properties["CapabilityBoundingSet"] = "cap_setgid cap_setuid";
  return properties;
}

// The packaged unit as a drop-in changes it: lists grow, all else is in the place of what was.
UnitProperties with(UnitProperties properties, const char* UnitRule::*drop_in) {
  for (const UnitRule& rule : unit_rules()) {
    if (rule.*drop_in == nullptr) continue;
    std::string& value = properties[rule.property];
    value = rule.is_list ? value + " " + rule.*drop_in : rule.*drop_in;
  }
  return properties;
}

UnitProperties unit_for_programs() {
  return with(good_unit(), &UnitRule::with_programs);
}

UnitProperties with_network(UnitProperties properties) {
  return with(std::move(properties), &UnitRule::with_network);
}

// With packaging/acme.conf too.
UnitProperties with_challenges(UnitProperties properties) {
  if (properties["RestrictNamespaces"] == "user") properties["RestrictNamespaces"] = "mnt user";
  properties["SystemCallFilter"] += " mount_setattr open_tree";
  return properties;
}

Diagnosis of(const UnitProperties& properties, bool has_programs = false,
             bool has_challenges = false) {
  Diagnosis diagnosis;
  check_unit_properties(properties, {has_programs, has_challenges}, diagnosis);
  return diagnosis;
}

TEST(DoctorOfTheUnit, WantsWhatThePackagedUnitSays) {
  for (const UnitRule& rule : unit_rules()) {
    EXPECT_EQ(packaged("perchild.service", rule.property).value_or(""), rule.wanted);
    for (const auto& [file, value] : {std::pair("programs.conf", rule.with_programs),
                                      std::pair("network.conf", rule.with_network)}) {
      const auto written = packaged(file, rule.property);
      EXPECT_EQ(written.has_value(), value != nullptr) << rule.property;
      EXPECT_EQ(written.value_or(""), value == nullptr ? "" : value) << rule.property;
    }
  }
}

constexpr const char* no_network_for_programs =
    "note unit perchild.service: PrivateNetwork, RestrictAddressFamilies";

TEST(DoctorOfTheUnit, SaysNothingOfThePackagedOne) {
  EXPECT_EQ(found_in(of(good_unit())), Texts{});
  EXPECT_EQ(of(good_unit()).in_order.size(), 1u);
  EXPECT_EQ(found_in(of(with_network(unit_for_programs()), true)), Texts{});
  EXPECT_EQ(found_in(of(with_challenges(good_unit()), false, true)), Texts{});
  EXPECT_EQ(found_in(of(with_challenges(with_network(unit_for_programs())), true, true)), Texts{});
}

TEST(DoctorOfTheUnit, AsksForTheDropInWhereSitesHavePrograms) {
  const Diagnosis diagnosis = of(good_unit(), true);
  EXPECT_EQ(found_in(diagnosis),
            Texts({no_network_for_programs,
                   "error unit perchild.service: ProtectKernelTunables, ProtectKernelLogs, "
                   "ProcSubset, RestrictNamespaces"}));
  // The command writes what packaging/programs.conf says.
  const std::string command = commands_of(diagnosis).at(1);
  EXPECT_NE(command.find("'RestrictNamespaces=user mnt pid ipc'"), std::string::npos) << command;
  EXPECT_NE(command.find(
                "'SystemCallFilter=" + packaged("programs.conf", "SystemCallFilter").value() + "'"),
            std::string::npos)
      << command;
  UnitProperties properties = with_network(unit_for_programs());
  properties["RestrictNamespaces"] = "user mnt pid";
  properties["ProtectSystem"] = "strict";  // where sites' programs write nothing
  EXPECT_EQ(found_in(of(properties, true)),
            Texts{"error unit perchild.service: RestrictNamespaces"});
}

TEST(DoctorOfTheUnit, FindsTheDropInWhereNoSiteHasPrograms) {
  EXPECT_EQ(found_in(of(unit_for_programs())),
            Texts{"warning unit perchild.service: ProtectSystem, ProtectHome, "
                  "ProtectKernelTunables, ProtectKernelLogs, ProcSubset, RestrictNamespaces, "
                  "RestrictAddressFamilies, MemoryDenyWriteExecute"});
}

TEST(DoctorOfTheUnit, AsksForTheDropInWhereThereIsAFolderOfChallenges) {
  const Texts wanted{"error unit perchild.service: RestrictNamespaces, SystemCallFilter"};
  const Diagnosis diagnosis = of(good_unit(), false, true);
  EXPECT_EQ(found_in(diagnosis), wanted);
  // The command writes what packaging/acme.conf says.
  const std::string command = commands_of(diagnosis).at(0);
  for (const char* key : {"RestrictNamespaces", "SystemCallFilter"}) {
    const std::string line = std::string(key) + "=" + packaged("acme.conf", key).value();
    EXPECT_NE(command.find(line), std::string::npos) << command;
  }
  // Which has the namespace, but not the calls.
  EXPECT_EQ(found_in(of(with_network(unit_for_programs()), true, true)), wanted);
}

TEST(DoctorOfTheUnit, WantsTheSystemCallsThatSitesAllowTheirPrograms) {
  const auto of_calls = [](const std::string& filter, const std::vector<std::string>& calls) {
    UnitProperties properties = with_network(unit_for_programs());
    properties["SystemCallFilter"] = filter;
    Diagnosis diagnosis;
    check_unit_properties(properties, {.programs = true, .calls = calls}, diagnosis);
    return diagnosis;
  };
  EXPECT_EQ(found_in(of_calls("accept mbind", {"mbind"})), Texts{});
  EXPECT_EQ(found_in(of_calls("~bpf", {"ptrace"})), Texts{});
  const Diagnosis lacking = of_calls("accept mbind", {"kcmp", "mbind", "ptrace"});
  EXPECT_EQ(found_in(lacking), Texts{"warning unit perchild.service: SystemCallFilter"});
  EXPECT_EQ(lacking.findings.at(0).wrong,
            "has not what \"system_calls\" of sites allow: kcmp ptrace");
}

TEST(DoctorOfTheUnit, FindsTheDropInWhereThereIsNoFolderOfChallenges) {
  const Texts wanted{"warning unit perchild.service: RestrictNamespaces, SystemCallFilter"};
  EXPECT_EQ(found_in(of(with_challenges(good_unit()))), wanted);
  EXPECT_EQ(found_in(of(with_challenges(with_network(unit_for_programs())), true)), wanted);
  UnitProperties namespace_alone = good_unit();
  namespace_alone["RestrictNamespaces"] = "mnt user";
  EXPECT_EQ(found_in(of(namespace_alone)), wanted);
}

TEST(DoctorOfTheUnit, SaysNothingOfAStricterOneOrOfAPropertyThatSystemdDoesNotKnow) {
  UnitProperties properties = good_unit();
  properties["ProtectHome"] = "yes";
  properties["CapabilityBoundingSet"] = "cap_setuid";
  properties.erase("PrivateIPC");
  EXPECT_EQ(found_in(of(properties)), Texts{});
}

TEST(DoctorOfTheUnit, FindsEachDropInThatLoosensIt) {
  const std::pair<const char*, const char*> drop_ins[] = {
      {"User", "www-data"},
      {"NoNewPrivileges", "no"},
      {"CapabilityBoundingSet", "cap_setuid cap_sys_admin"},
      {"CapabilityBoundingSet", "cap_setuid cap_setgid cap_net_bind_service"},
      {"RestrictAddressFamilies", "AF_UNIX AF_INET"},
      {"ProtectControlGroups", "no"},
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
                  "RestrictNamespaces= RestrictNamespaces=user > "
                  "/etc/systemd/system/perchild.service.d/zz-RestrictNamespaces.conf && systemctl "
                  "daemon-reload && systemctl restart perchild.service"});
}

TEST(DoctorOfTheUnit, AsksForANetworkWhereSitesNeedOne) {
  Diagnosis diagnosis;
  check_unit_properties(unit_for_programs(), {.programs = true, .network = true}, diagnosis);
  EXPECT_EQ(found_in(diagnosis),
            Texts{"error unit perchild.service: PrivateNetwork, RestrictAddressFamilies"});
  // The command writes what packaging/network.conf says.
  const std::string command = commands_of(diagnosis).at(0);
  for (const char* key :
       {"PrivateNetwork", "RestrictAddressFamilies", "IPAddressDeny", "CapabilityBoundingSet"}) {
    const std::string line = std::string(key) + "=" + packaged("network.conf", key).value();
    EXPECT_NE(command.find(line), std::string::npos) << command;
  }
  Diagnosis mended;
  check_unit_properties(with_network(unit_for_programs()), {.programs = true, .network = true},
                        mended);
  EXPECT_EQ(found_in(mended), Texts{});
}

// It is for who runs it to choose: programs may need none, and ports may be perchild's own to bind.
TEST(DoctorOfTheUnit, NotesWhereProgramsHaveNoNetworkAndWhereNothingNeedsOne) {
  EXPECT_EQ(found_in(of(unit_for_programs(), true)), Texts{no_network_for_programs});
  EXPECT_EQ(found_in(of(with_network(good_unit()))), Texts{no_network_for_programs});
}

TEST(DoctorOfTheUnit, KeepsTheNetworkInWhatItWrites) {
  UnitProperties properties = with_network(good_unit());
  properties["RestrictAddressFamilies"] = "AF_UNIX AF_INET AF_PACKET";
  const std::string command = commands_of(of(properties)).at(0);
  EXPECT_NE(command.find("'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6'"), std::string::npos)
      << command;
}

TEST(UnitPropertiesText, IsReadLineByLine) {
  const auto properties = parse_unit_properties("A=1\nB=\n=x\nnone\nC=a=b\nA=2");
  EXPECT_EQ(properties, (UnitProperties{{"A", "2"}, {"B", ""}, {"C", "a=b"}}));
  EXPECT_EQ(values_of("A", "A=1\nB=3\nA=\nA"), (Texts{"1", ""}));
}

}  // namespace
}  // namespace perchild::test::doctor_unit_test
