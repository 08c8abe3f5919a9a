// A worker that sends what it may not is reported to the master and not heard again; the runner
// goes on with the others.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <functional>

#include "privsep/sealed_memory.h"
#include "test/daemon/runner/runner_under_test.h"

namespace perchild::test::violations_test {
namespace {

std::vector<ProgramSettings> programs() {
  std::vector<ProgramSettings> all = script_programs();
  all.push_back({.kind = ProgramKind::fastcgi_pool,
                 .protocol = ProgramProtocol::fastcgi,
                 .name = "pool",
                 .command = {"/bin/sleep", "60"},
                 .most_processes = 1});
  return all;
}

void send_bytes(const AskingWorker& worker, std::span<const std::byte> bytes, std::size_t fds = 0) {
  const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const std::vector<BorrowedFd> passed(fds, null.borrow());
  EXPECT_EQ(send_with_fds(worker.socket(), bytes, passed), SendStatus::sent);
}

struct Violation {
  const char* name;
  std::function<void(AskingWorker&)> commit;
};
const Violation violations[] = {
    {"garbage", [](auto& w) { send_bytes(w, std::array<std::byte, 7>{std::byte{9}}); }},
    {"anothers_message", [](auto& w) { send_bytes(w, encode(Wake{{0}})); }},
    {"the_masters_message", [](auto& w) { send_bytes(w, encode(AttachClient{1}), 1); }},
    {"a_descriptor_with_acquire",
     [](auto& w) {
       send_bytes(w, encode(Acquire{1, 1}), 1);
     }},
    {"a_program_that_there_is_not", [](auto& w) { w.acquire(2); }},
    {"acquires_scripts", [](auto& w) { w.acquire(0); }},
    {"runs_a_pool",
     [](auto& w) {
       w.run({"x", {}}, 1);
     }},
    {"a_call_that_is_none",
     [](auto& w) {
       const auto memory = make_sealed_memory("call", "nonsense");
       w.send(RunScript{1, 0}, memory->borrow());
     }},
    {"a_call_in_a_message_that_is_none",
     [](auto& w) { w.send(RunScriptInline::of(1, 0, "nonsense")); }},
    {"a_call_that_is_not_sealed",
     [](auto& w) {
       send_bytes(w, encode(RunScript{1, 0}), 1);
     }},
    {"releases_what_it_has_not", [](auto& w) { w.release(7, true); }},
    {"asks_twice_by_one_number",
     [](auto& w) {
       w.acquire(1);
       w.acquire(1);
       w.send(Acquire{2, 1});
     }},
    {"asks_for_one_file_for_bodies_after_the_other",
     [](auto& w) {
       w.ask_body_file();
       w.ask_body_file();
     }},
    {"asks_for_too_much",
     [](auto& w) {
       // One is answered. The socket has not room for all of them at once.
       for (std::uint32_t i = 1; i <= max_acquisitions + 2; ++i) {
         EXPECT_TRUE(eventually([&] {
           return send_with_fds(w.socket(), encode(Acquire{i, 1}), {}) != SendStatus::would_block;
         }));
       }
     }},
};

class RunnersWorker : public ::testing::TestWithParam<Violation> {};

TEST_P(RunnersWorker, ThatSendsWhatItMayNotIsReportedAndNotHeardAgain) {
  RunnerUnderTest runner(programs());
  AskingWorker good = runner.attach(), bad = runner.attach();
  GetParam().commit(bad);
  ::pollfd polled{runner.master().fd().get(), POLLIN, 0};
  ASSERT_EQ(::poll(&polled, 1, 10'000), 1);
  const auto report = runner.master().receive();
  ASSERT_TRUE(report.message);
  EXPECT_EQ(std::get<PeerViolation>(*report.message).channel, 2u);
  AskingWorker::Answer last;
  while (!(last = bad.next()).ended) {
    ASSERT_TRUE(last.number != 0 || last.is_recall || last.is_about_body_file);
  }
  good.acquire(1);
  EXPECT_TRUE(good.answer().acquired()) << runner.error_log();
}

INSTANTIATE_TEST_SUITE_P(Sends, RunnersWorker, ::testing::ValuesIn(violations),
                         [](const auto& each) { return std::string(each.param.name); });

TEST(RunnersMaster, WhoseChannelEndsIsTheEndOfIt) {
  RunnerUnderTest runner(programs());
  EXPECT_TRUE(runner.runs());
  static_cast<void>(Channel<Master, Runner>(std::move(runner.master())));
  EXPECT_TRUE(eventually([&] { return !runner.runs(); }));
}

}  // namespace
}  // namespace perchild::test::violations_test
