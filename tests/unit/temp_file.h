/* temp_file.h - a file with given content for a test, in $TMPDIR (else /tmp), removed by
 * temp_file_remove. */
#ifndef OUTRO_TESTS_TEMP_FILE_H
#define OUTRO_TESTS_TEMP_FILE_H

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

struct temp_file {
    char path[256];
};

/** Name of a file in $TMPDIR that nobody else has; it exists and is empty. */
static inline void temp_file_make(struct temp_file *file)
{
    const char *folder = getenv("TMPDIR");
    snprintf(file->path, sizeof file->path, "%s/outro-test-XXXXXX", folder ? folder : "/tmp");
    int fd = mkstemp(file->path);
    assert(fd >= 0);
    close(fd);
}

static inline void temp_file_write(struct temp_file *file, const void *data, size_t size)
{
    temp_file_make(file);
    FILE *stream = fopen(file->path, "wb");
    assert(stream);
    size_t written = fwrite(data, 1, size, stream);
    assert(written == size);
    int closed = fclose(stream);
    assert(closed == 0);
}

static inline void temp_file_text(struct temp_file *file, const char *text)
{
    temp_file_write(file, text, strlen(text));
}

static inline void temp_file_gzip(struct temp_file *file, const void *data, size_t size)
{
    temp_file_make(file);
    gzFile stream = gzopen(file->path, "wb");
    assert(stream);
    int written = gzwrite(stream, data, (unsigned)size);
    assert((size_t)written == size);
    int closed = gzclose(stream);
    assert(closed == Z_OK);
}

static inline void temp_file_remove(const struct temp_file *file)
{
    unlink(file->path);
}

#endif
