// The kernel's settings: each bad one is found with the command for it, and what perchild has in
// force instead of a mechanism is not found fault with.
#include <gtest/gtest.h>

#include "daemon/command/doctor/kernel_checks.h"
#include "test/command/doctor/diagnoses.h"

namespace perchild::test::doctor_kernel_test {
namespace {

KernelFacts good_kernel() {
  return {.settings = {{"fs.protected_symlinks", "1"},
                       {"fs.protected_hardlinks", "1"},
                       {"fs.protected_fifos", "1"},
                       {"fs.protected_regular", "2"},
                       {"fs.suid_dumpable", "0"},
                       {"kernel.randomize_va_space", "2"},
                       {"kernel.dmesg_restrict", "1"},
                       {"kernel.kptr_restrict", "1"},
                       {"kernel.unprivileged_bpf_disabled", "2"},
                       {"kernel.perf_event_paranoid", "3"},
                       {"kernel.core_pattern", "core"},
                       {"kernel.seccomp.actions_avail", "kill_process kill_thread errno allow"},
                       {"user.max_user_namespaces", "96000"}},
          .version = 6001,
          .landlock_abi = 6};
}
constexpr KernelNeeds everything{.has_programs = true, .has_quotas = true};

Diagnosis of(const KernelFacts& facts, const KernelNeeds& needs = everything) {
  Diagnosis diagnosis;
  check_kernel(facts, needs, diagnosis);
  return diagnosis;
}

TEST(DoctorOfTheKernel, SaysNothingOfAGoodOne) {
  EXPECT_EQ(found_in(of(good_kernel())), Texts{});
  EXPECT_GT(of(good_kernel()).in_order.size(), 15u);
}

TEST(DoctorOfTheKernel, SaysNothingOfWhatThisKernelDoesNotKnow) {
  KernelFacts facts = good_kernel();
  facts.settings.erase("kernel.kptr_restrict");
  EXPECT_EQ(found_in(of(facts)), Texts{});
}

TEST(DoctorOfTheKernel, SaysNothingOfWhatItHasItselfInForce) {
  KernelFacts facts = good_kernel();
  facts.settings["kernel.yama.ptrace_scope"] = "0";
  facts.settings["kernel.io_uring_disabled"] = "0";
  EXPECT_EQ(found_in(of(facts)), Texts{});
}

TEST(DoctorOfTheKernel, FindsPortsThatItsLandlockDoesNotKnow) {
  constexpr KernelNeeds ports{.names_ports = true};
  KernelFacts facts = good_kernel();
  EXPECT_EQ(found_in(of(facts, ports)), Texts{});
  facts.landlock_abi = 3;
  EXPECT_EQ(found_in(of(facts, {})), Texts{"note kernel Landlock"});
  EXPECT_EQ(found_in(of(facts, ports)), (Texts{"note kernel Landlock", "error kernel Landlock"}));
}

struct Bad {
  const char* name;
  const char* value;
  const char* found;
  const char* command;
};
const Bad bad_settings[] = {
    {"fs.protected_symlinks", "0", "warning kernel fs.protected_symlinks",
     "echo 'fs.protected_symlinks = 1' > /etc/sysctl.d/99-fs.protected_symlinks.conf && "
     "sysctl -w fs.protected_symlinks=1"},
    {"fs.protected_hardlinks", "0", "warning kernel fs.protected_hardlinks", nullptr},
    {"fs.protected_fifos", "0", "note kernel fs.protected_fifos", nullptr},
    {"fs.protected_regular", "0", "note kernel fs.protected_regular", nullptr},
    {"fs.suid_dumpable", "1", "warning kernel fs.suid_dumpable",
     "echo 'fs.suid_dumpable = 0' > /etc/sysctl.d/99-fs.suid_dumpable.conf && "
     "sysctl -w fs.suid_dumpable=0"},
    {"kernel.randomize_va_space", "1", "warning kernel kernel.randomize_va_space", nullptr},
    {"kernel.dmesg_restrict", "0", "note kernel kernel.dmesg_restrict", nullptr},
    {"kernel.kptr_restrict", "0", "note kernel kernel.kptr_restrict", nullptr},
    {"kernel.unprivileged_bpf_disabled", "0", "note kernel kernel.unprivileged_bpf_disabled",
     nullptr},
    {"kernel.perf_event_paranoid", "-1", "note kernel kernel.perf_event_paranoid", nullptr},
    {"kernel.core_pattern", "|/usr/share/apport/apport %p", "note kernel kernel.core_pattern",
     nullptr},
    {"kernel.seccomp.actions_avail", "trap errno", "error kernel seccomp", ""},
    {"user.max_user_namespaces", "0", "error kernel user.max_user_namespaces", nullptr},
    {"kernel.unprivileged_userns_clone", "0", "error kernel kernel.unprivileged_userns_clone",
     nullptr},
    {"kernel.apparmor_restrict_unprivileged_userns", "1",
     "error kernel kernel.apparmor_restrict_unprivileged_userns", nullptr},
};

TEST(DoctorOfTheKernel, FindsEachBadSettingAndNothingElse) {
  for (const Bad& bad : bad_settings) {
    KernelFacts facts = good_kernel();
    facts.settings[bad.name] = bad.value;
    EXPECT_EQ(found_in(of(facts)), Texts{bad.found});
    if (bad.command != nullptr) {
      EXPECT_EQ(commands_of(of(facts)), Texts{bad.command});
    } else {
      EXPECT_NE(commands_of(of(facts)).at(0).find(bad.name), std::string::npos) << bad.name;
    }
  }
}

TEST(DoctorOfTheKernel, AsksForNamespacesAndCoresOnlyWhereProgramsRun) {
  KernelFacts facts = good_kernel();
  facts.settings["kernel.apparmor_restrict_unprivileged_userns"] = "1";
  facts.settings["kernel.core_pattern"] = "|/bin/handler";
  EXPECT_EQ(found_in(of(facts, {})), Texts{});
}

TEST(DoctorOfTheKernel, FindsWhatIsMissing) {
  KernelFacts facts = good_kernel();
  facts.landlock_abi = 0;
  EXPECT_EQ(found_in(of(facts)), Texts{"error kernel Landlock"});
  facts.landlock_abi = 5;
  EXPECT_EQ(found_in(of(facts)), Texts{"note kernel Landlock"});

  facts = good_kernel();
  facts.has_cgroup2 = false;
  EXPECT_EQ(found_in(of(facts)), Texts{"error kernel cgroup v2"});
  EXPECT_EQ(found_in(of(facts, {.has_quotas = true, .cgroup_is_required = false})),
            Texts{"warning kernel cgroup v2"});
  EXPECT_EQ(found_in(of(facts, {})), Texts{}) << "no site has limits";

  facts = good_kernel();
  facts.version = 5010;
  EXPECT_EQ(found_in(of(facts)), Texts{"error kernel Linux 5.10"});
}

TEST(DoctorOfTheKernel, FindsAProcThatHidesChildrenFromTheMaster) {
  KernelFacts facts = good_kernel();
  facts.hidepid = "hidepid=2";
  EXPECT_EQ(found_in(of(facts)), Texts{"error kernel /proc"});
  EXPECT_EQ(commands_of(of(facts)), Texts{"mount -o remount,hidepid=0 /proc"});
  facts.hidepid_has_gid = true;
  EXPECT_EQ(found_in(of(facts)), Texts{});
}

}  // namespace
}  // namespace perchild::test::doctor_kernel_test
