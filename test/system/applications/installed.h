// Puts an application of a Debian package into a site, as its user's own.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "test/support/command.h"
#include "test/support/server.h"

namespace perchild::test {

// Copies the contents of `from` to `folder` below the site's docroot, with what links lead to.
inline void install(const Server& server, std::size_t site, const std::string& from,
                    const std::string& folder = {}) {
  const std::string to = server.docroot(site) + "/" + folder;
  run_command({"mkdir", "-p", to});
  // A link of a package can lead to what another one brings: its absence is not ours to judge.
  run_command({"cp", "-RL", from + "/.", to});
}

// Everything in the docroot becomes the site's user's, and nobody else's to read.
inline void give_to_site(const Server& server, std::size_t site) {
  const std::string uid = std::to_string(uid_a + site);
  EXPECT_EQ(run_command({"chown", "-R", uid + ":" + uid, server.docroot(site)}).status, 0);
  EXPECT_EQ(run_command({"chmod", "-R", "go=", server.docroot(site)}).status, 0);
}

}  // namespace perchild::test
