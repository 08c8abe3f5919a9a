// Which descriptor numbers a process finds open at its start. Everything else is closed.
//
// Runs in: command (places the master's), master (places its children's), and their receivers.
#pragma once

namespace perchild {

// Of the master; placed by the command.
struct MasterFds {
  static constexpr int notify = 3;           // connected to $NOTIFY_SOCKET, or /dev/null
  static constexpr int site_table = 4;       // sealed memory: privsep/site_table.h
  static constexpr int route_table = 5;      // sealed memory, for routers
  static constexpr int router_settings = 6;  // sealed memory, for routers
  static constexpr int master_filter = 7;    // sealed memory: system-call filters
  static constexpr int router_filter = 8;
  static constexpr int worker_filter = 9;
  static constexpr int router_executable = 10;  // O_PATH
  static constexpr int worker_executable = 11;  // O_PATH
  static constexpr int empty_root = 12;         // O_PATH, a directory with nothing in it
  static constexpr int log_directory = 13;      // only the master's uid can write in it
  static constexpr int control_socket = 14;     // listening: privsep/control_messages.h
  static constexpr int status_socket = 15;
  static constexpr int site_cgroups = 16;  // directory of the sites' groups, or /dev/null
  static constexpr int acme_webroot = 17;  // a detached mount, or /dev/null; for workers
  static constexpr int checker_filter = 18;
  static constexpr int checker_executable = 19;  // O_PATH
  static constexpr int keeper_filter = 20;
  static constexpr int keeper_executable = 21;  // O_PATH
  static constexpr int keys = 22;               // sealed memory: vhosts/tls/key_ring.h
  static constexpr int runner_filter = 23;
  static constexpr int runner_executable = 24;      // O_PATH
  static constexpr int tls_worker_executable = 25;  // O_PATH
  static constexpr int mail_ledger = 26;            // file: daemon/master/mail_ledger.h
  static constexpr int spare_executable = 27;       // O_PATH
  static constexpr int first_listener = 28;         // as many as the site table says
};

// Of every child of the master. 0 and 1 are /dev/null. 2 is the service's stderr in a router, the
// site's error log in a worker, checker or runner.
struct ChildFds {
  static constexpr int log = 2;
  static constexpr int control = 3;       // Channel to the master
  static constexpr int filter = 4;        // sealed memory: its system-call filter
  static constexpr int settings = 5;      // sealed memory: what it is to know, packed
  static constexpr int routes = 6;        // router: the route table
  static constexpr int root = 7;          // router: the empty root directory, O_PATH
  static constexpr int acme_webroot = 6;  // worker: as the master has it
  static constexpr int identity = 7;      // worker: sealed memory: whose ids it is to take
  static constexpr int visitors = 8;      // worker: what it shares with its site's others, or null
  static constexpr int checker_root = 6;  // checker: the empty root directory, O_PATH
  static constexpr int keeper_root = 6;   // keeper: likewise
};

// Of the explainer, which the command starts under a site's ids. 0 is /dev/null, 1 and 2 are a pipe
// to the command.
struct ExplainerFds {
  static constexpr int filter = 3;    // a worker's
  static constexpr int settings = 4;  // sealed memory: SiteSettings
  static constexpr int request = 5;   // sealed memory: the client's address, 16 bytes, and a head
  static constexpr int acme_webroot = 6;
};

}  // namespace perchild
