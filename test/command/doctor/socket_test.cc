// perchild.socket as systemd has it, and "listen".
#include <gtest/gtest.h>

#include "daemon/command/doctor/socket_checks.h"
#include "test/command/doctor/diagnoses.h"

namespace perchild::test::doctor_socket_test {
namespace {

const Texts usual{"0.0.0.0:80", "[::]:80"};
const SocketUnit good{.is_loaded = true, .is_active = true, .is_enabled = true, .addresses = usual};

Diagnosis of(const SocketUnit& unit, const Texts& wanted, bool service_binds_ports = false) {
  Diagnosis diagnosis;
  check_socket_unit(unit, wanted, service_binds_ports, diagnosis);
  return diagnosis;
}

TEST(DoctorOfTheSocket, ReadsWhatSystemctlSays) {
  const SocketUnit unit = parse_socket_unit(
      "Listen=0.0.0.0:80 (Stream)\nListen=[::]:80 (Stream)\nLoadState=loaded\n"
      "ActiveState=active\nUnitFileState=enabled\n");
  EXPECT_TRUE(unit.is_loaded && unit.is_active && unit.is_enabled);
  EXPECT_EQ(unit.addresses, usual);
  const SocketUnit none = parse_socket_unit("LoadState=not-found\nActiveState=inactive\n");
  EXPECT_FALSE(none.is_loaded || none.is_active);
  EXPECT_FALSE(parse_socket_unit("UnitFileState=disabled").is_enabled);
}

TEST(DoctorOfTheSocket, SaysNothingOfOneThatBindsWhatIsListenedAt) {
  const Diagnosis diagnosis = of(good, {"[::]:80", "0.0.0.0:80"});
  EXPECT_EQ(found_in(diagnosis), Texts{});
  EXPECT_EQ(diagnosis.in_order.size(), 1u);
}

TEST(DoctorOfTheSocket, MissesItWhereTheServiceBindsNothing) {
  SocketUnit unit = good;
  unit.is_enabled = false;
  EXPECT_EQ(found_in(of(unit, usual)), Texts{"warning unit perchild.socket"});
  unit.is_active = false;
  EXPECT_EQ(found_in(of(unit, usual)), Texts{"error unit perchild.socket"});
  EXPECT_EQ(commands_of(of(unit, usual)),
            Texts{"systemctl enable perchild.socket && systemctl restart perchild.service"});
  EXPECT_EQ(found_in(of(unit, usual, true)), Texts{});
  EXPECT_EQ(found_in(of({}, usual)), Texts{"error unit perchild.socket"});
  EXPECT_EQ(found_in(of({}, usual, true)), Texts{});
}

TEST(DoctorOfTheSocket, ComparesTheAddressesAndWritesThoseOfListen) {
  const Texts wanted{"0.0.0.0:80", "[::1]:8080"};
  const Diagnosis diagnosis = of(good, wanted);
  EXPECT_EQ(found_in(diagnosis), Texts({"error unit perchild.socket: [::1]:8080",
                                        "warning unit perchild.socket: [::]:80"}));
  const std::string command =
      "mkdir -p /etc/systemd/system/perchild.socket.d && printf '%s\\n' '[Socket]' ListenStream= "
      "ListenStream=0.0.0.0:80 'ListenStream=[::1]:8080' > "
      "/etc/systemd/system/perchild.socket.d/zz-listen.conf && systemctl daemon-reload && "
      "systemctl restart perchild.socket";
  EXPECT_EQ(commands_of(diagnosis), Texts({command, command}));
  // What is not passed it binds itself; what nobody serves is worth a word all the same.
  EXPECT_EQ(found_in(of(good, wanted, true)), Texts{"warning unit perchild.socket: [::]:80"});
}

}  // namespace
}  // namespace perchild::test::doctor_socket_test
