// What lies in the sites' roots. Root does not walk there itself: a process under each site's uid
// does (daemon/examiner), and root only reads what that says.
//
// Runs in: command, as root.
// Does not trust: the sites' users, nor the examiner's answers, which are bounded and read
// strictly.
#pragma once

#include <cstdint>

#include "daemon/command/doctor/finding.h"
#include "daemon/command/doctor/path_facts.h"
#include "policy/configuration.h"
#include "policy/docroot_troubles.h"

namespace perchild {

struct WalkBounds {
  std::uint64_t names_in_a_root = 200'000;
  std::uint64_t names = 5'000'000;  // of all sites together
  std::uint32_t seconds_in_a_root = 20;
};

void check_roots(const Configuration& configuration, const WalkBounds& bounds,
                 Diagnosis& diagnosis);

// The findings about one root, from what was seen there.
void check_root(const Site& site, const RootReport& report, const WalkBounds& bounds,
                Diagnosis& diagnosis);

// Folders of the site's user on the way to his root, and the root, that others can enter or list.
void check_openness(const Site& site, const PathFacts& way, Diagnosis& diagnosis);

// Whether every folder of the way but the last lets others pass; or them or members of its group.
struct Passage {
  bool others = true;
  bool groups = true;
};
Passage passage_of(const PathFacts& way);

}  // namespace perchild
