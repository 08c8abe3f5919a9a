#include "privsep/shared_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace perchild {
namespace {

constexpr int seals_of_size = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW;

}  // namespace

Result<UniqueFd> make_shared_memory(const std::string& name, std::size_t size) {
  UniqueFd memory(::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory.has_value()) return failure_from_errno("memfd_create", name);
  if (::ftruncate(memory.get(), static_cast<off_t>(size)) != 0) {
    return failure_from_errno("ftruncate", name);
  }
  if (::fcntl(memory.get(), F_ADD_SEALS, seals_of_size) != 0) {
    return failure_from_errno("seal", name);
  }
  return memory;
}

Result<std::span<std::byte>> map_shared_memory(BorrowedFd memory, std::size_t size) {
  const int seals = ::fcntl(memory.get(), F_GET_SEALS);
  if (seals < 0) return failure_from_errno("F_GET_SEALS");
  const bool is_sealed = (seals & seals_of_size) == seals_of_size;
  if (!is_sealed || ::lseek(memory.get(), 0, SEEK_END) != static_cast<off_t>(size)) {
    return failure({"map", "memory whose size is another, or is not sealed", 0});
  }
  void* data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0);
  if (data == MAP_FAILED) return failure_from_errno("mmap", "shared memory");
  return std::span(static_cast<std::byte*>(data), size);
}

}  // namespace perchild
