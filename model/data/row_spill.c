#include "data/row_spill.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/array.h"
#include "data/temp_file.h"

enum { WRITE_BYTES = 1024 * 1024, READ_MIN_BYTES = 4096, READ_MAX_BYTES = 1024 * 1024 };

struct run {
    uint64_t start, end; /* in the file, bytes */
    uint64_t offset;     /* of what is read next */
    char *buffer;        /* what is not yet given out is [at, filled) */
    size_t capacity, at, filled;
};

struct row_spill {
    int fd;
    bool by_time;
    char *buffer; /* WRITE_BYTES while writing */
    size_t buffered;
    uint64_t written; /* bytes in the file */
    struct run *runs;
    size_t run_count, run_capacity;
    size_t *heap; /* runs that have a row, the one that comes first on top */
    size_t heap_size;
    bool taken; /* the top run's row has been given out: it moves on at the next call */
};

struct row_spill *row_spill_open(bool by_time, struct err *err)
{
    struct row_spill *spill = calloc(1, sizeof *spill);
    if (!spill) {
        err_set(err, ERR_MEMORY, "out of memory for a temporary file");
        return NULL;
    }
    spill->fd = -1;
    spill->by_time = by_time;
    spill->buffer = malloc(WRITE_BYTES);
    if (!spill->buffer) {
        err_set(err, ERR_MEMORY, "out of memory for a temporary file");
        goto fail;
    }
    spill->fd = temp_file_open(err);
    if (spill->fd < 0)
        goto fail;
    return spill;
fail:
    row_spill_free(spill);
    return NULL;
}

void row_spill_free(struct row_spill *spill)
{
    if (!spill)
        return;
    for (size_t i = 0; i < spill->run_count; i++)
        free(spill->runs[i].buffer);
    if (spill->fd >= 0)
        close(spill->fd);
    free(spill->runs);
    free(spill->heap);
    free(spill->buffer);
    free(spill);
}

size_t row_spill_runs(const struct row_spill *spill)
{
    return spill->run_count;
}

static int write_all(struct row_spill *spill, const char *data, size_t size, struct err *err)
{
    while (size > 0) {
        ssize_t done = write(spill->fd, data, size);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return err_errno(err,
                             "writing a temporary file in %s, %llu MiB so far (set TMPDIR to a "
                             "folder with more room)",
                             temp_file_folder(), (unsigned long long)(spill->written >> 20));
        data += done;
        size -= (size_t)done;
        spill->written += (uint64_t)done;
    }
    return 0;
}

static int flush(struct row_spill *spill, struct err *err)
{
    size_t size = spill->buffered;
    spill->buffered = 0;
    return write_all(spill, spill->buffer, size, err);
}

int row_spill_write(struct row_spill *spill, const struct packed_row *row, struct err *err)
{
    size_t size = packed_row_size(row);
    if (WRITE_BYTES - spill->buffered < size && flush(spill, err) < 0)
        return -1;
    memcpy(spill->buffer + spill->buffered, row, size);
    spill->buffered += size;
    return 0;
}

int row_spill_end_run(struct row_spill *spill, struct err *err)
{
    if (flush(spill, err) < 0)
        return -1;
    void *runs =
        array_grow(spill->runs, &spill->run_capacity, spill->run_count + 1, sizeof *spill->runs);
    if (!runs)
        return err_set(err, ERR_MEMORY, "out of memory for %zu runs of rows", spill->run_count + 1);
    spill->runs = runs;
    uint64_t start = spill->run_count ? spill->runs[spill->run_count - 1].end : 0;
    spill->runs[spill->run_count++] = (struct run){.start = start, .end = spill->written};
    return 0;
}

int row_spill_finish(struct row_spill *spill, size_t memory_bytes, struct err *err)
{
    free(spill->buffer);
    spill->buffer = NULL;
    spill->heap = malloc((spill->run_count + 1) * sizeof *spill->heap);
    if (!spill->heap)
        return err_set(err, ERR_MEMORY, "out of memory for merging %zu runs", spill->run_count);
    size_t capacity = memory_bytes / (spill->run_count + 1);
    capacity = capacity > READ_MAX_BYTES ? READ_MAX_BYTES : capacity;
    capacity = capacity < READ_MIN_BYTES ? READ_MIN_BYTES : capacity;
    for (size_t i = 0; i < spill->run_count; i++) {
        struct run *run = &spill->runs[i];
        run->capacity = capacity;
        run->buffer = malloc(capacity);
        if (!run->buffer)
            return err_set(err, ERR_MEMORY, "out of memory for merging %zu runs", spill->run_count);
    }
    return 0;
}

static const struct packed_row *row_of(const struct run *run)
{
    return (const struct packed_row *)(const void *)(run->buffer + run->at);
}

/* Bytes that the row at run->at needs to lie in the buffer whole: at least its head's. */
static size_t needed(const struct run *run)
{
    size_t head = offsetof(struct packed_row, text), have = run->filled - run->at;
    return have < head ? head : packed_row_size(row_of(run));
}

static int fill(struct row_spill *spill, struct run *run, struct err *err)
{
    memmove(run->buffer, run->buffer + run->at, run->filled - run->at);
    run->filled -= run->at;
    run->at = 0;
    size_t want = needed(run);
    if (want > run->capacity) {
        char *buffer = realloc(run->buffer, want);
        if (!buffer)
            return err_set(err, ERR_MEMORY, "out of memory for a row of %zu bytes", want);
        run->buffer = buffer;
        run->capacity = want;
    }
    size_t room = run->capacity - run->filled;
    if (room > run->end - run->offset)
        room = (size_t)(run->end - run->offset);
    ssize_t got;
    do {
        got = pread(spill->fd, run->buffer + run->filled, room, (off_t)run->offset);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return err_errno(err, "reading a temporary file in %s", temp_file_folder());
    if (got == 0)
        return err_set(err, ERR_IO, "a temporary file in %s became shorter", temp_file_folder());
    run->filled += (size_t)got;
    run->offset += (uint64_t)got;
    return 0;
}

/* Makes the row at run->at readable. @return 1, 0 at the end of the run, -1 with err */
static int load(struct row_spill *spill, struct run *run, struct err *err)
{
    if (run->at == run->filled && run->offset == run->end)
        return 0;
    while (run->filled - run->at < needed(run))
        if (fill(spill, run, err) < 0)
            return -1;
    return 1;
}

static bool comes_before(const struct row_spill *spill, size_t a, size_t b)
{
    int64_t time_a = row_of(&spill->runs[a])->time_ms, time_b = row_of(&spill->runs[b])->time_ms;
    if (spill->by_time && time_a != time_b)
        return time_a < time_b;
    return a < b;
}

static void sift_down(struct row_spill *spill, size_t at)
{
    size_t *heap = spill->heap;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= spill->heap_size)
            return;
        if (child + 1 < spill->heap_size && comes_before(spill, heap[child + 1], heap[child]))
            child++;
        if (!comes_before(spill, heap[child], heap[at]))
            return;
        size_t run = heap[child];
        heap[child] = heap[at];
        heap[at] = run;
        at = child;
    }
}

int row_spill_rewind(struct row_spill *spill, struct err *err)
{
    spill->heap_size = 0;
    spill->taken = false;
    for (size_t i = 0; i < spill->run_count; i++) {
        struct run *run = &spill->runs[i];
        run->offset = run->start;
        run->at = run->filled = 0;
        int status = load(spill, run, err);
        if (status < 0)
            return -1;
        if (status > 0)
            spill->heap[spill->heap_size++] = i;
    }
    for (size_t at = spill->heap_size / 2; at-- > 0;)
        sift_down(spill, at);
    return 0;
}

/* Moves the top run past its row; it leaves the heap when it has no more. */
static int advance(struct row_spill *spill, struct err *err)
{
    struct run *run = &spill->runs[spill->heap[0]];
    run->at += packed_row_size(row_of(run));
    int status = load(spill, run, err);
    if (status < 0)
        return -1;
    if (status == 0)
        spill->heap[0] = spill->heap[--spill->heap_size];
    sift_down(spill, 0);
    return 0;
}

int row_spill_next(struct row_spill *spill, const struct packed_row **row, struct err *err)
{
    if (spill->taken) {
        spill->taken = false;
        if (advance(spill, err) < 0)
            return -1;
    }
    if (spill->heap_size == 0)
        return 0;
    *row = row_of(&spill->runs[spill->heap[0]]);
    spill->taken = true;
    return 1;
}
