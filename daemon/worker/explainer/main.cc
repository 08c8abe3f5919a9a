// perchild-explainer: says how a site's worker would answer one request, by the worker's own steps,
// under the site's uid and behind the worker's walls.
//
// Runs in: explainer, a child of the command; locked down as a worker is.
// Trusts: the command, which placed its descriptors (privsep/inherited_fds.h).
// Does not trust: the site's files, .perchild.json among them.
#include <fcntl.h>
#include <unistd.h>

#include "daemon/worker/explainer/one_answer.h"
#include "policy/packed.h"
#include "privsep/answer_to_command.h"
#include "privsep/inherited_fds.h"
#include "privsep/lock_down.h"
#include "privsep/sealed_memory.h"

namespace perchild {
namespace {

Result<void> run() {
  const auto packed = SealedMapping::map(BorrowedFd(ExplainerFds::settings));
  if (!packed) return failure(packed.error());
  auto settings = SiteSettings::unpack(packed->bytes());
  if (!settings) return failure({"load", "the site's settings", 0});
  const auto filter = SealedMapping::map(BorrowedFd(ExplainerFds::filter));
  if (!filter) return failure(filter.error());
  const auto request = SealedMapping::map(BorrowedFd(ExplainerFds::request));
  if (!request) return failure(request.error());
  PackedReader reader(request->bytes());
  AskedRequest asked{};
  for (std::uint8_t& byte : asked.client) byte = reader.get<std::uint8_t>();
  asked.over_tls = reader.get<std::uint8_t>() != 0;
  asked.head = reader.get_text();
  if (!reader.done()) return failure({"load", "the request", 0});
  logs::LogClock::load();
  const ::uid_t owner = ::geteuid();
  UniqueFd root(::open(settings->root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.has_value()) return failure_from_errno("open", settings->root);
  UniqueFd acme(ExplainerFds::acme_webroot);
  if (!settings->acme) acme.reset();
  const auto proof = lock_down<Role::worker>({.filter = filter->bytes(),
                                              .new_root = root.borrow(),
                                              .root_is_readable = true,
                                              .also_readable = acme.borrow_if_any(),
                                              .landlock = settings->landlock});
  if (!proof) return failure(proof.error());
  // What the site's error log would say is part of the answer.
  ServedSite site(std::move(*settings), files::Docroot(std::move(root), owner),
                  BorrowedFd(STDOUT_FILENO), BorrowedFd(STDIN_FILENO), 0);
  if (acme.has_value()) site.acme.emplace(std::move(acme));
  site.begin_turn();
  Explanation explanation;
  explain(site, asked, explanation);
  answer_command(explanation.text());
  site.flush_logs();
  return {};
}

}  // namespace
}  // namespace perchild

int main() {
  return perchild::answer_command_by("perchild-explainer", perchild::run);
}
