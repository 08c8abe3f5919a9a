// The files that the service is made of and lives by: whoever can write one of them is root, or the
// service, or sees what it sees.
//
// Runs in: command, as root.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "daemon/command/check/source_files.h"
#include "daemon/command/check/system_view.h"
#include "daemon/command/doctor/path_checks.h"
#include "policy/configuration.h"

namespace perchild {

// Reads the configuration's files whoever can write them, which is for the doctor to say, and
// remembers which they were.
class ExaminedFiles final : public ConfigurationFiles {
 public:
  OpenedSource open(const std::string& path) override;
  std::vector<std::string> matching(const std::string& pattern, const std::string& from) override;

  const std::vector<std::string>& opened() const { return opened_; }
  const std::vector<std::string>& folders() const { return folders_; }  // that "include" names

 private:
  SourceFiles files_;
  std::vector<std::string> opened_, folders_;
};

// Remembers where the private keys are.
class ExaminedMachine final : public MachineView {
 public:
  CertificateFacts read_certificate(const std::string& chain, const std::string& key) override;
  const std::vector<std::string>& keys() const { return keys_; }

 private:
  std::vector<std::string> keys_;
};

void check_configuration_files(const ExaminedFiles& files, PathChecks& checks);
void check_keys(const std::vector<std::string>& keys, PathChecks& checks);
// Those that this command would start.
void check_executables(PathChecks& checks, Diagnosis& diagnosis);
void check_runtime_folder(const Configuration& configuration, PathChecks& checks,
                          Diagnosis& diagnosis);
void check_logs(const Configuration& configuration, PathChecks& checks, Diagnosis& diagnosis);
// On the way to each site's files: who could put others in their place.
void check_ways_to_roots(const Configuration& configuration, PathChecks& checks);

}  // namespace perchild
