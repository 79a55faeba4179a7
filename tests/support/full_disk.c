// Preloaded into a process: while the file $FULL_DISK_WHEN exists, writing below the folders in $FULL_DISK_IN
// (divided by ':') fails as on a full disk. Half of the bytes of a larger write get there, as may happen.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static int full_at(int fd, int fixed_path, const char* path) {
  const char* when = getenv("FULL_DISK_WHEN");
  const char* in = getenv("FULL_DISK_IN");
  char link[64], resolved[4096];
  if (when == NULL || in == NULL || access(when, F_OK) != 0) return 0;
  if (!fixed_path) {
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, resolved, sizeof resolved - 1);
    if (length <= 0) return 0;
    resolved[length] = 0;
    path = resolved;
  }
  for (const char* folder = in; *folder != 0;) {
    size_t length = strcspn(folder, ":");
    if (length > 0 && strncmp(path, folder, length) == 0) return 1;
    folder += length + (folder[length] == ':');
  }
  return 0;
}

static int full(int fd) { return full_at(fd, 0, NULL); }

#define REAL(name) static __typeof__(&name) real; if (real == NULL) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

ssize_t write(int fd, const void* bytes, size_t size) {
  REAL(write);
  if (!full(fd)) return real(fd, bytes, size);
  if (size >= 4096) return real(fd, bytes, size / 2);
  errno = ENOSPC;
  return -1;
}

ssize_t pwrite(int fd, const void* bytes, size_t size, off_t at) {
  REAL(pwrite);
  if (!full(fd)) return real(fd, bytes, size, at);
  errno = ENOSPC;
  return -1;
}

ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t at) {
  REAL(pwrite64);
  if (!full(fd)) return real(fd, bytes, size, at);
  errno = ENOSPC;
  return -1;
}

int ftruncate(int fd, off_t size) {
  REAL(ftruncate);
  if (!full(fd)) return real(fd, size);
  errno = ENOSPC;
  return -1;
}

int fsync(int fd) {
  REAL(fsync);
  if (!full(fd)) return real(fd);
  errno = ENOSPC;
  return -1;
}

int mkdir(const char* path, mode_t mode) {
  REAL(mkdir);
  if (!full_at(-1, 1, path)) return real(path, mode);
  errno = ENOSPC;
  return -1;
}

int rename(const char* from, const char* to) {
  REAL(rename);
  if (!full_at(-1, 1, to)) return real(from, to);
  errno = ENOSPC;
  return -1;
}
