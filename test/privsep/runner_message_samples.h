// Samples, as in message_samples.h, of what is said to a runner and by it.
#pragma once

#include <string>
#include <vector>

#include "privsep/runner_messages.h"
#include "test/privsep/message_samples.h"

namespace perchild::test {

template <>
struct Samples<AttachRunner> {
  static std::vector<AttachRunner> valid() { return {{1}, {~0U}}; }
  static std::vector<AttachRunner> invalid() { return {{0}}; }
};
template <>
struct Samples<KeepSessions> {
  static std::vector<KeepSessions> valid() { return {{0}}; }
  static std::vector<KeepSessions> invalid() { return {{1}, {~0U}}; }
};
template <>
struct Samples<TakeSessions> {
  static std::vector<TakeSessions> valid() { return {{0}}; }
  static std::vector<TakeSessions> invalid() { return {{1}, {~0U}}; }
};
template <>
struct Samples<AttachClient> {
  static std::vector<AttachClient> valid() { return {{1}, {~0U}}; }
  static std::vector<AttachClient> invalid() { return {{0}}; }
};
template <>
struct Samples<Acquire> {
  static std::vector<Acquire> valid() { return {{1, 0}, {~0U, max_programs - 1}}; }
  static std::vector<Acquire> invalid() { return {{0, 0}, {1, max_programs}, {1, ~0U}}; }
};
template <>
struct Samples<RunScript> {
  static std::vector<RunScript> valid() { return {{1, 0}, {~0U, max_programs - 1}}; }
  static std::vector<RunScript> invalid() { return {{0, 0}, {1, max_programs}, {1, ~0U}}; }
};
template <>
struct Samples<RunScriptInline> {
  static std::vector<RunScriptInline> valid() {
    return {RunScriptInline::of(1, 0, "c"),
            RunScriptInline::of(~0U, max_programs - 1, std::string(RunScriptInline::most, 'c'))};
  }
  static std::vector<RunScriptInline> invalid() {
    RunScriptInline longer = RunScriptInline::of(1, 0, "call");
    longer.length = RunScriptInline::most + 1;
    RunScriptInline more = RunScriptInline::of(1, 0, "call");
    more.length = 3;
    return {RunScriptInline::of(0, 0, "call"), RunScriptInline::of(1, max_programs, "call"),
            RunScriptInline::of(1, 0, ""), longer, more};
  }
};
template <>
struct Samples<Withdraw> {
  static std::vector<Withdraw> valid() { return {{1}, {~0U}}; }
  static std::vector<Withdraw> invalid() { return {{0}}; }
};
template <>
struct Samples<Acquired> {
  static std::vector<Acquired> valid() { return {{1, 1, 0}, {~0U, ~0U, ~0U}}; }
  static std::vector<Acquired> invalid() { return {{0, 1, 0}, {1, 0, 0}}; }
};
template <>
struct Samples<NotAcquired> {
  static std::vector<NotAcquired> valid() {
    return {{1, NotAcquiredReason::cannot_start}, {~0U, NotAcquiredReason::withdrawn}};
  }
  static std::vector<NotAcquired> invalid() {
    return {{0, NotAcquiredReason::not_found},
            {1, NotAcquiredReason{0}},
            {1, NotAcquiredReason{7}},
            {1, NotAcquiredReason{~0U}}};
  }
};
template <>
struct Samples<Release> {
  static std::vector<Release> valid() {
    return {{1, ReleaseTo::end, 0},
            {2, ReleaseTo::rest, 1},
            {3, ReleaseTo::finish, 2},
            {~0U, ReleaseTo::silent, ~0U}};
  }
  static std::vector<Release> invalid() {
    return {{0, ReleaseTo::end, 0}, {1, ReleaseTo{4}, 0}, {1, ReleaseTo{~0U}, 0}};
  }
};
template <>
struct Samples<Recall> {
  static std::vector<Recall> valid() { return {{0}, {max_programs - 1}}; }
  static std::vector<Recall> invalid() { return {{max_programs}, {~0U}}; }
};
template <>
struct Samples<AskBodyFile> {
  static std::vector<AskBodyFile> valid() { return {{0}}; }
  static std::vector<AskBodyFile> invalid() { return {{1}, {~0U}}; }
};
template <>
struct Samples<BodyFile> {
  static std::vector<BodyFile> valid() { return {{0}}; }
  static std::vector<BodyFile> invalid() { return {{1}, {~0U}}; }
};
template <>
struct Samples<NoBodyFile> {
  static std::vector<NoBodyFile> valid() { return {{0}}; }
  static std::vector<NoBodyFile> invalid() { return {{1}, {~0U}}; }
};
template <>
struct Samples<MailSent> {
  static std::vector<MailSent> valid() { return {{0, 1, 0}, {~0ULL, MailSent::most, 0}}; }
  static std::vector<MailSent> invalid() {
    return {{1, 0, 0}, {1, MailSent::most + 1, 0}, {1, ~0U, 0}, {1, 1, 1}};
  }
};

}  // namespace perchild::test
