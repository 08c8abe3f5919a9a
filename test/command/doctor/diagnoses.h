// Diagnoses as tests ask about them.
#pragma once

#include <string>
#include <vector>

#include "daemon/command/doctor/finding.h"

namespace perchild::test {

// "error ids uid 20001": what was found, without the sentences.
inline std::vector<std::string> found_in(const Diagnosis& diagnosis) {
  std::vector<std::string> all;
  for (const Finding& finding : diagnosis.findings) {
    all.push_back(std::string(name_of(finding.severity)) + " " + finding.area + " " +
                  finding.subject);
  }
  return all;
}

inline std::vector<std::string> commands_of(const Diagnosis& diagnosis) {
  std::vector<std::string> all;
  for (const Finding& finding : diagnosis.findings) all.push_back(finding.command);
  return all;
}

using Texts = std::vector<std::string>;

}  // namespace perchild::test
