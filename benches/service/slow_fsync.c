// Makes a disk slow: every fsync and fdatasync of the process that this is preloaded into takes a millisecond longer.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>

static int after_a_while(const char *name, int file) {
  struct timespec left = {0, 1000000};
  while (nanosleep(&left, &left) != 0) {
  }
  int (*sync)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  return sync(file);
}

int fsync(int file) { return after_a_while("fsync", file); }

int fdatasync(int file) { return after_a_while("fdatasync", file); }
