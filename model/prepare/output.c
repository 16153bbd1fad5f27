#include "prepare/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_BYTES = 1 << 20, PIECE_MAX_BYTES = 16 << 20, PATH_BYTES = 512 };
static const char PART[] = ".part";

static int part_path(const char *path, char out[PATH_BYTES], struct err *err)
{
    if (snprintf(out, PATH_BYTES, "%s%s", path, PART) >= PATH_BYTES)
        return err_set(err, ERR_IO, "%s: the path is too long", path);
    return 0;
}

int output_open(struct output *output, int folder, const char *path, struct err *err)
{
    char part[PATH_BYTES];
    *output = (struct output){.folder = folder, .fd = -1, .capacity = BUFFER_BYTES};
    if (part_path(path, part, err) < 0)
        return -1;
    output->data = malloc(output->capacity);
    output->path = strdup(path);
    if (!output->data || !output->path)
        return err_set(err, ERR_MEMORY, "out of memory writing %s", path);
    output->fd = openat(folder, part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    return output->fd < 0 ? err_errno(err, "cannot write %s", part) : 0;
}

void output_write(struct output *output, const char *data, size_t size)
{
    while (size > 0 && !output->error) {
        ssize_t done = write(output->fd, data, size);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0) {
            output->error = errno;
            return;
        }
        output->written += (uint64_t)done;
        data += done;
        size -= (size_t)done;
    }
}

int output_piece(struct output *piece, struct err *err)
{
    *piece = (struct output){.fd = -1, .capacity = BUFFER_BYTES};
    piece->data = malloc(piece->capacity);
    return piece->data ? 0 : err_set(err, ERR_MEMORY, "out of memory");
}

void output_piece_begin(struct output *piece, struct output *into, void (*await_turn)(void *ctx),
                        void *ctx)
{
    piece->into = into;
    piece->await_turn = await_turn;
    piece->turn_ctx = ctx;
    piece->used = 0;
}

void output_piece_end(struct output *piece)
{
    output_write(piece->into, piece->data, piece->used);
    piece->used = 0;
}

static bool grow(struct output *piece)
{
    char *data =
        piece->capacity < PIECE_MAX_BYTES ? realloc(piece->data, 2 * piece->capacity) : NULL;
    if (!data)
        return false;
    piece->data = data;
    piece->capacity *= 2;
    return true;
}

void output_flush(struct output *output)
{
    if (output->into) {
        if (grow(output))
            return;
        output->await_turn(output->turn_ctx);
        output_piece_end(output);
        return;
    }
    output_write(output, output->data, output->used);
    output->used = 0;
}

int output_commit(struct output *output, struct err *err)
{
    char part[PATH_BYTES];
    if (part_path(output->path, part, err) < 0)
        return -1;
    output_flush(output);
    if (output->error) {
        errno = output->error;
        return err_errno(err, "writing %s", part);
    }
    int fd = output->fd;
    output->fd = -1;
    if (close(fd) < 0)
        return err_errno(err, "writing %s", part);
    if (renameat(output->folder, part, output->folder, output->path) < 0)
        return err_errno(err, "cannot rename %s to %s", part, output->path);
    free(output->path);
    output->path = NULL;
    return 0;
}

void output_abandon(struct output *output)
{
    char part[PATH_BYTES];
    if (output->fd >= 0) {
        close(output->fd);
        output->fd = -1;
    }
    if (output->path && part_path(output->path, part, NULL) == 0)
        unlinkat(output->folder, part, 0);
    free(output->path);
    free(output->data);
    output->path = output->data = NULL;
}

void output_text(struct output *output, struct slice text)
{
    if (text.size > 0) /* an empty slice may have no data at all */
        memcpy(output_room(output, text.size), text.data, text.size);
    output->used += text.size;
}

void output_quoted(struct output *output, struct slice text)
{
    output_char(output, '"');
    while (text.size > 0) {
        const char *quote = memchr(text.data, '"', text.size);
        size_t size = quote ? (size_t)(quote - text.data) + 1 : text.size;
        output_text(output, (struct slice){text.data, size});
        if (quote)
            output_char(output, '"');
        text.data += size;
        text.size -= size;
    }
    output_char(output, '"');
}

int output_folder(int folder, const char *path, struct err *err)
{
    char part[PATH_BYTES];
    size_t size = strlen(path);
    if (size >= sizeof part)
        return err_set(err, ERR_IO, "%s: the path is too long", path);
    for (size_t i = 1; i <= size; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdirat(folder, part, 0777) < 0 && errno != EEXIST)
            return err_errno(err, "cannot make the folder %s", part);
    }
    return 0;
}
