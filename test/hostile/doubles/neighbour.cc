// The neighbour of a hostile tenant, for test/compare: says in lines of a name and a value where
// all that he has is, and keeps it until its input ends.
#include <unistd.h>

#include <iostream>

#include "test/hostile/tenants_program.h"
#include "test/support/server.h"

int main() {
  const perchild::test::Neighbourhood neighbourhood;
  std::cout << "home " << neighbourhood.home() << "\nleft_in_tmp " << neighbourhood.left_in_tmp()
            << "\nname " << neighbourhood.name() << "\nsession " << neighbourhood.session()
            << "\nport " << neighbourhood.port() << "\nunused_port " << neighbourhood.unused_port()
            << "\nport_of_the_kernels " << perchild::test::free_port_of_the_kernels() << "\nkey "
            << neighbourhood.key() << "\nprocess " << neighbourhood.process() << std::endl;
  char byte;
  while (::read(STDIN_FILENO, &byte, 1) > 0) {
  }
  return 0;
}
