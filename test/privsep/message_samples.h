// A valid message of each kind, and one for each field that is out of its bounds.
#pragma once

#include <string>
#include <vector>

#include "privsep/checker_messages.h"
#include "privsep/control_messages.h"
#include "privsep/messages.h"

namespace perchild::test {

template <typename M>
struct Samples;

template <>
struct Samples<LockDownComplete> {
  static std::vector<LockDownComplete> valid() { return {{1}, {~0U}}; }
  static std::vector<LockDownComplete> invalid() { return {{0}}; }
};
template <>
struct Samples<AddListener> {
  static std::vector<AddListener> valid() { return {{0}, {max_listeners - 1}}; }
  static std::vector<AddListener> invalid() { return {{max_listeners}, {~0U}}; }
};
template <>
struct Samples<ListenersComplete> {
  static std::vector<ListenersComplete> valid() { return {{0}, {max_listeners}}; }
  static std::vector<ListenersComplete> invalid() { return {{max_listeners + 1}, {~0U}}; }
};
template <>
struct Samples<AttachSite> {
  static std::vector<AttachSite> valid() {
    return {{{0}, 0, 1}, {{max_sites - 1}, max_workers - 1, ~0U}};
  }
  static std::vector<AttachSite> invalid() {
    return {{{max_sites}, 0, 1}, {{~0U}, 0, 1}, {{0}, max_workers, 1}, {{0}, ~0U, 1}, {{0}, 0, 0}};
  }
};
template <>
struct Samples<DetachSite> {
  static std::vector<DetachSite> valid() {
    return {{{0}, 0, 1}, {{max_sites - 1}, max_workers - 1, ~0U}};
  }
  static std::vector<DetachSite> invalid() {
    return {{{max_sites}, 0, 1}, {{~0U}, 0, 1}, {{0}, max_workers, 1}, {{0}, ~0U, 1}, {{0}, 0, 0}};
  }
};
template <>
struct Samples<SiteDown> {
  static std::vector<SiteDown> valid() { return {{{0}, 0}, {{max_sites - 1}, 3600}}; }
  static std::vector<SiteDown> invalid() {
    return {{{max_sites}, 0}, {{~0U}, 0}, {{0}, 3601}, {{0}, ~0U}};
  }
};
template <>
struct Samples<Wake> {
  static std::vector<Wake> valid() { return {{{0}}, {{max_sites - 1}}}; }
  static std::vector<Wake> invalid() { return {{{max_sites}}, {{~0U}}}; }
};
template <>
struct Samples<WorkerViolation> {
  static std::vector<WorkerViolation> valid() {
    return {{{0}, 0, 1, 0}, {{max_sites - 1}, max_workers - 1, ~0U, 1}};
  }
  static std::vector<WorkerViolation> invalid() {
    return {{{max_sites}, 0, 1, 0}, {{~0U}, 0, 1, 0}, {{0}, max_workers, 1, 0},
            {{0}, ~0U, 1, 0},       {{0}, 0, 0, 0},   {{0}, 0, 1, 2}};
  }
};
template <>
struct Samples<TakeRoutes> {
  static std::vector<TakeRoutes> valid() { return {{1}, {~0U}}; }
  static std::vector<TakeRoutes> invalid() { return {{0}}; }
};
template <>
struct Samples<TakeRouterSettings> {
  static std::vector<TakeRouterSettings> valid() { return {{0}}; }
  static std::vector<TakeRouterSettings> invalid() { return {{1}, {~0U}}; }
};
template <>
struct Samples<RemoveListener> {
  static std::vector<RemoveListener> valid() { return {{0}, {max_listeners - 1}}; }
  static std::vector<RemoveListener> invalid() { return {{max_listeners}, {~0U}}; }
};
template <>
struct Samples<RoutesTaken> {
  static std::vector<RoutesTaken> valid() { return {{1}, {~0U}}; }
  static std::vector<RoutesTaken> invalid() { return {{0}}; }
};
template <>
struct Samples<WorkerSilent> {
  static std::vector<WorkerSilent> valid() { return {{{0}, 1}, {{max_sites - 1}, ~0U}}; }
  static std::vector<WorkerSilent> invalid() { return {{{max_sites}, 1}, {{~0U}, 1}, {{0}, 0}}; }
};
template <>
struct Samples<Ping> {
  static std::vector<Ping> valid() { return {{0}}; }
  static std::vector<Ping> invalid() { return {{1}, {~0U}}; }
};
template <>
struct Samples<Pong> {
  static std::vector<Pong> valid() { return {{0}}; }
  static std::vector<Pong> invalid() { return {{1}, {~0U}}; }
};
template <>
struct Samples<QueueStands> {
  static std::vector<QueueStands> valid() { return {{{0}}, {{max_sites - 1}}}; }
  static std::vector<QueueStands> invalid() { return {{{max_sites}}, {{~0U}}}; }
};
template <>
struct Samples<HandOver> {
  static std::vector<HandOver> valid() {
    return {{{}, 0, 0, 0, 0, 1},
            {{255, 254}, 65535, max_listeners - 1, 1, 1, ~0U, 1},
            {{}, 1, 0, 1, 0, 1, 1, 1}};
  }
  static std::vector<HandOver> invalid() {
    return {{{}, 0, max_listeners, 0, 0, 1}, {{}, 0, 65535, 0, 0, 1}, {{}, 0, 0, 2, 0, 1},
            {{}, 0, 0, 0xffff, 0, 1},        {{}, 0, 0, 0, 2, 1},     {{}, 0, 0, 0, 0xffff, 1},
            {{}, 0, 0, 0, 0, 1, 2},          {{}, 0, 0, 0, 0, 0},     {{}, 0, 0, 0, 0, 1, 0, 2},
            {{}, 0, 0, 0, 1, 1, 0, 1}};
  }
};
template <>
struct Samples<Credit> {
  static std::vector<Credit> valid() { return {{1, 1}, {max_credits, ~0U}}; }
  static std::vector<Credit> invalid() { return {{0, 1}, {max_credits + 1, 1}, {~0U, 1}, {1, 0}}; }
};
template <>
struct Samples<TakeAccessLog> {
  static std::vector<TakeAccessLog> valid() { return {{0}}; }
  static std::vector<TakeAccessLog> invalid() { return {{1}, {~0U}}; }
};
template <>
struct Samples<AttachRouter> {
  static std::vector<AttachRouter> valid() { return {{0}, {max_routers - 1}}; }
  static std::vector<AttachRouter> invalid() { return {{max_routers}, {~0U}}; }
};
template <>
struct Samples<AttachKeeper> {
  static std::vector<AttachKeeper> valid() { return {{0}}; }
  static std::vector<AttachKeeper> invalid() { return {{1}, {~0U}}; }
};
template <>
struct Samples<Drain> {
  static std::vector<Drain> valid() { return {{0}, {1}}; }
  static std::vector<Drain> invalid() { return {{2}, {~0U}}; }
};
template <>
struct Samples<Retire> {
  static std::vector<Retire> valid() { return {{0}}; }
  static std::vector<Retire> invalid() { return {{1}, {~0U}}; }
};
template <>
struct Samples<Idle> {
  static std::vector<Idle> valid() { return {{0}}; }
  static std::vector<Idle> invalid() { return {{1}, {~0U}}; }
};
template <>
struct Samples<Busy> {
  static std::vector<Busy> valid() { return {{0}}; }
  static std::vector<Busy> invalid() { return {{1}, {~0U}}; }
};
template <>
struct Samples<AttachChecker> {
  static std::vector<AttachChecker> valid() { return {{1}, {~0U}}; }
  static std::vector<AttachChecker> invalid() { return {{0}}; }
};
template <>
struct Samples<AttachWorker> {
  static std::vector<AttachWorker> valid() { return {{1}, {~0U}}; }
  static std::vector<AttachWorker> invalid() { return {{0}}; }
};
template <>
struct Samples<PeerViolation> {
  static std::vector<PeerViolation> valid() { return {{1}, {~0U}}; }
  static std::vector<PeerViolation> invalid() { return {{0}}; }
};
template <>
struct Samples<CheckPassword> {
  static std::vector<CheckPassword> valid() {
    return {{0, 0, 0, 0, {}, {}}, {~0U, max_password_lists - 1, 128, 256, {'a'}, {'\xff'}}};
  }
  static std::vector<CheckPassword> invalid() {
    return {{0, max_password_lists, 0, 0, {}, {}},
            {0, 0, 129, 0, {}, {}},
            {0, 0, 0, 257, {}, {}},
            {0, 0, 65535, 65535, {}, {}}};
  }
};
template <>
struct Samples<PasswordAnswer> {
  static std::vector<PasswordAnswer> valid() {
    return {{0, PasswordVerdict::wrong},
            {~0U, PasswordVerdict::right},
            {1, PasswordVerdict::unavailable}};
  }
  static std::vector<PasswordAnswer> invalid() {
    return {{0, PasswordVerdict{0}}, {0, PasswordVerdict{4}}, {0, PasswordVerdict{~0U}}};
  }
};

template <>
struct Samples<ReplaceLog> {
  static std::vector<ReplaceLog> valid() { return {{0}, {1}}; }
  static std::vector<ReplaceLog> invalid() { return {{2}, {~0U}}; }
};
template <>
struct Samples<MayReport> {
  static std::vector<MayReport> valid() { return {{0}}; }
  static std::vector<MayReport> invalid() { return {{1}, {~0U}}; }
};
template <>
struct Samples<WorkerReport> {
  static std::vector<WorkerReport> valid() {
    WorkerReport most{{}, max_connections, 0};
    most.traffic.count(200, ~std::uint64_t{0}, ~std::uint64_t{0});
    return {{}, most};
  }
  static std::vector<WorkerReport> invalid() {
    return {{{}, max_connections + 1, 0}, {{}, 0, 1}, {{}, 0, ~0U}};
  }
};
template <>
struct Samples<QueueReport> {
  static std::vector<QueueReport> valid() {
    return {{{0}, 0, 0}, {{max_sites - 1}, max_connections, ~0U}};
  }
  static std::vector<QueueReport> invalid() {
    return {{{max_sites}, 0, 0}, {{~0U}, 0, 0}, {{0}, max_connections + 1, 0}};
  }
};
template <>
struct Samples<RouterReport> {
  static std::vector<RouterReport> valid() {
    const std::uint64_t most = ~std::uint64_t{0};
    return {{}, {most, most, most, most, max_connections, 0}};
  }
  static std::vector<RouterReport> invalid() {
    return {{0, 0, 0, 0, max_connections + 1, 0}, {0, 0, 0, 0, 0, 1}};
  }
};

// `message` with another value in one of its fields.
template <typename M, typename Field>
M with(M message, Field M::*field, Field value) {
  message.*field = value;
  return message;
}
// Text that is not printable, or does not end where it ends.
template <std::size_t size>
std::vector<FixedText<size>> bad_texts() {
  return {{{'a', '\n'}}, {{'a', '\0', 'b'}}, {{'\x1b', '['}}, {{'\xe4'}}, {{'\x7f'}}};
}
template <std::size_t size>
FixedText<size> full_text() {
  return FixedText<size>::of(std::string(size, '~'));
}

template <>
struct Samples<Greeting> {
  static std::vector<Greeting> valid() {
    return {{1, 2, FixedText<24>::of("0.1.0")}, {~0U, ~0U, full_text<24>()}};
  }
  static std::vector<Greeting> invalid() {
    std::vector<Greeting> all{{0, 2, {}}, {1, 0, {}}, {1, 1, {}}};
    for (const auto& text : bad_texts<24>()) all.push_back({1, 2, text});
    return all;
  }
};
template <>
struct Samples<StatusQuery> {
  static std::vector<StatusQuery> valid() { return {{{0}}, {{max_sites - 1}}}; }
  static std::vector<StatusQuery> invalid() { return {{{max_sites}}, {{~0U}}}; }
};
template <>
struct Samples<FindSite> {
  static std::vector<FindSite> valid() {
    return {{FixedText<256>::of("a.example")}, {full_text<256>()}};
  }
  static std::vector<FindSite> invalid() {
    std::vector<FindSite> all{{{}}};
    for (const auto& text : bad_texts<256>()) all.push_back({text});
    return all;
  }
};
template <>
struct Samples<ReopenLogs> {
  static std::vector<ReopenLogs> valid() { return {{0}}; }
  static std::vector<ReopenLogs> invalid() { return {{1}, {~0U}}; }
};
template <>
struct Samples<LogsReopened> {
  static std::vector<LogsReopened> valid() { return {{0, 0}, {max_sites, max_sites}}; }
  static std::vector<LogsReopened> invalid() { return {{max_sites + 1, 0}, {0, max_sites + 1}}; }
};
template <>
struct Samples<OnlyAsk> {
  static std::vector<OnlyAsk> valid() { return {{0}}; }
  static std::vector<OnlyAsk> invalid() { return {{1}, {~0U}}; }
};
template <>
struct Samples<ServerQuery> {
  static std::vector<ServerQuery> valid() { return {{0}}; }
  static std::vector<ServerQuery> invalid() { return {{1}, {~0U}}; }
};
template <>
struct Samples<ServerStatus> {
  static std::vector<ServerStatus> valid() {
    ServerStatus most{};
    most.sites = max_sites;
    most.routers = max_routers;
    return {{}, most};
  }
  static std::vector<ServerStatus> invalid() {
    return {with({}, &ServerStatus::sites, max_sites + 1),
            with({}, &ServerStatus::routers, max_routers + 1),
            with({}, &ServerStatus::cgroup_controllers, 16U)};
  }
};
template <>
struct Samples<SiteStatus> {
  static std::vector<SiteStatus> valid() {
    SiteStatus least{};
    least.name = FixedText<256>::of("a.example");
    SiteStatus most = least;
    most.site = {max_sites - 1};
    most.state = SiteState::suspended;
    most.processes = max_processes;
    most.name = full_text<256>();
    most.last_error = full_text<160>();
    return {least, most};
  }
  static std::vector<SiteStatus> invalid() {
    const SiteStatus good = valid().front();
    std::vector<SiteStatus> all{with(good, &SiteStatus::site, SiteId{max_sites}),
                                with(good, &SiteStatus::state, SiteState{site_states}),
                                with(good, &SiteStatus::processes, max_processes + 1),
                                with(good, &SiteStatus::name, FixedText<256>{})};
    for (const auto& text : bad_texts<256>()) all.push_back(with(good, &SiteStatus::name, text));
    for (const auto& text : bad_texts<160>()) {
      all.push_back(with(good, &SiteStatus::last_error, text));
    }
    return all;
  }
};
template <>
struct Samples<StatusEnd> {
  static std::vector<StatusEnd> valid() { return {{{0}, 0}, {{max_sites}, 1}}; }
  static std::vector<StatusEnd> invalid() {
    return {{{max_sites + 1}, 0}, {{~0U}, 1}, {{0}, 2}, {{0}, ~0U}};
  }
};

template <>
struct Samples<AskTable> {
  static std::vector<AskTable> valid() { return {{0}}; }
  static std::vector<AskTable> invalid() { return {{1}, {~0U}}; }
};
template <>
struct Samples<RunningTable> {
  static std::vector<RunningTable> valid() { return {{1}, {~0U}}; }
  static std::vector<RunningTable> invalid() { return {{0}}; }
};
template <>
struct Samples<OfferTable> {
  static std::vector<OfferTable> valid() { return {{TableKind::sites}, {TableKind::keys}}; }
  static std::vector<OfferTable> invalid() { return {{TableKind{table_kinds}}, {TableKind{~0U}}}; }
};
template <>
struct Samples<OfferListener> {
  static std::vector<OfferListener> valid() { return {{0}, {max_listeners - 1}}; }
  static std::vector<OfferListener> invalid() { return {{max_listeners}, {~0U}}; }
};
template <>
struct Samples<Reload> {
  static std::vector<Reload> valid() { return {{1}, {~0U}}; }
  static std::vector<Reload> invalid() { return {{0}}; }
};
template <>
struct Samples<ReloadDone> {
  static std::vector<ReloadDone> valid() {
    return {{ReloadOutcome::done}, {ReloadOutcome::incomplete}};
  }
  static std::vector<ReloadDone> invalid() {
    return {{ReloadOutcome{reload_outcomes}}, {ReloadOutcome{~0U}}};
  }
};

template <>
struct Samples<TakeOver> {
  static std::vector<TakeOver> valid() { return {{0}}; }
  static std::vector<TakeOver> invalid() { return {{1}, {~0U}}; }
};
template <>
struct Samples<Held> {
  static std::vector<Held> valid() { return {{0}}; }
  static std::vector<Held> invalid() { return {{1}, {~0U}}; }
};
template <>
struct Samples<NotHeld> {
  static std::vector<NotHeld> valid() { return {{0}}; }
  static std::vector<NotHeld> invalid() { return {{1}, {~0U}}; }
};
template <>
struct Samples<GiveWay> {
  static std::vector<GiveWay> valid() { return {{0}}; }
  static std::vector<GiveWay> invalid() { return {{1}, {~0U}}; }
};
template <>
struct Samples<GivingWay> {
  static std::vector<GivingWay> valid() { return {{0}}; }
  static std::vector<GivingWay> invalid() { return {{1}, {~0U}}; }
};
template <>
struct Samples<TakeOverAnswer> {
  static std::vector<TakeOverAnswer> valid() {
    return {{TakeOverOutcome::permitted, 0, 0}, {TakeOverOutcome::busy, max_listeners, 15}};
  }
  static std::vector<TakeOverAnswer> invalid() {
    return {{TakeOverOutcome{take_over_outcomes}, 0, 0},
            {TakeOverOutcome::permitted, max_listeners + 1, 0},
            {TakeOverOutcome::permitted, 0, 16}};
  }
};
template <>
struct Samples<AskHeld> {
  static std::vector<AskHeld> valid() {
    return {{HeldKind::control_socket, 0}, {HeldKind::listener, max_listeners - 1}};
  }
  static std::vector<AskHeld> invalid() {
    return {{HeldKind{held_kinds}, 0}, {HeldKind::listener, max_listeners}, {HeldKind::log, 1}};
  }
};

}  // namespace perchild::test
