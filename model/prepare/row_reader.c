#include "prepare/row_reader.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "prepare/row_parse.h"

struct row_reader {
    struct byte_source *source;
    struct slice first;
    struct row_parse parse;
    struct row_batch batches[ROW_READER_BATCHES]; /* a ring */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t filled, emptied;
    size_t in, out; /* batches that were filled; that the caller is done with */
    bool taken;     /* the caller has one */
    bool stop, ended;
    int status; /* once ended: 0, or -1 with err */
    struct err err;
};

/* A batch that nobody reads. @return NULL: the caller wants no more */
static struct row_batch *next_empty(struct row_reader *reader)
{
    pthread_mutex_lock(&reader->lock);
    while (reader->in - reader->out == ROW_READER_BATCHES && !reader->stop)
        pthread_cond_wait(&reader->emptied, &reader->lock);
    struct row_batch *batch =
        reader->stop ? NULL : &reader->batches[reader->in % ROW_READER_BATCHES];
    pthread_mutex_unlock(&reader->lock);
    if (batch) {
        batch->count = 0;
        batch->rejected = 0;
        batch->skipped = 0;
        arena_clear(&batch->texts);
    }
    return batch;
}

static void hand_over(struct row_reader *reader)
{
    pthread_mutex_lock(&reader->lock);
    reader->in++;
    pthread_cond_signal(&reader->filled);
    pthread_mutex_unlock(&reader->lock);
}

/* Block after block. @return 0 at the end, -1 with err */
static int read_blocks(struct row_reader *reader, struct err *err)
{
    struct slice block = reader->first;
    int status = 1;
    while (status > 0) {
        size_t used;
        struct row_batch *batch = next_empty(reader);
        if (!batch)
            return 0;
        if (row_parse_block(&reader->parse, block, false, batch, &used, err) < 0)
            return -1;
        size_t keep = block.size - used;
        batch->offset = byte_source_offset(reader->source);
        /* The batch points into its block, which stays for as many calls as there are batches: the
         * next one may be asked for only when there is room for its rows. */
        hand_over(reader);
        if (!(batch = next_empty(reader)))
            return 0;
        struct slice next = {block.data + used, keep};
        status = byte_source_next(reader->source, keep, &next, err);
        if (status < 0)
            return -1;
        if (status == 0) { /* what is left is a line without an end */
            if (row_parse_block(&reader->parse, next, true, batch, &used, err) < 0)
                return -1;
            hand_over(reader);
        }
        block = next;
    }
    return 0;
}

static void *reader_main(void *arg)
{
    struct row_reader *reader = arg;
    struct err err = {0};
    int status = read_blocks(reader, &err);
    pthread_mutex_lock(&reader->lock);
    reader->ended = true;
    reader->status = status;
    reader->err = err;
    pthread_cond_signal(&reader->filled);
    pthread_mutex_unlock(&reader->lock);
    return NULL;
}

struct row_reader *row_reader_new(struct byte_source *source, struct slice first,
                                  const struct log_parser *parser, struct err *err)
{
    struct row_reader *reader = calloc(1, sizeof *reader);
    if (!reader) {
        err_set(err, ERR_MEMORY, "out of memory reading %s", byte_source_name(source));
        return NULL;
    }
    reader->source = source;
    reader->first = first;
    reader->parse.parser = *parser;
    for (int i = 0; i < ROW_READER_BATCHES; i++)
        arena_init(&reader->batches[i].texts, 1 << 12);
    pthread_mutex_init(&reader->lock, NULL);
    pthread_cond_init(&reader->filled, NULL);
    pthread_cond_init(&reader->emptied, NULL);
    int code = pthread_create(&reader->thread, NULL, reader_main, reader);
    if (code == 0)
        return reader;
    err_set(err, ERR_IO, "cannot start a thread: %s", strerror(code));
    free(reader);
    return NULL;
}

int row_reader_next(struct row_reader *reader, const struct row_batch **batch, struct err *err)
{
    int status = 1;
    pthread_mutex_lock(&reader->lock);
    if (reader->taken) {
        reader->taken = false;
        reader->out++;
        pthread_cond_signal(&reader->emptied);
    }
    while (reader->in == reader->out && !reader->ended)
        pthread_cond_wait(&reader->filled, &reader->lock);
    if (reader->in > reader->out) {
        *batch = &reader->batches[reader->out % ROW_READER_BATCHES];
        reader->taken = true;
    } else {
        status = reader->status;
        if (status < 0 && err)
            *err = reader->err;
    }
    pthread_mutex_unlock(&reader->lock);
    return status;
}

void row_reader_free(struct row_reader *reader)
{
    if (!reader)
        return;
    pthread_mutex_lock(&reader->lock);
    reader->stop = true;
    pthread_cond_signal(&reader->emptied);
    pthread_mutex_unlock(&reader->lock);
    pthread_join(reader->thread, NULL);
    pthread_mutex_destroy(&reader->lock);
    pthread_cond_destroy(&reader->filled);
    pthread_cond_destroy(&reader->emptied);
    for (int i = 0; i < ROW_READER_BATCHES; i++) {
        free(reader->batches[i].rows);
        free(reader->batches[i].rejects);
        arena_clear(&reader->batches[i].texts);
    }
    free(reader->parse.marks);
    free(reader);
}
