// Backends at ports that others can get.
#include <gtest/gtest.h>

#include "daemon/command/doctor/port_checks.h"
#include "test/command/doctor/diagnoses.h"

namespace perchild::test::doctor_ports_test {
namespace {

Diagnosis of(const std::vector<BackendPort>& backends, const std::string& reserved = {},
             int landlock_abi = 6) {
  KernelFacts facts{.settings = {{"net.ipv4.ip_local_port_range", "32768\t60999"}},
                    .landlock_abi = landlock_abi};
  if (!reserved.empty()) facts.settings["net.ipv4.ip_local_reserved_ports"] = reserved;
  Diagnosis diagnosis;
  check_ports(facts, backends, diagnosis);
  return diagnosis;
}

TEST(DoctorOfPorts, FindsThoseThatTheKernelGivesAway) {
  for (const std::uint16_t port : {std::uint16_t{32768}, std::uint16_t{60999}}) {
    EXPECT_EQ(found_in(of({{"a.example", port}})),
              Texts{"warning ports a.example, port " + std::to_string(port)});
  }
  for (const std::uint16_t port :
       {std::uint16_t{3000}, std::uint16_t{32767}, std::uint16_t{61000}}) {
    EXPECT_EQ(found_in(of({{"a.example", port}})), Texts{});
  }
}

TEST(DoctorOfPorts, SaysNothingOfReservedOnes) {
  for (const char* reserved : {"40000", "3000,40000", "39999-40001", "1,30000-50000"}) {
    EXPECT_EQ(found_in(of({{"a.example", 40000}}, reserved)), Texts{}) << reserved;
  }
  for (const char* reserved : {"4000", "40001-50000", "39999"}) {
    EXPECT_EQ(found_in(of({{"a.example", 40000}}, reserved)).size(), 1u) << reserved;
  }
}

TEST(DoctorOfPorts, ReservesThemBesideThoseThatAre) {
  EXPECT_EQ(commands_of(of({{"a.example", 40000}, {"b.example", 40001}}, "3000")),
            (Texts{"echo 'net.ipv4.ip_local_reserved_ports = 3000,40000' > "
                   "/etc/sysctl.d/99-net.ipv4.ip_local_reserved_ports.conf && sysctl -w "
                   "net.ipv4.ip_local_reserved_ports=3000,40000",
                   "echo 'net.ipv4.ip_local_reserved_ports = 3000,40000,40001' > "
                   "/etc/sysctl.d/99-net.ipv4.ip_local_reserved_ports.conf && sysctl -w "
                   "net.ipv4.ip_local_reserved_ports=3000,40000,40001"}));
}

TEST(DoctorOfPorts, SaysWhereLandlockKeepsNobodyFromThem) {
  EXPECT_EQ(found_in(of({{"a.example", 3000}}, "", 2)), Texts{"note ports a.example, port 3000"});
}

}  // namespace
}  // namespace perchild::test::doctor_ports_test
