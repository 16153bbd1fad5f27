#include "bundle/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_all(int fd, const char *name, char *to, size_t size, struct err *err)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = read(fd, to + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(err, "%s", name);
        if (n == 0)
            return err_set(err, ERR_IO, "%s: became shorter while it was read", name);
        done += (size_t)n;
    }
    to[size] = '\0';
    return 0;
}

int file_read(int dir, const char *name, size_t size_max, void **bytes, size_t *size,
              struct err *err)
{
    int result = -1;
    struct stat about;
    char *to = NULL;
    /* Not blocking, so that a FIFO in the wrong place is refused below rather than waited for. */
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &about)) {
        err_errno(err, "%s", name);
        goto out;
    }
    if (!S_ISREG(about.st_mode) || (size_t)about.st_size > size_max) {
        err_set(err, ERR_INPUT, "%s: not a file of at most %zu bytes", name, size_max);
        goto out;
    }
    to = malloc((size_t)about.st_size + 1);
    if (!to) {
        err_set(err, ERR_MEMORY, "%s: out of memory for %lld bytes", name,
                (long long)about.st_size);
        goto out;
    }
    result = read_all(fd, name, to, (size_t)about.st_size, err);
    if (result)
        goto out;
    *bytes = to;
    *size = (size_t)about.st_size;
    to = NULL;
out:
    free(to);
    if (fd >= 0)
        close(fd);
    return result;
}

int file_write(int dir, const char *name, const void *bytes, size_t size, struct err *err)
{
    const char *from = bytes;
    int result = 0;
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return err_errno(err, "%s", name);
    for (size_t done = 0; result == 0 && done < size;) {
        ssize_t n = write(fd, from + done, size - done);
        if (n >= 0)
            done += (size_t)n;
        else if (errno != EINTR)
            result = err_errno(err, "%s", name);
    }
    if (result == 0 && fsync(fd))
        result = err_errno(err, "%s", name);
    /* What a file system only says at close (NFS, quotas) is a failure as well. */
    if (close(fd) && result == 0)
        result = err_errno(err, "%s", name);
    return result;
}

int file_replace(const char *path, const void *bytes, size_t size, struct err *err)
{
    char beside[PATH_MAX];
    if (snprintf(beside, sizeof beside, "%s.new-%ld", path, (long)getpid()) >= (int)sizeof beside)
        return err_set(err, ERR_INPUT, "%.80s...: the path is too long", path);
    int result = file_write(AT_FDCWD, beside, bytes, size, err);
    if (result == 0 && rename(beside, path))
        result = err_errno(err, "%s", path);
    if (result)
        unlink(beside);
    return result;
}
