#include "data/line_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { BUFFER_BYTES = 2 * LINE_MAX_BYTES, INFLATE_BYTES = 256 * 1024 };

struct line_reader {
    gzFile file;
    const char *name;
    char *buffer; /* BUFFER_BYTES; what is not yet given out is [begin, end) */
    size_t begin, end;
    uint64_t line, size_bytes;
    bool at_end;
};

static int open_file(const char *path, uint64_t *size_bytes, struct err *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, "cannot open %s", is_stdin ? "standard input" : path);
    struct stat status;
    if (fstat(fd, &status) < 0) {
        err_errno(err, "cannot stat %s", path);
        close(fd);
        return -1;
    }
    if (S_ISDIR(status.st_mode)) {
        close(fd);
        return err_set(err, ERR_IO, "%s is a directory, not a file", path);
    }
    *size_bytes = S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0;
    return fd;
}

struct line_reader *line_reader_open(const char *path, struct err *err)
{
    uint64_t size_bytes = 0;
    int fd = open_file(path, &size_bytes, err);
    if (fd < 0)
        return NULL;
    struct line_reader *reader = calloc(1, sizeof *reader);
    char *buffer = malloc(BUFFER_BYTES);
    gzFile file = reader && buffer ? gzdopen(fd, "rb") : NULL;
    if (!file || gzbuffer(file, INFLATE_BYTES) != 0) {
        err_set(err, ERR_MEMORY, "out of memory opening %s", path);
        if (file)
            gzclose(file);
        else
            close(fd);
        free(buffer);
        free(reader);
        return NULL;
    }
    *reader = (struct line_reader){.file = file, .buffer = buffer, .size_bytes = size_bytes};
    reader->name = strcmp(path, "-") == 0 ? "standard input" : path;
    return reader;
}

void line_reader_free(struct line_reader *reader)
{
    if (!reader)
        return;
    gzclose(reader->file);
    free(reader->buffer);
    free(reader);
}

uint64_t line_reader_offset(const struct line_reader *reader)
{
    z_off_t offset = gzoffset(reader->file);
    return offset > 0 ? (uint64_t)offset : 0;
}

uint64_t line_reader_size(const struct line_reader *reader)
{
    return reader->size_bytes;
}

const char *line_reader_name(const struct line_reader *reader)
{
    return reader->name;
}

/* Moves what is left to the front and reads behind it, as much as fits. */
static int fill(struct line_reader *reader, struct err *err)
{
    memmove(reader->buffer, reader->buffer + reader->begin, reader->end - reader->begin);
    reader->end -= reader->begin;
    reader->begin = 0;
    unsigned room = (unsigned)(BUFFER_BYTES - reader->end);
    errno = 0;
    int got = gzread(reader->file, reader->buffer + reader->end, room);
    int saved = errno, status = Z_OK;
    const char *reason = gzerror(reader->file, &status);
    /* zlib gives out what it could inflate before it says that the file ends too early
     * (Z_BUF_ERROR). */
    if (got < 0 || (got == 0 && status != Z_OK && status != Z_STREAM_END)) {
        if (status == Z_ERRNO) {
            errno = saved;
            return err_errno(err, "reading %s", reader->name);
        }
        return err_set(err, ERR_INPUT, "%s: damaged or truncated gzip behind line %llu: %s",
                       reader->name, (unsigned long long)reader->line,
                       status == Z_BUF_ERROR ? "it ends too early" : reason);
    }
    reader->end += (size_t)got;
    reader->at_end = got == 0;
    return 0;
}

/* Throws away the rest of a line that is too long. */
static int skip_line(struct line_reader *reader, struct err *err)
{
    for (;;) {
        char *start = reader->buffer + reader->begin;
        char *newline = memchr(start, '\n', reader->end - reader->begin);
        if (newline) {
            reader->begin = (size_t)(newline - reader->buffer) + 1;
            return 0;
        }
        reader->begin = reader->end;
        if (reader->at_end)
            return 0;
        if (fill(reader, err) < 0)
            return -1;
    }
}

static void skip_byte_order_mark(struct line_reader *reader)
{
    if (reader->end - reader->begin >= 3 &&
        memcmp(reader->buffer + reader->begin, "\xef\xbb\xbf", 3) == 0)
        reader->begin += 3;
}

int line_reader_next(struct line_reader *reader, struct line *out, struct err *err)
{
    char *newline;
    size_t searched = 0;
    for (;;) {
        char *start = reader->buffer + reader->begin;
        size_t available = reader->end - reader->begin;
        newline = memchr(start + searched, '\n', available - searched);
        if (newline || reader->at_end || available > LINE_MAX_BYTES)
            break;
        searched = available;
        if (fill(reader, err) < 0)
            return -1;
        if (reader->line == 0 && searched == 0)
            skip_byte_order_mark(reader);
    }
    if (!newline && reader->at_end && reader->begin == reader->end)
        return 0;

    *out = (struct line){.number = ++reader->line};
    char *start = reader->buffer + reader->begin;
    size_t size = newline ? (size_t)(newline - start) : reader->end - reader->begin;
    if (size > LINE_MAX_BYTES) {
        out->too_long = true;
        out->text = (struct slice){start, 0};
        return skip_line(reader, err) < 0 ? -1 : 1;
    }
    reader->begin += size + (newline ? 1 : 0);
    if (size > 0 && start[size - 1] == '\r')
        size--;
    out->text = (struct slice){start, size};
    return 1;
}

size_t line_split(struct slice line, struct slice *fields, size_t max)
{
    const char *at = line.data, *end = line.data + line.size;
    for (size_t count = 0;; count++) {
        const char *tab = at < end ? memchr(at, '\t', (size_t)(end - at)) : NULL;
        if (count < max)
            fields[count] = (struct slice){at, (size_t)((tab ? tab : end) - at)};
        if (!tab)
            return count + 1;
        at = tab + 1;
    }
}

int line_printable(struct slice text)
{
    int size = 0;
    while (size < 40 && (size_t)size < text.size && text.data[size] >= ' ' &&
           text.data[size] <= '~')
        size++;
    return size;
}
