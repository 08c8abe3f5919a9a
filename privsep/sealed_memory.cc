#include "privsep/sealed_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <utility>

namespace perchild {
namespace {

constexpr int every_seal = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

}  // namespace

Result<UniqueFd> make_sealed_memory(const std::string& name, std::string_view bytes) {
  UniqueFd memory(::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory.has_value()) return failure_from_errno("memfd_create", name);
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t written = ::write(memory.get(), bytes.data() + done, bytes.size() - done);
    if (written <= 0) return failure_from_errno("write", name);
    done += static_cast<std::size_t>(written);
  }
  if (::fcntl(memory.get(), F_ADD_SEALS, every_seal) != 0) return failure_from_errno("seal", name);
  return memory;
}

Result<SealedMapping> SealedMapping::map(BorrowedFd memory) {
  const int seals = ::fcntl(memory.get(), F_GET_SEALS);
  if (seals < 0) return failure_from_errno("F_GET_SEALS");
  if ((seals & every_seal) != every_seal) return failure({"map", "memory that is not sealed", 0});
  // Not fstat(3), which libc makes a call of that could take a path: a router's filter has none.
  const off_t end = ::lseek(memory.get(), 0, SEEK_END);
  if (end < 0) return failure_from_errno("lseek", "sealed memory");
  if (end == 0) return failure({"map", "sealed memory that is empty", 0});
  const auto size = static_cast<std::size_t>(end);
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, memory.get(), 0);
  if (data == MAP_FAILED) return failure_from_errno("mmap", "sealed memory");
  return SealedMapping(static_cast<const char*>(data), size);
}

SealedMapping::SealedMapping(SealedMapping&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

SealedMapping& SealedMapping::operator=(SealedMapping&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

SealedMapping::~SealedMapping() {
  if (data_ != nullptr) ::munmap(const_cast<char*>(data_), size_);
}

}  // namespace perchild
