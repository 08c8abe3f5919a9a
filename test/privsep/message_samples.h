// A valid message of each kind, and one for each field that is out of its bounds.
#pragma once

#include <vector>

#include "privsep/messages.h"

namespace perchild::test {

template <typename M>
struct Samples;

template <>
struct Samples<LockDownComplete> {
  static std::vector<LockDownComplete> valid() { return {{2}, {~0U}}; }
  static std::vector<LockDownComplete> invalid() { return {{0}, {1}}; }
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
  static std::vector<AttachSite> valid() { return {{{0}, 0}, {{max_sites - 1}, max_workers - 1}}; }
  static std::vector<AttachSite> invalid() {
    return {{{max_sites}, 0}, {{~0U}, 0}, {{0}, max_workers}, {{0}, ~0U}};
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
    return {{{0}, 0}, {{max_sites - 1}, max_workers - 1}};
  }
  static std::vector<WorkerViolation> invalid() {
    return {{{max_sites}, 0}, {{~0U}, 0}, {{0}, max_workers}, {{0}, ~0U}};
  }
};
template <>
struct Samples<HandOver> {
  static std::vector<HandOver> valid() {
    return {{{}, 0, 0, 0, 1}, {{255, 254}, 65535, max_listeners - 1, 1, ~0U}};
  }
  static std::vector<HandOver> invalid() {
    return {{{}, 0, max_listeners, 0, 1},
            {{}, 0, 65535, 0, 1},
            {{}, 0, 0, 2, 1},
            {{}, 0, 0, ~0U, 1},
            {{}, 0, 0, 0, 0}};
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
struct Samples<Drain> {
  static std::vector<Drain> valid() { return {{0}}; }
  static std::vector<Drain> invalid() { return {{1}, {~0U}}; }
};

}  // namespace perchild::test
