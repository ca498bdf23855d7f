/* Preloaded into a process: counts what it does to the files below one folder, and at the nth
   such step ends the process, or lets every write from then on fail as on a full disk.

   A step is opening a file for writing, writing, truncating, syncing, renaming, removing, or making
   a folder. Armed by fault_arm(); without it nothing is changed. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { COUNT = 0, KILL = 1, FULL = 2 };

static char root[PATH_MAX];
static int mode = COUNT, armed = 0;
static long limit = 0, steps = 0;

#define NEXT(name) ((typeof(&name))dlsym(RTLD_NEXT, #name))

void fault_arm(const char *folder, int new_mode, long at) {
  strncpy(root, folder, sizeof root - 1);
  mode = new_mode;
  limit = at;
  steps = 0;
  armed = 1;
}

long fault_steps(void) { return steps; }

/* Count one step; returns 1 when it must fail for want of space. */
static int step(int needs_space) {
  steps++;
  if (mode == KILL && steps == limit) kill(getpid(), SIGKILL);
  if (mode == FULL && steps >= limit && needs_space) {
    errno = ENOSPC;
    return 1;
  }
  return 0;
}

static int below(const char *path) {
  char real[PATH_MAX], *slash;
  if (!armed || !path) return 0;
  if (path[0] == '/') return strncmp(path, root, strlen(root)) == 0;
  if (!getcwd(real, sizeof real)) return 0;
  slash = real + strlen(real);
  snprintf(slash, sizeof real - (slash - real), "/%s", path);
  return strncmp(real, root, strlen(root)) == 0;
}

static int below_fd(int fd) {
  char link[64], path[PATH_MAX];
  ssize_t n;
  if (!armed) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  n = readlink(link, path, sizeof path - 1);
  if (n < 0) return 0;
  path[n] = 0;
  return strncmp(path, root, strlen(root)) == 0;
}

static int writes(int flags) { return (flags & (O_CREAT | O_TRUNC)) != 0; }

#define OPENER(name)                                        \
  int name(const char *path, int flags, ...) {              \
    va_list rest;                                           \
    va_start(rest, flags);                                  \
    mode_t bits = va_arg(rest, mode_t);                     \
    va_end(rest);                                           \
    if (writes(flags) && below(path) && step(1)) return -1; \
    return NEXT(name)(path, flags, bits);                   \
  }
OPENER(open)
OPENER(open64)

#define OPENER_AT(name)                                     \
  int name(int folder, const char *path, int flags, ...) {  \
    va_list rest;                                           \
    va_start(rest, flags);                                  \
    mode_t bits = va_arg(rest, mode_t);                     \
    va_end(rest);                                           \
    if (writes(flags) && below(path) && step(1)) return -1; \
    return NEXT(name)(folder, path, flags, bits);           \
  }
OPENER_AT(openat)
OPENER_AT(openat64)

#define FOPENER(name)                                                  \
  FILE *name(const char *path, const char *how) {                      \
    if (strpbrk(how, "wa+") && below(path) && step(1)) return NULL;    \
    return NEXT(name)(path, how);                                      \
  }
FOPENER(fopen)
FOPENER(fopen64)

ssize_t write(int fd, const void *data, size_t size) {
  if (below_fd(fd) && step(1)) return -1;
  return NEXT(write)(fd, data, size);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
  if (below_fd(fd) && step(1)) return -1;
  return NEXT(pwrite)(fd, data, size, at);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
  if (below_fd(fd) && step(1)) return -1;
  return NEXT(pwrite64)(fd, data, size, at);
}
ssize_t writev(int fd, const struct iovec *parts, int n) {
  if (below_fd(fd) && step(1)) return -1;
  return NEXT(writev)(fd, parts, n);
}
size_t fwrite(const void *data, size_t size, size_t n, FILE *file) {
  if (below_fd(fileno(file)) && step(1)) return 0;
  return NEXT(fwrite)(data, size, n, file);
}
int ftruncate(int fd, off_t size) {
  if (below_fd(fd) && step(1)) return -1;
  return NEXT(ftruncate)(fd, size);
}
int ftruncate64(int fd, off64_t size) {
  if (below_fd(fd) && step(1)) return -1;
  return NEXT(ftruncate64)(fd, size);
}
int fsync(int fd) {
  if (below_fd(fd)) step(0);
  return NEXT(fsync)(fd);
}
int fdatasync(int fd) {
  if (below_fd(fd)) step(0);
  return NEXT(fdatasync)(fd);
}
int rename(const char *from, const char *to) {
  if (below(to)) step(0);
  return NEXT(rename)(from, to);
}
int renameat(int a, const char *from, int b, const char *to) {
  if (below(to)) step(0);
  return NEXT(renameat)(a, from, b, to);
}
int unlink(const char *path) {
  if (below(path)) step(0);
  return NEXT(unlink)(path);
}
int unlinkat(int folder, const char *path, int flags) {
  if (armed) step(0);
  return NEXT(unlinkat)(folder, path, flags);
}
int rmdir(const char *path) {
  if (below(path)) step(0);
  return NEXT(rmdir)(path);
}
int mkdir(const char *path, mode_t bits) {
  if (below(path) && step(1)) return -1;
  return NEXT(mkdir)(path, bits);
}
