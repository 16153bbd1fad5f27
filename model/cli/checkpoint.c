#include "cli/checkpoint.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int checkpoint_write(const char *path, const void *bytes, size_t size, struct err *err)
{
    char beside[PATH_MAX];
    if (snprintf(beside, sizeof beside, "%s.new", path) >= (int)sizeof beside)
        return err_set(err, ERR_IO, "%.80s...: the name is too long", path);
    FILE *file = fopen(beside, "we");
    if (!file)
        return err_errno(err, "%s", beside);
    if (fwrite(bytes, 1, size, file) != size || fflush(file) || fsync(fileno(file))) {
        err_errno(err, "%s", beside);
        fclose(file);
        unlink(beside);
        return -1;
    }
    if (fclose(file) || rename(beside, path)) {
        err_errno(err, "%s", path);
        unlink(beside);
        return -1;
    }
    return 0;
}

int checkpoint_read(const char *path, void **bytes, size_t *size, struct err *err)
{
    FILE *file = fopen(path, "re");
    long end = -1;
    *bytes = NULL;
    if (!file)
        return err_errno(err, "%s: nothing to resume from", path);
    if (fseek(file, 0, SEEK_END) == 0)
        end = ftell(file);
    if (end < 0 || fseek(file, 0, SEEK_SET)) {
        err_errno(err, "%s", path);
        goto fail;
    }
    *size = (size_t)end;
    *bytes = malloc(*size + 1);
    if (!*bytes) {
        err_set(err, ERR_MEMORY, "%s: no memory for %zu bytes", path, *size);
        goto fail;
    }
    if (fread(*bytes, 1, *size, file) != *size) {
        err_errno(err, "%s", path);
        goto fail;
    }
    fclose(file);
    return 0;
fail:
    fclose(file);
    free(*bytes);
    *bytes = NULL;
    return -1;
}
