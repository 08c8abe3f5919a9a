// The number of each message between our processes, and what bounds the numbers in them.
//
// Runs in: every process.
// Trusts: nobody.
#pragma once

#include <cstdint>

namespace perchild {

enum class MessageType : std::uint32_t {
  lock_down_complete = 1,
  add_listener,
  listeners_complete,
  attach_site,
  site_down,
  wake,
  worker_violation,
  hand_over,
  credit,
  take_access_log,
  attach_router,
  drain,
  detach_site,
  queue_stands,
  retire,
  idle,
  busy,
  worker_silent,
  ping,
  pong,
  replace_log,
  may_report,
  worker_report,
  queue_report,
  router_report,
  take_routes,
  take_router_settings,
  remove_listener,
  routes_taken,
  attach_checker,
  attach_worker,
  peer_violation,
  check_password,
  password_answer,
  take_keys,
  attach_signer,
  attach_keeper,
  sign,
  signature,
  ticket_keys,
  attach_runner,
  attach_client,
  acquire,
  run_script,
  withdraw,
  acquired,
  not_acquired,
  release,
  recall,
  mail_sent,
  ask_body_file,
  body_file,
  no_body_file,
  spare_loaded,
  take_part,
  run_script_inline,
  keep_sessions,
  take_sessions,
  // control_messages.h
  greeting = 64,
  status_query,
  find_site,
  site_status,
  status_end,
  server_query,
  server_status,
  only_ask,
  reopen_logs,
  logs_reopened,
  ask_table,
  running_table,
  offer_table,
  offer_listener,
  reload,
  reload_done,
  // Of an upgrade, whose two ends are of different builds: these numbers never change.
  take_over = 128,
  take_over_answer,
  ask_held,
  held,
  not_held,
  give_way,
  giving_way,
};

inline constexpr std::uint32_t max_listeners = 256;
inline constexpr std::uint32_t max_routers = 64;
inline constexpr std::uint32_t max_workers = 64;  // of one site
inline constexpr std::uint32_t max_sites = 1'000'000;
inline constexpr std::uint32_t max_credits = 64;             // of one channel, at any time
inline constexpr std::uint32_t max_connections = 1'000'000;  // of one process

}  // namespace perchild
