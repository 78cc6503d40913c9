/* Preloaded into a process: at one chosen file operation below a directory the process dies, or the disk fails.
 *
 * disk_arm(root, nth, way, report): operations are counted from 1; 0 only reports. Each is written to the descriptor
 * `report` as "name path". Way: 'b' killed before it, 'a' killed after it, 'h' killed after half of a write,
 * 'f' the disk is full from there on, 'e' an input/output error there alone.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LONGEST 4096
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static char root[LONGEST];
static int nth, count, report = -1;
static char way;

void disk_arm(const char *directory, int operation, int how, int descriptor)
{
    snprintf(root, sizeof root, "%s", directory);
    nth = operation;
    way = (char)how;
    report = descriptor;
    count = 0;
}

static void die(void)
{
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

/* The path of an open file; a name relative to it is put behind. */
static const char *path_of(int descriptor, const char *name, char *buffer)
{
    char link[64];
    ssize_t length;
    if (name && (name[0] == '/' || descriptor == AT_FDCWD))
        return name;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    length = readlink(link, buffer, LONGEST - 1);
    buffer[length > 0 ? length : 0] = 0;
    if (name && (size_t)length + strlen(name) + 2 < LONGEST)
        strcat(strcat(buffer, "/"), name);
    return buffer;
}

/* Whether the operation is to fail: errno, or 0. `allocates`: it takes room on the disk. */
static int fault(const char *name, const char *path, int allocates)
{
    char line[LONGEST + 64];
    int length;
    if (!root[0] || strncmp(path, root, strlen(root)))
        return 0;
    length = snprintf(line, sizeof line, "%s %s\n", name, path);
    if (report >= 0)
        REAL(write)(report, line, length);
    count++;
    if (!nth || count < nth)
        return 0;
    if (way == 'f')
        return allocates ? ENOSPC : 0;
    if (count > nth)
        return 0;
    if (way == 'b')
        die();
    return way == 'e' ? EIO : 0;
}

static void after(const char *path)
{
    if (nth && count == nth && way == 'a' && root[0] && !strncmp(path, root, strlen(root)))
        die();
}

#define GUARDED(call, name, path, allocates)                \
    do {                                                    \
        int wrong = fault(name, path, allocates), result;   \
        if (wrong) {                                        \
            errno = wrong;                                  \
            return -1;                                      \
        }                                                   \
        result = call;                                      \
        after(path);                                        \
        return result;                                      \
    } while (0)

ssize_t write(int descriptor, const void *bytes, size_t size)
{
    char buffer[LONGEST];
    const char *path;
    if (!root[0] || descriptor == report)
        return REAL(write)(descriptor, bytes, size);
    path = path_of(descriptor, NULL, buffer);
    int wrong = fault("write", path, 1);
    if (wrong == ENOSPC && count == nth && size > 1)
        return REAL(write)(descriptor, bytes, size / 2); /* as much as fits; the rest fails at the next call */
    if (wrong) {
        errno = wrong;
        return -1;
    }
    if (way == 'h' && nth && count == nth && !strncmp(path, root, strlen(root))) {
        REAL(write)(descriptor, bytes, size / 2);
        die();
    }
    ssize_t written = REAL(write)(descriptor, bytes, size);
    after(path);
    return written;
}

#define ON_DESCRIPTOR(name)                                                                   \
    int name(int descriptor)                                                                  \
    {                                                                                         \
        char buffer[LONGEST];                                                                 \
        const char *path;                                                                     \
        if (!root[0])                                                                         \
            return REAL(name)(descriptor);                                                    \
        path = path_of(descriptor, NULL, buffer);                                             \
        GUARDED(REAL(name)(descriptor), #name, path, 1);                                      \
    }
ON_DESCRIPTOR(fsync)
ON_DESCRIPTOR(fdatasync)

int ftruncate64(int descriptor, off64_t size)
{
    char buffer[LONGEST];
    const char *path = path_of(descriptor, NULL, buffer);
    GUARDED(REAL(ftruncate64)(descriptor, size), "ftruncate", path, 0);
}

int truncate64(const char *path, off64_t size) { GUARDED(REAL(truncate64)(path, size), "truncate", path, 0); }
int unlink(const char *path) { GUARDED(REAL(unlink)(path), "unlink", path, 0); }
int rmdir(const char *path) { GUARDED(REAL(rmdir)(path), "rmdir", path, 0); }
int mkdir(const char *path, mode_t mode) { GUARDED(REAL(mkdir)(path, mode), "mkdir", path, 1); }
int rename(const char *old, const char *new) { GUARDED(REAL(rename)(old, new), "rename", new, 0); }

int unlinkat(int parent, const char *name, int flags)
{
    char buffer[LONGEST];
    const char *path = path_of(parent, name, buffer);
    GUARDED(REAL(unlinkat)(parent, name, flags), flags & AT_REMOVEDIR ? "rmdir" : "unlink", path, 0);
}

int mkdirat(int parent, const char *name, mode_t mode)
{
    char buffer[LONGEST];
    const char *path = path_of(parent, name, buffer);
    GUARDED(REAL(mkdirat)(parent, name, mode), "mkdir", path, 1);
}

int renameat(int old_parent, const char *old, int new_parent, const char *new)
{
    char buffer[LONGEST];
    const char *path = path_of(new_parent, new, buffer);
    GUARDED(REAL(renameat)(old_parent, old, new_parent, new), "rename", path, 0);
}

static int opened(int parent, const char *name, int flags, mode_t mode)
{
    char buffer[LONGEST];
    const char *path;
    if (!root[0] || !(flags & (O_CREAT | O_TRUNC)))
        return REAL(openat64)(parent, name, flags, mode);
    path = path_of(parent, name, buffer);
    GUARDED(REAL(openat64)(parent, name, flags, mode), "create", path, 1);
}

#define WITH_MODE(flags)                                   \
    mode_t mode = 0;                                       \
    if (flags & (O_CREAT | __O_TMPFILE)) {                 \
        va_list rest;                                      \
        va_start(rest, flags);                             \
        mode = va_arg(rest, mode_t);                       \
        va_end(rest);                                      \
    }

int open(const char *path, int flags, ...) { WITH_MODE(flags) return opened(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { WITH_MODE(flags) return opened(AT_FDCWD, path, flags, mode); }
int openat(int parent, const char *name, int flags, ...) { WITH_MODE(flags) return opened(parent, name, flags, mode); }
int openat64(int parent, const char *name, int flags, ...) { WITH_MODE(flags) return opened(parent, name, flags, mode); }
