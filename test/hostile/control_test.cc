// Attacks by the sockets that commands connect to. Whoever says what is no message, or too much, or
// does not listen, loses his connection; the server and everybody else go on.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>

#include <vector>

#include "privsep/channel.h"
#include "privsep/control_messages.h"
#include "privsep/local_socket.h"
#include "privsep/sealed_memory.h"
#include "test/support/client.h"
#include "test/support/in_child.h"
#include "test/support/server.h"

namespace perchild::test::control_test {
namespace {

class HostileControl : public ::testing::TestWithParam<const char*> {
 protected:
  HostileControl()
      : server_({.sites = {{"a.example", {{"index.html", "of a"}}},
                           {"b.example", {{"index.html", "of b"}}}}}),
        folder_(server_.directory().path() + "/run") {}

  UniqueFd connect(const std::string& name) const {
    auto socket = connect_local(folder_, name);
    return socket ? std::move(*socket) : UniqueFd();
  }

  // The next message's type; nullopt at the end of the connection, or if nothing comes.
  static std::optional<MessageType> next_type(BorrowedFd socket, int deadline_ms = 10'000) {
    ::pollfd polled{socket.get(), POLLIN, 0};
    if (::poll(&polled, 1, deadline_ms) != 1) return std::nullopt;
    std::array<std::byte, 2048> buffer;
    const auto received = receive_with_fds(socket, buffer);
    if (received.status != ReceiveStatus::message) return std::nullopt;
    MessageType type;
    std::memcpy(&type, buffer.data(), sizeof type);
    return type;
  }

  // Whether the server closes the connection, whatever it says before.
  static bool is_closed(BorrowedFd socket) {
    while (next_type(socket)) {
    }
    std::array<std::byte, 2048> buffer;
    return receive_with_fds(socket, buffer).status == ReceiveStatus::peer_gone;
  }

  bool answers_to_root() const {
    const UniqueFd socket = connect(control_socket_name);
    if (next_type(socket.borrow()) != MessageType::greeting) return false;
    const auto query = encode(StatusQuery{{0}});
    if (send_with_fds(socket.borrow(), query, {}) != SendStatus::sent) return false;
    return next_type(socket.borrow()) == MessageType::site_status;
  }

  void expect_unharmed() {
    EXPECT_EQ(get(server_.port(), "a.example").body, "of a");
    EXPECT_TRUE(answers_to_root());
    EXPECT_EQ(server_.stop(), 0);
  }

  Server server_;
  std::string folder_;
};

TEST_P(HostileControl, WhatIsNoMessageEndsItsConnectionAlone) {
  const std::array<std::byte, 7> garbage{std::byte{9}, std::byte{9}};
  const std::vector<std::byte> long_garbage(4096, std::byte{7});
  const auto query = encode(StatusQuery{{0}});
  const auto no_site = encode(StatusQuery{{max_sites}});
  const auto no_name = encode(FindSite{});
  const auto answer = encode(StatusEnd{{0}, 1});
  const auto childs = encode(LockDownComplete{7});
  const UniqueFd any = connect(GetParam());
  const std::vector<BorrowedFd> descriptors(max_passed_fds, any.borrow());
  struct Said {
    const char* what;
    std::span<const std::byte> bytes;
    std::size_t descriptors;
  };
  for (const Said& said :
       {Said{"garbage", garbage, 0}, Said{"long garbage", long_garbage, 0}, Said{"nothing", {}, 0},
        Said{"a descriptor alone", {}, 1}, Said{"a descriptor too many", query, 1},
        Said{"many descriptors", query, max_passed_fds}, Said{"no site", no_site, 0},
        Said{"no name", no_name, 0}, Said{"an answer", answer, 0},
        Said{"a child's message", childs, 0}}) {
    const UniqueFd socket = connect(GetParam());
    ASSERT_EQ(next_type(socket.borrow()), MessageType::greeting) << said.what;
    ASSERT_EQ(
        send_with_fds(socket.borrow(), said.bytes, std::span(descriptors).first(said.descriptors)),
        SendStatus::sent);
    EXPECT_TRUE(is_closed(socket.borrow())) << said.what;
  }
  // The control: a message that is one is answered.
  const UniqueFd socket = connect(GetParam());
  ASSERT_EQ(next_type(socket.borrow()), MessageType::greeting);
  ASSERT_EQ(send_with_fds(socket.borrow(), query, {}), SendStatus::sent);
  EXPECT_TRUE(next_type(socket.borrow()));
  expect_unharmed();
}

class HostileReload : public HostileControl {
 protected:
  static void offer_all_tables(Channel<Command, Master>& channel, BorrowedFd memory) {
    for (std::uint32_t kind = 0; kind < table_kinds; ++kind) {
      ASSERT_EQ(channel.send(OfferTable{TableKind{kind}}, memory), SendStatus::sent);
    }
  }
  std::optional<ReloadOutcome> outcome_of(Channel<Command, Master>& channel) {
    for (;;) {
      ::pollfd polled{channel.fd().get(), POLLIN, 0};
      if (::poll(&polled, 1, 10'000) != 1) return std::nullopt;
      const auto received = channel.receive();
      if (!received.message) return std::nullopt;
      if (const auto* done = std::get_if<ReloadDone>(&*received.message)) return done->outcome;
    }
  }
};

TEST_F(HostileReload, IsForNoUserToAskFor) {
  const auto ask = encode(AskTable{0});
  const auto reload = encode(Reload{1});
  const auto offer = encode(OfferTable{TableKind::sites});
  const auto memory = make_sealed_memory("table", "anything");
  ASSERT_TRUE(memory);
  const BorrowedFd fd = memory->borrow();
  struct Said {
    std::span<const std::byte> bytes;
    std::span<const BorrowedFd> fds;
  };
  for (const Said& said : {Said{ask, {}}, Said{reload, {}}, Said{offer, std::span(&fd, 1)}}) {
    const UniqueFd socket = connect(status_socket_name);
    ASSERT_EQ(next_type(socket.borrow()), MessageType::greeting);
    ASSERT_EQ(send_with_fds(socket.borrow(), said.bytes, said.fds), SendStatus::sent);
    EXPECT_TRUE(is_closed(socket.borrow()));
  }
  expect_unharmed();
}

// Even root's tables are taken whole and in order, or not at all.
TEST_F(HostileReload, OfWhatIsNoTableChangesNothing) {
  Channel<Command, Master> channel{connect(control_socket_name)};
  const auto sealed = make_sealed_memory("table", "no table of sites");
  const UniqueFd open_memory(::memfd_create("open", MFD_CLOEXEC));
  ASSERT_TRUE(sealed);
  ASSERT_EQ(channel.send(Reload{2}), SendStatus::sent);
  EXPECT_EQ(outcome_of(channel), ReloadOutcome::not_current);
  ASSERT_EQ(channel.send(Reload{1}), SendStatus::sent);
  EXPECT_EQ(outcome_of(channel), ReloadOutcome::incomplete);
  for (const BorrowedFd memory : {sealed->borrow(), open_memory.borrow(), channel.fd()}) {
    offer_all_tables(channel, memory);
    ASSERT_EQ(channel.send(OfferListener{0}, memory), SendStatus::sent);
    ASSERT_EQ(channel.send(Reload{1}), SendStatus::sent);
    EXPECT_EQ(outcome_of(channel), ReloadOutcome::incomplete);
  }
  expect_unharmed();
}

TEST_F(HostileReload, OfTheRunningTableIsNoStepForward) {
  ASSERT_EQ(get(server_.port(), "a.example").body, "of a");
  const auto worker = server_.workers_of(0).at(0).pid;
  Channel<Command, Master> channel{connect(control_socket_name)};
  ASSERT_EQ(channel.send(AskTable{0}), SendStatus::sent);
  UniqueFd running;
  ASSERT_TRUE(eventually([&] {
    auto received = channel.receive();
    if (received.message && std::holds_alternative<RunningTable>(*received.message)) {
      running = std::move(received.fd);
    }
    return running.has_value();
  }));
  // A descriptor of the running one is sealed and whole, but is not what comes after it.
  offer_all_tables(channel, running.borrow());
  ASSERT_EQ(channel.send(Reload{1}), SendStatus::sent);
  EXPECT_EQ(outcome_of(channel), ReloadOutcome::incomplete);
  EXPECT_EQ(get(server_.port(), "a.example").body, "of a");
  EXPECT_EQ(server_.workers_of(0).at(0).pid, worker);
}

class HostileUpgrade : public HostileControl {
 protected:
  // What one on `name` hears after its greeting for each of `said`; nullopt where the connection
  // ends.
  std::optional<MessageType> last_answer(const std::string& name,
                                         std::initializer_list<std::span<const std::byte>> said) {
    const UniqueFd socket = connect(name);
    std::optional<MessageType> type = next_type(socket.borrow());
    EXPECT_EQ(type, MessageType::greeting);
    for (const auto& bytes : said) {
      if (send_with_fds(socket.borrow(), bytes, {}) != SendStatus::sent) return std::nullopt;
      type = next_type(socket.borrow());
    }
    return type;
  }
  const std::array<std::byte, sizeof(MessageType) + sizeof(TakeOver)> take_over_ =
      encode(TakeOver{0});
  const std::array<std::byte, sizeof(MessageType) + sizeof(AskHeld)> ask_ =
      encode(AskHeld{HeldKind::listener, 0});
  const std::array<std::byte, sizeof(MessageType) + sizeof(GiveWay)> give_way_ = encode(GiveWay{0});
};

TEST_F(HostileUpgrade, IsForNoUserToAskFor) {
  for (const std::span<const std::byte> said :
       {std::span<const std::byte>(take_over_), std::span<const std::byte>(ask_),
        std::span<const std::byte>(give_way_)}) {
    EXPECT_FALSE(last_answer(status_socket_name, {said}));
  }
  EXPECT_EQ(last_answer(control_socket_name, {take_over_}), MessageType::take_over_answer);
  expect_unharmed();
}

TEST_F(HostileUpgrade, NothingIsHandedOutNorGivenUpBeforeItHasBegun) {
  EXPECT_FALSE(last_answer(control_socket_name, {ask_}));
  EXPECT_FALSE(last_answer(control_socket_name, {give_way_}));
  EXPECT_FALSE(last_answer(control_socket_name, {take_over_, take_over_}));
  const UniqueFd bound = connect(control_socket_name);
  ASSERT_EQ(next_type(bound.borrow()), MessageType::greeting);
  ASSERT_EQ(send_with_fds(bound.borrow(), encode(OnlyAsk{0}), {}), SendStatus::sent);
  ASSERT_EQ(send_with_fds(bound.borrow(), take_over_, {}), SendStatus::sent);
  EXPECT_TRUE(is_closed(bound.borrow()));
  EXPECT_EQ(last_answer(control_socket_name, {take_over_, ask_}), MessageType::held);
  const auto none = encode(AskHeld{HeldKind::listener, max_listeners - 1});
  EXPECT_EQ(last_answer(control_socket_name, {take_over_, none}), MessageType::not_held);
  expect_unharmed();
}

// Whoever was about to take over and has gone leaves all as it was.
TEST_F(HostileUpgrade, OneThatIsGivenUpKeepsNobodyOut) {
  {
    const UniqueFd socket = connect(control_socket_name);
    ASSERT_EQ(next_type(socket.borrow()), MessageType::greeting);
    ASSERT_EQ(send_with_fds(socket.borrow(), take_over_, {}), SendStatus::sent);
    ASSERT_EQ(next_type(socket.borrow()), MessageType::take_over_answer);
    EXPECT_EQ(get(server_.port(), "b.example").body, "of b");
    // Nobody else is let in meanwhile.
    const UniqueFd other = connect(control_socket_name);
    EXPECT_FALSE(next_type(other.borrow(), 200));
  }
  expect_unharmed();
}

// Who asks without end and never listens.
TEST_P(HostileControl, AFloodWithoutReadingEndsItsConnectionAlone) {
  const UniqueFd socket = connect(GetParam());
  const auto query = encode(StatusQuery{{0}});
  SendStatus status = SendStatus::sent;
  EXPECT_TRUE(eventually([&] {
    for (int i = 0; i < 100 && status != SendStatus::peer_gone; ++i) {
      status = send_with_fds(socket.borrow(), query, {});
    }
    return status == SendStatus::peer_gone;
  }));
  expect_unharmed();
}

INSTANTIATE_TEST_SUITE_P(Sockets, HostileControl,
                         ::testing::Values(control_socket_name, status_socket_name),
                         [](const auto& each) { return std::string(each.param); });

class HostileUsers : public HostileControl {
 protected:
  // What connecting so often as this user comes to: how many are greeted.
  int greeted(::uid_t uid, int times) const {
    return in_child_as(uid, uid,
                       [&] {
                         std::vector<UniqueFd> sockets;
                         for (int i = 0; i < times; ++i)
                           sockets.push_back(connect(status_socket_name));
                         int count = 0;
                         for (const UniqueFd& socket : sockets) {
                           count += next_type(socket.borrow()) == MessageType::greeting ? 1 : 0;
                         }
                         return count;
                       })
        .status;
  }
};

TEST_F(HostileUsers, OneHasAFewConnectionsAndKeepsNobodyElseOut) {
  // Held by this process in the name of root, who counts as one user there.
  std::vector<UniqueFd> held;
  for (int i = 0; i < 20; ++i) held.push_back(connect(status_socket_name));
  EXPECT_EQ(greeted(uid_a, 20), 4);
  EXPECT_EQ(greeted(uid_b, 1), 1);
  expect_unharmed();
}

TEST_F(HostileUsers, TogetherTheyCannotKeepRootOut) {
  std::vector<UniqueFd> held;
  for (int i = 0; i < 100; ++i) held.push_back(connect(status_socket_name));
  EXPECT_TRUE(answers_to_root());
  expect_unharmed();
}

// A process that reads the network keeps no more than the right to ask.
TEST_F(HostileUsers, WhoOnlyAsksMayChangeNothingAnyMore) {
  const auto reopen = encode(ReopenLogs{0});
  const UniqueFd free = connect(control_socket_name);
  ASSERT_EQ(next_type(free.borrow()), MessageType::greeting);
  ASSERT_EQ(send_with_fds(free.borrow(), reopen, {}), SendStatus::sent);
  EXPECT_EQ(next_type(free.borrow()), MessageType::logs_reopened);

  const UniqueFd bound = connect(control_socket_name);
  ASSERT_EQ(next_type(bound.borrow()), MessageType::greeting);
  ASSERT_EQ(send_with_fds(bound.borrow(), encode(OnlyAsk{0}), {}), SendStatus::sent);
  ASSERT_EQ(send_with_fds(bound.borrow(), encode(ServerQuery{0}), {}), SendStatus::sent);
  EXPECT_EQ(next_type(bound.borrow()), MessageType::server_status);
  ASSERT_EQ(send_with_fds(bound.borrow(), reopen, {}), SendStatus::sent);
  EXPECT_TRUE(is_closed(bound.borrow()));
  expect_unharmed();
}

TEST_F(HostileUsers, CannotConnectWhereRootDoes) {
  const auto as_tenant = [&] { return connect(control_socket_name).has_value() ? 1 : 0; };
  EXPECT_EQ(in_child_as(uid_a, uid_a, as_tenant).status, 0);
  EXPECT_EQ(in_child(as_tenant).status, 1);
}

// By number or by name: what is another's is passed over as if it were not there.
TEST_F(HostileUsers, AreToldNothingOfAnothersSite) {
  const auto sites_told = [&](::uid_t uid, auto query) {
    return in_child_as(uid, uid,
                       [&] {
                         const UniqueFd socket =
                             connect(uid == 0 ? control_socket_name : status_socket_name);
                         if (next_type(socket.borrow()) != MessageType::greeting) return 100;
                         if (send_with_fds(socket.borrow(), encode(query), {}) != SendStatus::sent)
                           return 101;
                         int told = 0;
                         for (;;) {
                           const auto type = next_type(socket.borrow());
                           if (!type) return 102;
                           if (*type == MessageType::status_end) return told;
                           ++told;
                         }
                       })
        .status;
  };
  const FindSite by_name{FixedText<256>::of("b.example")};
  const StatusQuery by_number{{1}};
  EXPECT_EQ(sites_told(uid_a, by_name), 0);
  EXPECT_EQ(sites_told(uid_a, by_number), 0);
  EXPECT_EQ(sites_told(uid_b, by_name), 1);
  EXPECT_EQ(sites_told(uid_b, by_number), 1);
  EXPECT_EQ(sites_told(0, by_name), 1);
  EXPECT_EQ(sites_told(0, by_number), 1);
}

}  // namespace
}  // namespace perchild::test::control_test
