// Mail of the site's programs: what they hand in (perchild-sendmail) is given to an SMTP client, if
// the site's rules of senders and its rate permit it. Programs that speak to a mail server of their
// own accord are not seen here.
//
// Runs in: runner.
// Trusts: its settings; the master, for what has been sent before its time.
// Does not trust: programs.
#pragma once

#include <poll.h>

#include <list>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "daemon/runner/processes.h"
#include "daemon/runner/programs.h"
#include "policy/mail_settings.h"
#include "privsep/channel.h"
#include "privsep/runner_messages.h"
#include "vhosts/mail/mail_budget.h"
#include "vhosts/mail/mail_call.h"

namespace perchild {

class Mail final : public ProcessOwner {
 public:
  // They outlive it.
  Mail(const MailSettings& settings, RunnerParts& parts, Channel<Runner, Master>& master);

  // Makes the socket. Without it nothing is handed in.
  Result<void> open();
  void on_message(const MailSent& message);

  const std::string& name() const override { return name_; }
  void on_end(::pid_t pid, bool well) override;

  void append_polled(std::vector<::pollfd>& polled);
  void on_polled(std::span<const ::pollfd> polled);
  void on_timers();
  std::optional<Clock::time_point> next_timer() const;

 private:
  struct Customer {
    UniqueFd socket;
    Clock::time_point until;  // it has said what it wants
  };
  struct Sending {
    UniqueFd customer;
    Clock::time_point until;
  };

  void accept();
  bool serve(Customer& customer);  // false if it is to be looked at again
  void take(UniqueFd socket, const mail::MailCall& call, UniqueFd message);
  std::vector<std::string> command_for(const std::string& sender, const mail::MailCall& call) const;
  void refuse(BorrowedFd socket, int status, const std::string& why);

  static constexpr std::size_t most_customers = 16;
  static constexpr std::size_t most_at_once = 4;
  static constexpr std::chrono::seconds customers_patience{30};
  static constexpr std::chrono::seconds longest_sending{120};

  const MailSettings& settings_;
  RunnerParts& parts_;
  Channel<Runner, Master>& master_;
  const std::string name_ = "mail";
  mail::MailBudget budget_;
  UniqueFd listener_;
  std::list<Customer> customers_;
  std::map<::pid_t, Sending> sending_;
};

}  // namespace perchild
