/* Failing system calls, preloaded into a process: counts the calls by which files below one folder are changed, and at the wanted one
 * fails with an errno or kills the process, before or after the call is made. Whatever library makes the call, it is met here.
 *
 * Nothing happens before fault_arm: the folder, the number of the call counted from 1 (0: none, only count), for how many calls, the errno
 * (0: kill), whether the kill comes after the call, and a file that gets a line "call path" for each (NULL: none).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long calls, at, last;
static int number, after, log_fd = -1;
static char root[PATH_MAX];

void fault_arm(const char *folder, long from, long count, int error, int late, const char *log) {
    if (log) log_fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    calls = 0; at = from; last = count; number = error; after = late;
    strncpy(root, folder, sizeof root - 1);
}

static int below(const char *path) {
    return *root && path && !strncmp(path, root, strlen(root));
}

static int below_fd(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return below(path);
}

/* What is to be done at this call: 0 go on, 1 fail, 2 kill when it is done. */
static int judge(const char *name, const char *path) {
    int due;
    pthread_mutex_lock(&lock);
    long call = ++calls;
    due = at && call >= at && call < at + last;
    if (log_fd >= 0) dprintf(log_fd, "%s %s\n", name, path + strlen(root));
    pthread_mutex_unlock(&lock);
    if (!due) return 0;
    if (number) return 1;
    if (!after) kill(getpid(), SIGKILL);
    return 2;
}

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, name)

#define DONE(type, judged, call) do { \
        if ((judged) == 1) { errno = number; return -1; } \
        type result = (call); \
        if ((judged) == 2) { kill(getpid(), SIGKILL); } \
        return result; \
    } while (0)

#define ON_FD(type, name, args, given) \
    type name args { \
        REAL(type, #name, ARGS_##name); \
        char path[PATH_MAX]; \
        int judged = below_fd(fd, path) ? judge(#name, path) : 0; \
        DONE(type, judged, real given); \
    }

#define ARGS_write int, const void *, size_t
#define ARGS_pwrite int, const void *, size_t, off_t
#define ARGS_pwrite64 int, const void *, size_t, off_t
#define ARGS_fsync int
#define ARGS_fdatasync int
#define ARGS_ftruncate int, off_t
#define ARGS_ftruncate64 int, off_t
ON_FD(ssize_t, write, (int fd, const void *data, size_t count), (fd, data, count))
ON_FD(ssize_t, pwrite, (int fd, const void *data, size_t count, off_t offset), (fd, data, count, offset))
ON_FD(ssize_t, pwrite64, (int fd, const void *data, size_t count, off_t offset), (fd, data, count, offset))
ON_FD(int, fsync, (int fd), (fd))
ON_FD(int, fdatasync, (int fd), (fd))
ON_FD(int, ftruncate, (int fd, off_t length), (fd, length))
ON_FD(int, ftruncate64, (int fd, off_t length), (fd, length))

static int opened(const char *name, int dirfd, const char *path, int flags, mode_t mode) {
    static int (*real)(int, const char *, int, ...);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "openat");
    int judged = (flags & (O_WRONLY | O_RDWR | O_CREAT)) && below(path) ? judge(name, path) : 0;
    DONE(int, judged, real(dirfd, path, flags, mode));
}

#define OPEN(name, dirfd, ...) { \
        mode_t mode = 0; \
        if (flags & (O_CREAT | O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); } \
        return opened("open", dirfd, path, flags, mode); \
    }
int open(const char *path, int flags, ...) OPEN(open, AT_FDCWD)
int open64(const char *path, int flags, ...) OPEN(open, AT_FDCWD)
int openat(int dirfd, const char *path, int flags, ...) OPEN(open, dirfd)
int openat64(int dirfd, const char *path, int flags, ...) OPEN(open, dirfd)

int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *);
    int judged = below(from) ? judge("rename", to) : 0;
    DONE(int, judged, real(from, to));
}
int unlink(const char *path) {
    REAL(int, "unlink", const char *);
    int judged = below(path) ? judge("unlink", path) : 0;
    DONE(int, judged, real(path));
}
int unlinkat(int dirfd, const char *path, int flags) {
    REAL(int, "unlinkat", int, const char *, int);
    char above[PATH_MAX] = "";
    int judged = below(path) || (dirfd >= 0 && below_fd(dirfd, above)) ? judge("unlink", *above ? above : path) : 0;
    DONE(int, judged, real(dirfd, path, flags));
}
int mkdir(const char *path, mode_t mode) {
    REAL(int, "mkdir", const char *, mode_t);
    int judged = below(path) ? judge("mkdir", path) : 0;
    DONE(int, judged, real(path, mode));
}
int rmdir(const char *path) {
    REAL(int, "rmdir", const char *);
    int judged = below(path) ? judge("rmdir", path) : 0;
    DONE(int, judged, real(path));
}
int utimensat(int dirfd, const char *path, const struct timespec times[2], int flags) {
    REAL(int, "utimensat", int, const char *, const struct timespec *, int);
    int judged = below(path) ? judge("utimensat", path) : 0;
    DONE(int, judged, real(dirfd, path, times, flags));
}
