// What is found in the files of a certificate and its key. What of it is a mistake, the readers of
// the configuration say.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "policy/configuration.h"
#include "policy/mistake.h"

namespace perchild {

struct CertificateFacts {
  std::string chain_problem;  // why there is no certificate in it; empty if there is
  std::string key_problem;    // likewise
  std::string refused;        // why TLS does not take them: too short a key, too old a signature
  std::vector<Mistake> objections;  // to who may write the files
  bool key_is_unchecked = false;    // only root can read it, and this is not root
  bool key_is_public = false;       // everybody on the machine can read it
  bool key_fits = true;
  std::string kind;                // "RSA", "EC", "ED25519"
  std::vector<std::string> names;  // of the certificate, in lower case; "*.name" too
  std::chrono::sys_seconds not_before{};
  std::chrono::sys_seconds not_after{};
  bool signs_itself = false;
  std::size_t misplaced = 0;  // which of the chain, from 2, did not sign the one before it; else 0
  Certificate certificate;
};

}  // namespace perchild
