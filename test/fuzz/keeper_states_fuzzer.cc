// The keeper against workers that have been taken over: it hears any sequence of what they may
// send, while the master attaches others, keys are replaced and time passes. A worker is answered
// what it may ask, as often as it asks; for anything else it is accused, and nobody else is. What
// its tickets are made with, its site alone has.
#include <sys/epoll.h>

#include <map>
#include <set>

#include "daemon/keeper/keeper_loop.h"
#include "test/daemon/keeper/packed_key.h"
#include "test/fuzz/states/letters.h"
#include "test/vhosts/sites/configuration_samples.h"
#include "vhosts/tls/signature_scheme.h"

namespace perchild::fuzz {
namespace {

constexpr std::uint32_t site_count = 2;
constexpr std::array<std::size_t, site_count> keys_of_site{2, 1};

// Site 0 has a key of each of two kinds, site 1 one of them, of its own.
std::string make_ring() {
  Configuration configuration = test::configuration_of({{"a.example"}, {"b.example"}});
  for (std::uint32_t site = 0; site < site_count; ++site) {
    configuration.sites[site].certificates.resize(keys_of_site[site]);
    for (std::size_t i = 0; i < keys_of_site[site]; ++i) {
      const Key key(i == 0 ? ::EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")
                           : ::EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
      configuration.sites[site].certificates[i].key = test::packed(key);
    }
  }
  return tls::pack_key_ring(configuration);
}

const std::string& ring() {
  static const std::string made = make_ring();
  return made;
}

struct WorkerEnd {
  SiteId site;
  std::uint32_t generation;
  std::uint32_t number;
  UniqueFd end;
  std::multiset<std::uint32_t> asked;  // what it may ask, and has not been answered
  bool is_wrong = false;               // has sent what it may not
  bool is_deaf = false;                // reads nothing, for which it may be accused
  bool has_tickets = false;
};

class KeeperStage final : public Stage {
 public:
  KeeperStage(Script script, UniqueFd masters_end)
      : script_(script), master_(std::move(masters_end)) {
    take_keys();
  }

 private:
  void on_quiet() override {
    check(read_all(*master_, [this](const auto& message, const UniqueFd&) { hear(message); }),
          "the keeper lives");
    for (WorkerEnd& worker : workers_) {
      if (!worker.is_deaf || is_accused(worker)) hear(worker);
    }
    check(wrong_.empty(), "who asks for what it may not is accused");
    std::erase_if(workers_, [](const WorkerEnd& worker) { return !worker.end.has_value(); });
    accused_.clear();
    if (script_.over()) return master_.reset();
    step();
  }

  // ---- what has come of the last step

  void hear(const LockDownComplete&) { check(false, "it is locked down"); }
  void hear(const PeerViolation& message) {
    const auto found = std::find_if(workers_.begin(), workers_.end(), [&](const auto& worker) {
      return worker.number == message.channel;
    });
    check(found != workers_.end() && (found->is_wrong || found->is_deaf), "nobody else is accused");
    check(accused_.insert(message.channel).second, "nor anybody twice");
    wrong_.erase(message.channel);
  }

  bool is_accused(const WorkerEnd& worker) const { return accused_.contains(worker.number); }

  void hear(WorkerEnd& worker) {
    Channel<Worker, Keeper> channel(std::move(worker.end));
    const bool is_open =
        read_all(channel, [&](const auto& message, const UniqueFd&) { hear(worker, message); });
    check(is_open != is_accused(worker), "who is accused is not listened to");
    if (!is_open) return;
    check(worker.asked.empty(), "who asks what it may is answered");
    worker.end = std::move(channel).take_socket();
  }
  void hear(WorkerEnd& worker, const Signature& message) {
    const auto found = worker.asked.find(message.number);
    check(found != worker.asked.end(), "an answer is to a question");
    worker.asked.erase(found);
  }
  void hear(WorkerEnd& worker, const TicketKeys& message) {
    worker.has_tickets = true;
    const auto owner = std::pair(worker.site, worker.generation);
    const auto [known, is_new] = owners_.try_emplace(message.current.name, owner);
    check(known->second == owner, "no other site has the keys of its tickets");
  }

  // ---- steps

  void step() {
    switch (script_.below(8)) {
      case 0:
        return attach();
      case 1:
        return take_keys();
      case 2:
        return let_pass(std::chrono::hours(script_.below(30)));
      case 3:
        if (WorkerEnd* worker = choose()) worker->end.reset();
        std::erase_if(workers_, [](const WorkerEnd& worker) { return !worker.end.has_value(); });
        return;
      case 4:
        if (WorkerEnd* worker = choose()) worker->is_deaf = true;
        return;
      default:
        if (WorkerEnd* worker = choose())
          say(*worker, script_.byte() == 1 ? 1 + script_.byte() : 1);
    }
  }

  WorkerEnd* choose() {
    return workers_.empty() ? nullptr : &workers_[script_.below(workers_.size())];
  }

  void take_keys() {
    const auto memory = make_sealed_memory("keys", ring());
    check(master_->send(TakeKeys{0}, memory->borrow()) == SendStatus::sent, "the keeper listens");
  }

  void attach() {
    const SiteId site{script_.below(site_count)};
    // A site's generations come one after the other.
    if (script_.byte() % 4 == 1) ++generations_[site.value];
    const std::uint32_t generation = generations_[site.value];
    auto pair = make_channel_pair();
    workers_.push_back({site, generation, ++last_channel_, std::move(pair->second), {}});
    check(master_->send(AttachSigner{site, generation, last_channel_}, pair->first.borrow()) ==
              SendStatus::sent,
          "the keeper listens");
  }

  // Of TLS 1.3; the key may be one that there is not, or that cannot.
  Sign honest_request() {
    static constexpr std::array<std::uint16_t, 4> schemes{0x0807, 0x0403, 0x0804, 0x0503};
    const std::string content = std::string(64, ' ') + "TLS 1.3, server CertificateVerify" +
                                std::string(1, '\0') + std::string(32, 'h');
    Sign request{.number = script_.number(),
                 .key = script_.below(3),
                 .scheme = schemes[script_.below(schemes.size())],
                 .length = static_cast<std::uint32_t>(content.size()),
                 .content = {}};
    std::copy(content.begin(), content.end(), request.content.begin());
    return request;
  }

  void say(WorkerEnd& worker, int count) {
    const Letter letter = script_.byte() % 2 == 0 ? letter_of(honest_request())
                                                  : write_letter<Worker, Keeper>(script_);
    const bool looks_like_end = letter.bytes.empty() && letter.fd_count == 0;
    const auto message = read_letter<Worker, Keeper>(letter);
    const Sign* request = message ? &std::get<Sign>(*message) : nullptr;
    const bool may_ask = request != nullptr && request->key < keys_of_site[worker.site.value] &&
                         tls::find_scheme(request->scheme) != nullptr &&
                         tls::is_handshake_content({request->content.data(), request->length});
    for (int i = 0; i < count; ++i) {
      if (!post(worker.end.borrow(), letter, BorrowedFd(STDIN_FILENO))) break;
      if (may_ask) {
        worker.asked.insert(request->number);
        // No more than a worker has: a deaf one may ask for ever.
        if (!worker.is_deaf && worker.asked.size() == max_signatures) break;
      } else if (!looks_like_end) {
        worker.is_wrong = true;
        wrong_.insert(worker.number);
        break;
      }
    }
    if (looks_like_end) worker.end.reset();
    std::erase_if(workers_, [](const WorkerEnd& one) { return !one.end.has_value(); });
  }

  Script script_;
  std::optional<Channel<Master, Keeper>> master_;
  std::vector<WorkerEnd> workers_;
  std::array<std::uint32_t, site_count> generations_{1, 1};
  std::uint32_t last_channel_ = 0;
  std::set<std::uint32_t> wrong_;    // to be accused
  std::set<std::uint32_t> accused_;  // since the last step
  std::map<std::array<unsigned char, 16>, std::pair<SiteId, std::uint32_t>> owners_;
};

}  // namespace

void play(Script script) {
  auto pair = make_channel_pair();
  KeeperStage stage(script, std::move(pair->first));
  const auto proof = lock_down<Role::keeper>({.filter = {}});
  KeeperLoop(*proof, Channel<Keeper, Master>(std::move(pair->second)),
             UniqueFd(::epoll_create1(EPOLL_CLOEXEC)))
      .run();
}

}  // namespace perchild::fuzz

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  perchild::fuzz::check(perchild::warm_up_signing(), "OpenSSL signs");
  perchild::fuzz::ring();
  return 0;
}
