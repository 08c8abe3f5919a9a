// What /proc says of a process, whatever a tenant has called his files: no limit is made up, and
// what is no descriptor of the kernel's is taken for none.
#include <sys/stat.h>

#include "daemon/command/doctor/process_texts.h"
#include "daemon/command/doctor/shell_word.h"
#include "test/fuzz/fuzz_driver.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace perchild;
  using perchild::fuzz::check;
  const std::string_view text = perchild::fuzz::to_view(data, size);
  if (parse_process_limits(text)) {
    check(text.find("Max open files") != text.npos, "limits were there to be read");
  }
  const DescriptorKind kind = kind_of_descriptor(text, S_IFREG);
  check(kind != DescriptorKind::null && kind != DescriptorKind::folder, "a file is no other thing");
  check(!text.starts_with('/') || kind == DescriptorKind::file || kind == DescriptorKind::memory,
        "a path is no socket");
  check(executable_name(text).name.find('/') == std::string::npos, "a name is no path");
  std::set<std::string> sockets;
  add_listening_sockets(text, sockets);
  for (const std::string& socket : sockets) {
    check(socket.starts_with("socket:[") && socket.ends_with("]"),
          "a socket is named as links are");
  }
  static_cast<void>(open_flags_of(text));
  check(cgroup_of(text).find('\n') == std::string::npos, "a group is on one line");
  for (const char c : shell_word(text)) check(c >= ' ' && c <= '~', "a word is printable");
  return 0;
}
