// A tenant's program that makes the attack that it is told to, and says what came of it:
//
//   hostile-program NAME ARGUMENT [stay]      0, or the errno, and a line's end
//   as a CGI script, QUERY_STRING=NAME+ARGUMENT[+stay]
//
// With `stay` it keeps what it has taken until it is killed.
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>

#include "test/hostile/attacks.h"

namespace perchild::test {
namespace {

int run(std::istream& words) {
  std::string name, argument, stay;
  words >> name >> argument >> stay;
  std::cout << attack(name, argument) << std::endl;
  if (stay == "stay") {
    for (;;) ::pause();
  }
  return 0;
}

std::string with_spaces(std::string text) {
  for (char& c : text) {
    if (c == '+') c = ' ';
  }
  return text;
}

}  // namespace
}  // namespace perchild::test

int main(int count, char** arguments) {
  std::string words;
  for (int i = 1; i < count; ++i) words += arguments[i] + std::string(" ");
  if (const char* const query = std::getenv("QUERY_STRING"); query != nullptr && count == 1) {
    std::cout << "Content-Type: text/plain\n\n";
    words = perchild::test::with_spaces(query);
  }
  std::istringstream stream(words);
  return perchild::test::run(stream);
}
