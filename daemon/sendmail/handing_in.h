// A message on its way from a program to its site's runner.
//
// Runs in: sendmail.
// Trusts: its site's runner.
#pragma once

#include <string>

#include "daemon/sendmail/arguments.h"
#include "vhosts/mail/mail_call.h"

namespace perchild {

// Hands `message` in and waits until it is the smarthost's, or has been refused.
mail::MailAnswer hand_in(const SendmailArguments& arguments, std::string message);

}  // namespace perchild
