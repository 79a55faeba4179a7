// Preloaded into servers that cannot be told an address: what they bind is the loopback address alone.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

int bind(int socket, const struct sockaddr* address, socklen_t size) {
  int (*const next)(int, const struct sockaddr*, socklen_t) = (int (*)(int, const struct sockaddr*, socklen_t))dlsym(RTLD_NEXT, "bind");
  struct sockaddr_storage own;
  if (size > sizeof own) return next(socket, address, size);
  memcpy(&own, address, size);
  if (own.ss_family == AF_INET) ((struct sockaddr_in*)&own)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  // Java's sockets are of both families; the loopback address of the first, as the second has it.
  if (own.ss_family == AF_INET6) inet_pton(AF_INET6, "::ffff:127.0.0.1", &((struct sockaddr_in6*)&own)->sin6_addr);
  return next(socket, (struct sockaddr*)&own, size);
}
