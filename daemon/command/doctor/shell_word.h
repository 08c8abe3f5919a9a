// Texts of others, such as file names, as words of a command that root copies from his terminal.
//
// Runs in: command.
// Does not trust: the text. Whatever it is, the word is printable ASCII, and a shell reads it as
// that text and nothing else.
#pragma once

#include <string>
#include <string_view>

namespace perchild {

// As it is where that is safe, else in quotes; in those of $'...' (bash, zsh, ksh) if it has bytes
// that are not printable ASCII.
std::string shell_word(std::string_view text);

}  // namespace perchild
