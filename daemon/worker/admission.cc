#include "daemon/worker/admission.h"

#include <sys/random.h>

#include "privsep/result.h"

namespace perchild {
namespace {

using std::chrono::minutes;

// Ten wrong passwords at once, and then one every six seconds: a person does not notice, and a
// program that guesses gets through fifteen thousand a day.
constexpr RateSettings failures_of_a_visitor{.count = 10, .per = minutes(1), .burst = 10};
// From however many addresses. Wider, since whoever fails on purpose keeps the user out as well;
// but not one who is remembered.
constexpr RateSettings failures_of_a_user{.count = 30, .per = minutes(1), .burst = 60};

access::HashKey random_key() {
  access::HashKey key;
  PERCHILD_ASSERT(::getrandom(&key, sizeof key, 0) == sizeof key);
  return key;
}

}  // namespace

Admission::Admission(const SiteSettings& settings, access::VisitorMemory* shared)
    : passwords(random_key()),
      key_(shared == nullptr ? random_key() : shared->agree_on_key(random_key())),
      failures_(failures_of_a_visitor, shared == nullptr ? nullptr : &shared->failures),
      failures_of_users_(failures_of_a_user,
                         shared == nullptr ? nullptr : &shared->failures_of_users) {
  if (settings.request_rate.count == 0) return;
  requests_.emplace(settings.request_rate, shared == nullptr ? nullptr : &shared->requests);
}

std::uint64_t Admission::key_of(const AddressBytes& client) const {
  const AddressBytes visitor = visitor_of(client);
  return access::keyed_hash(key_, {reinterpret_cast<const char*>(visitor.data()), visitor.size()})
      .low;
}

std::uint64_t Admission::key_of_user(std::string_view user) const {
  return access::keyed_hash(key_, user).high;
}

Admission::Duration Admission::take_request(const AddressBytes& client, Time now) {
  return requests_ ? requests_->take(key_of(client), now) : Duration::zero();
}

Admission::Duration Admission::wait_of(const AddressBytes& client, std::string_view user,
                                       Time now) const {
  return std::max(failures_.wait_of(key_of(client), now),
                  failures_of_users_.wait_of(key_of_user(user), now));
}

void Admission::on_failure(const AddressBytes& client, std::string_view user, Time now) {
  static_cast<void>(failures_.take(key_of(client), now));
  static_cast<void>(failures_of_users_.take(key_of_user(user), now));
}

}  // namespace perchild
