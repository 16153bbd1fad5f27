#include "data/byte_source.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PAGE_BYTES = 4096,
    FRONT_BYTES = 64 * 1024,      /* for what is kept, until more is */
    OVER_BLOCK_BYTES = 64 * 1024, /* of a source over an input, which may be small */
    BLOCKS_AHEAD = 3              /* that the thread may have decoded before they are asked for */
};

struct block {
    char *room;   /* owned: front bytes for what is kept, then one block; both page-aligned */
    size_t front; /* at most BYTE_SOURCE_KEEP_MAX */
    size_t keep;  /* bytes in front of the new ones */
    size_t size;  /* new bytes; 0: behind the end */
};

struct byte_source {
    const char *name;
    int fd;        /* -1: over an input */
    int stop_fd;   /* readable when the thread must stop; -1: there is no thread */
    bool can_wait; /* reading fd may take for ever: it is no plain file */
    uint64_t size_bytes;
    _Atomic uint64_t offset; /* in the file */
    struct byte_watch watch; /* seen NULL: nobody */
    struct byte_decoder *decoder;

    struct block *ring; /* (count), owned; block i is in place i % count */
    size_t block_bytes;
    size_t count, stay; /* stay: for how many calls a block is left alone */
    uint64_t given;     /* blocks the caller has had */

    /* Between the caller and the thread, under the lock: block i may be filled when i < freed +
     * count. */
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t filled, freed;
    bool stop;
    bool failed; /* block `filled` could not be had, for this reason: */
    struct err reason;
};

static char *block_bytes(const struct block *block)
{
    return block->room + block->front;
}

/* Waits until there is something to read. @return false when the source is being closed */
static bool wait_readable(const struct byte_source *source)
{
    struct pollfd fds[] = {{.fd = source->fd, .events = POLLIN},
                           {.fd = source->stop_fd, .events = POLLIN}};
    while (poll(fds, 2, -1) < 0 && errno == EINTR)
        ;
    return fds[1].revents == 0;
}

static int read_file(void *ctx, char *into, size_t room, size_t *got, struct err *err)
{
    struct byte_source *source = ctx;
    if (source->can_wait && source->has_thread && !wait_readable(source))
        return err_set(err, ERR_CANCELLED, "%s is being closed", source->name);
    ssize_t size;
    while ((size = read(source->fd, into, room)) < 0 && errno == EINTR)
        ;
    if (size < 0)
        return err_errno(err, "reading %s", source->name);
    *got = (size_t)size;
    source->offset += (uint64_t)size;
    if (source->watch.seen && size > 0)
        source->watch.seen(source->watch.ctx, into, (size_t)size);
    return size > 0;
}

static int open_file(struct byte_source *source, const char *path, struct err *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    source->name = is_stdin ? "standard input" : path;
    source->fd =
        is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) : open(path, O_RDONLY | O_CLOEXEC);
    if (source->fd < 0)
        return err_errno(err, "cannot open %s", source->name);
    struct stat status;
    if (fstat(source->fd, &status) < 0)
        return err_errno(err, "cannot stat %s", source->name);
    if (S_ISDIR(status.st_mode))
        return err_set(err, ERR_IO, "%s is a directory, not a file", source->name);
    source->can_wait = !S_ISREG(status.st_mode);
    source->size_bytes = source->can_wait ? 0 : (uint64_t)status.st_size;
    posix_fadvise(source->fd, 0, 0, POSIX_FADV_SEQUENTIAL); /* refused by a pipe: no matter */
    return 0;
}

static int make_room(const struct byte_source *source, struct block *block, size_t front,
                     struct err *err)
{
    void *room = NULL;
    if (posix_memalign(&room, PAGE_BYTES, front + source->block_bytes) != 0)
        return err_set(err, ERR_MEMORY, "out of memory reading %s", source->name);
    free(block->room);
    block->room = room;
    block->front = front;
    return 0;
}

static int make_ring(struct byte_source *source, size_t stay, bool ahead, struct err *err)
{
    /* One more than stays: the tail of the last block is taken over while the next is filled. */
    source->stay = stay;
    source->count = stay + (ahead ? BLOCKS_AHEAD : 1);
    source->ring = calloc(source->count, sizeof *source->ring);
    if (!source->ring)
        return err_set(err, ERR_MEMORY, "out of memory reading %s", source->name);
    /* The thread fills a block before anybody knows what will be kept in front of it. */
    for (size_t i = 0; i < source->count; i++)
        if (make_room(source, &source->ring[i], ahead ? BYTE_SOURCE_KEEP_MAX : FRONT_BYTES, err) <
            0)
            return -1;
    return 0;
}

/* The thread: fills block after block, until the end, an error or a stop. */
static void *decode(void *arg)
{
    struct byte_source *source = arg;
    bool more = true;
    pthread_mutex_lock(&source->lock);
    while (more) {
        while (!source->stop && source->filled >= source->freed + source->count)
            pthread_cond_wait(&source->changed, &source->lock);
        if (source->stop)
            break;
        struct block *block = &source->ring[source->filled % source->count];
        pthread_mutex_unlock(&source->lock);
        struct err reason = {0};
        int status = byte_decoder_read(source->decoder, block_bytes(block), source->block_bytes,
                                       &block->size, &reason);
        pthread_mutex_lock(&source->lock);
        source->failed = status < 0;
        source->reason = reason;
        more = status == 0 && block->size > 0;
        if (status == 0)
            source->filled++;
        pthread_cond_broadcast(&source->changed);
    }
    pthread_mutex_unlock(&source->lock);
    return NULL;
}

static int start_thread(struct byte_source *source, struct err *err)
{
    source->stop_fd = eventfd(0, EFD_CLOEXEC);
    if (source->stop_fd < 0)
        return err_errno(err, "cannot decode %s", source->name);
    pthread_mutex_init(&source->lock, NULL);
    pthread_cond_init(&source->changed, NULL);
    source->has_thread = true;
    int code = pthread_create(&source->thread, NULL, decode, source);
    if (code == 0)
        return 0;
    source->has_thread = false;
    pthread_cond_destroy(&source->changed);
    pthread_mutex_destroy(&source->lock);
    errno = code;
    return err_errno(err, "cannot start the thread that decodes %s", source->name);
}

static struct byte_source *source_new(struct err *err)
{
    struct byte_source *source = calloc(1, sizeof *source);
    if (source)
        source->fd = source->stop_fd = -1;
    else
        err_set(err, ERR_MEMORY, "out of memory for a file");
    return source;
}

struct byte_source *byte_source_open(const char *path, size_t blocks,
                                     const struct byte_watch *watch, struct err *err)
{
    assert(blocks > 0);
    struct byte_source *source = source_new(err);
    if (!source)
        return NULL;
    source->block_bytes = BYTE_SOURCE_BLOCK_BYTES;
    if (watch)
        source->watch = *watch;
    if (open_file(source, path, err) < 0)
        goto failed;
    source->decoder = byte_decoder_new((struct byte_input){source, read_file}, source->name, err);
    if (!source->decoder)
        goto failed;
    bool compressed = byte_decoder_is_compressed(source->decoder);
    if (make_ring(source, blocks, compressed, err) < 0)
        goto failed;
    if (compressed && start_thread(source, err) < 0)
        goto failed;
    return source;
failed:
    byte_source_free(source);
    return NULL;
}

struct byte_source *byte_source_over(struct byte_input input, const char *name, struct err *err)
{
    struct byte_source *source = source_new(err);
    if (!source)
        return NULL;
    source->name = name;
    source->block_bytes = OVER_BLOCK_BYTES;
    source->decoder = byte_decoder_new(input, name, err);
    if (!source->decoder || make_ring(source, 1, false, err) < 0) {
        byte_source_free(source);
        return NULL;
    }
    return source;
}

static void stop_thread(struct byte_source *source)
{
    const uint64_t one = 1;
    pthread_mutex_lock(&source->lock);
    source->stop = true;
    pthread_cond_broadcast(&source->changed);
    pthread_mutex_unlock(&source->lock);
    ssize_t rung = write(source->stop_fd, &one, sizeof one);
    assert(rung == sizeof one);
    pthread_join(source->thread, NULL);
    pthread_cond_destroy(&source->changed);
    pthread_mutex_destroy(&source->lock);
}

void byte_source_free(struct byte_source *source)
{
    if (!source)
        return;
    if (source->has_thread)
        stop_thread(source);
    byte_decoder_free(source->decoder);
    for (size_t i = 0; source->ring && i < source->count; i++)
        free(source->ring[i].room);
    free(source->ring);
    if (source->stop_fd >= 0)
        close(source->stop_fd);
    if (source->fd >= 0)
        close(source->fd);
    free(source);
}

/* Waits for the thread to have filled the next block. */
static int await_block(struct byte_source *source, struct err *err)
{
    int status = 0;
    pthread_mutex_lock(&source->lock);
    while (source->filled <= source->given && !source->failed)
        pthread_cond_wait(&source->changed, &source->lock);
    if (source->filled <= source->given) {
        if (err)
            *err = source->reason;
        status = -1;
    }
    pthread_mutex_unlock(&source->lock);
    return status;
}

/* Blocks that have stayed long enough go back to the thread. */
static void free_blocks(struct byte_source *source)
{
    if (source->given < source->stay)
        return;
    pthread_mutex_lock(&source->lock);
    source->freed = source->given - source->stay;
    pthread_cond_broadcast(&source->changed);
    pthread_mutex_unlock(&source->lock);
}

/* In the caller's thread. */
static int fill_block(struct byte_source *source, struct block *block, size_t keep, struct err *err)
{
    size_t front = block->front;
    while (front < keep)
        front *= 2;
    if (front > block->front && make_room(source, block, front, err) < 0)
        return -1;
    return byte_decoder_read(source->decoder, block_bytes(block), source->block_bytes, &block->size,
                             err);
}

int byte_source_next(struct byte_source *source, size_t keep, struct slice *block, struct err *err)
{
    struct block *next = &source->ring[source->given % source->count];
    if (source->has_thread ? await_block(source, err) < 0 : fill_block(source, next, keep, err) < 0)
        return -1;
    if (next->size == 0)
        return 0;
    char *front = block_bytes(next) - keep;
    if (keep > 0) {
        const struct block *last =
            &source->ring[(source->given + source->count - 1) % source->count];
        assert(source->given > 0 && keep <= BYTE_SOURCE_KEEP_MAX &&
               keep <= last->keep + last->size);
        memcpy(front, block_bytes(last) + last->size - keep, keep);
    }
    next->keep = keep;
    *block = (struct slice){front, keep + next->size};
    source->given++;
    if (source->has_thread)
        free_blocks(source);
    return 1;
}

uint64_t byte_source_offset(const struct byte_source *source)
{
    return source->offset;
}

uint64_t byte_source_size(const struct byte_source *source)
{
    return source->size_bytes;
}

const char *byte_source_name(const struct byte_source *source)
{
    return source->name;
}
