#include "data/temp_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const char *temp_file_folder(void)
{
    const char *folder = getenv("TMPDIR");
    return folder && folder[0] ? folder : "/tmp";
}

static int open_unlinked(const char *folder)
{
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;
    char path[4096]; /* a file system without O_TMPFILE */
    if (snprintf(path, sizeof path, "%s/outro-XXXXXX", folder) >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

int temp_file_open(struct err *err)
{
    int fd = open_unlinked(temp_file_folder());
    if (fd < 0)
        err_errno(err, "cannot make a temporary file in %s (set TMPDIR to a folder for it)",
                  temp_file_folder());
    return fd;
}
