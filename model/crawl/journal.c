#include "crawl/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* The first line; another form of records will have another number. */
static const char TITLE[] = "outro crawl journal 1\n";

enum { TITLE_BYTES = sizeof TITLE - 1, FIRST_READ_BYTES = 4096 };

struct journal {
    int fd;
    uint64_t size; /* bytes, all of them whole lines */
    char *line;    /* RECORD_LINE_MAX */
};

static int write_at_end(struct journal *journal, const char *data, size_t size, struct err *err)
{
    for (size_t done = 0; done < size;) {
        ssize_t part = write(journal->fd, data + done, size - done);
        if (part < 0 && errno == EINTR)
            continue;
        if (part < 0) {
            err_errno(err, "writing %s", JOURNAL_NAME);
            if (ftruncate(journal->fd, (off_t)journal->size) < 0)
                err_prefix(err, "%s ends with a torn line", JOURNAL_NAME);
            return -1;
        }
        done += (size_t)part;
    }
    journal->size += size;
    return 0;
}

/* ---- opening ---- */

struct scan {
    FILE *file;
    char *line;
    size_t capacity;
    void (*on_record)(void *ctx, const struct record *record, uint64_t offset);
    void *ctx;
    struct journal_counts *counts;
};

static void show(const struct scan *scan, size_t size, uint64_t offset)
{
    struct record record;
    if (!record_decode((struct slice){scan->line, size}, &record)) {
        scan->counts->damaged++;
        return;
    }
    scan->counts->records++;
    scan->on_record(scan->ctx, &record, offset);
    record_release(&record);
}

/* Reads the title and what is behind it. journal->size becomes the size of the whole lines. */
static int scan_lines(struct journal *journal, struct scan *scan, struct err *err)
{
    ssize_t size;
    while ((size = getline(&scan->line, &scan->capacity, scan->file)) > 0) {
        if (scan->line[size - 1] != '\n') {
            scan->counts->torn_bytes = (uint64_t)size;
            break;
        }
        if (journal->size > 0)
            show(scan, (size_t)size - 1, journal->size);
        else if (size != TITLE_BYTES || memcmp(scan->line, TITLE, TITLE_BYTES) != 0)
            return err_set(err, ERR_INPUT,
                           "%s is not a journal that this version reads: give another folder",
                           JOURNAL_NAME);
        journal->size += (uint64_t)size;
    }
    return ferror(scan->file) ? err_errno(err, "reading %s", JOURNAL_NAME) : 0;
}

/* A journal that was killed at its birth has a piece of its title. */
static bool is_torn_title(const struct scan *scan)
{
    size_t size = scan->counts->torn_bytes;
    return size < TITLE_BYTES && memcmp(scan->line, TITLE, size) == 0;
}

static int read_all(struct journal *journal, struct scan *scan, struct err *err)
{
    int fd = dup(journal->fd);
    scan->file = fd < 0 ? NULL : fdopen(fd, "rb");
    if (!scan->file) {
        err_errno(err, "reading %s", JOURNAL_NAME);
        if (fd >= 0)
            close(fd);
        return -1;
    }
    int status = scan_lines(journal, scan, err);
    if (status == 0 && journal->size == 0 && scan->counts->torn_bytes > 0 && !is_torn_title(scan))
        status = err_set(err, ERR_INPUT, "%s is not a journal: give another folder", JOURNAL_NAME);
    free(scan->line);
    fclose(scan->file);
    return status;
}

static int open_and_lock(struct journal *journal, int dir, struct err *err)
{
    journal->fd = openat(dir, JOURNAL_NAME, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (journal->fd < 0)
        return err_errno(err, "cannot open %s", JOURNAL_NAME);
    if (flock(journal->fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? err_set(err, ERR_INPUT,
                                              "another crawl is at work in this folder (%s is "
                                              "locked): wait for it, or give another folder",
                                              JOURNAL_NAME)
                                    : err_errno(err, "locking %s", JOURNAL_NAME);
    return 0;
}

struct journal *
journal_open(int dir, void (*on_record)(void *ctx, const struct record *record, uint64_t offset),
             void *ctx, struct journal_counts *counts, struct err *err)
{
    struct scan scan = {.on_record = on_record, .ctx = ctx, .counts = counts};
    struct journal *journal = calloc(1, sizeof *journal);
    *counts = (struct journal_counts){0};
    if (!journal) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    journal->fd = -1;
    journal->line = malloc(RECORD_LINE_MAX);
    if (!journal->line) {
        err_set(err, ERR_MEMORY, "out of memory");
        goto bad;
    }
    if (open_and_lock(journal, dir, err) < 0 || read_all(journal, &scan, err) < 0)
        goto bad;
    if (counts->torn_bytes > 0 && ftruncate(journal->fd, (off_t)journal->size) < 0) {
        err_errno(err, "cutting the torn end off %s", JOURNAL_NAME);
        goto bad;
    }
    if (journal->size == 0 && write_at_end(journal, TITLE, TITLE_BYTES, err) < 0)
        goto bad;
    return journal;
bad:
    journal_close(journal);
    return NULL;
}

void journal_close(struct journal *journal)
{
    if (!journal)
        return;
    if (journal->fd >= 0)
        close(journal->fd);
    free(journal->line);
    free(journal);
}

/* ---- records ---- */

int journal_append(struct journal *journal, const struct record *record, uint64_t *offset,
                   struct err *err)
{
    size_t size = record_encode(record, journal->line);
    *offset = journal->size;
    return write_at_end(journal, journal->line, size, err);
}

int journal_read(struct journal *journal, uint64_t offset, struct record *out, struct err *err)
{
    const char *end = NULL;
    /* Most lines are short; the long ones are read a second time. */
    for (size_t bytes = FIRST_READ_BYTES; !end && bytes <= RECORD_LINE_MAX;
         bytes = bytes < RECORD_LINE_MAX ? RECORD_LINE_MAX : bytes + 1) {
        ssize_t size = pread(journal->fd, journal->line, bytes, (off_t)offset);
        if (size < 0)
            return err_errno(err, "reading %s", JOURNAL_NAME);
        end = memchr(journal->line, '\n', (size_t)size);
    }
    struct slice line = {journal->line, end ? (size_t)(end - journal->line) : 0};
    if (!record_decode(line, out))
        return err_set(err, ERR_IO, "%s changed at byte %" PRIu64 " while it was open",
                       JOURNAL_NAME, offset);
    return 0;
}

int journal_sync(struct journal *journal, struct err *err)
{
    return fsync(journal->fd) == 0 ? 0 : err_errno(err, "writing %s", JOURNAL_NAME);
}
