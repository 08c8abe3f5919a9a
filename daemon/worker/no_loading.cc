// In place of what libcrypto.a would load libraries, look up names and open connections by. A
// worker does none of it, so its executable has no code for it. None of these is ever called.
#include <dlfcn.h>
#include <netdb.h>
#include <sys/socket.h>

extern "C" {

void* __wrap_dlopen(const char*, int) {  // libc.a has its own all the same
  return nullptr;
}
void* dlsym(void*, const char*) noexcept {
  return nullptr;
}
int dlclose(void*) noexcept {
  return -1;
}
char* dlerror() noexcept {
  return nullptr;
}
int dladdr(const void*, ::Dl_info*) noexcept {
  return 0;
}

int getaddrinfo(const char*, const char*, const ::addrinfo*, ::addrinfo**) {
  return EAI_FAIL;
}
void freeaddrinfo(::addrinfo*) noexcept {}
const char* gai_strerror(int) noexcept {
  return "";
}
int getnameinfo(const ::sockaddr*, ::socklen_t, char*, ::socklen_t, char*, ::socklen_t, int) {
  return EAI_FAIL;
}
::hostent* gethostbyname(const char*) {
  return nullptr;
}

int socket(int, int, int) noexcept {
  return -1;
}
int connect(int, const ::sockaddr*, ::socklen_t) {
  return -1;
}
int bind(int, const ::sockaddr*, ::socklen_t) noexcept {
  return -1;
}
int listen(int, int) noexcept {
  return -1;
}

}  // extern "C"
