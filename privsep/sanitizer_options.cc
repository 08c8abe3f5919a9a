// What AddressSanitizer may do in a locked-down process. Compiled into sanitizer builds only.
//
// Runs in: master, router, worker.

// Found by the sanitizer's runtime by this name. Looking for leaks would fork and ptrace, which no
// role may; a report in a process without /proc has no use for symbols. To remember each allocation
// by more than three callers takes a quarter of a role's start.
extern "C" const char* __asan_default_options();  // NOLINT(bugprone-reserved-identifier)
extern "C" const char* __asan_default_options() {
  return "detect_leaks=0:symbolize=0:abort_on_error=1:malloc_context_size=3";
}
