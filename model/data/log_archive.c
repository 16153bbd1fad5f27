#include "data/log_archive.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>
#include <jansson.h>

enum {
    TAR_MAGIC_AT = 257,
    NAME_MAX_BYTES = 1024,
    USER_FILE_MAX = 64 * 1024 /* of user.json: more is no such file */
};

struct log_archive {
    struct byte_source *source;
    struct slice first; /* size 0: taken */
    struct archive *archive;
    struct err below; /* why the source failed, if it did */
    uint64_t logs;
    char name[NAME_MAX_BYTES];
    char user[USER_ID_MAX + 1];
};

bool log_archive_is(struct slice first)
{
    static const struct {
        size_t at, size;
        const char *bytes;
    } MAGIC[] = {{0, 4, "PK\x03\x04"},
                 {0, 4, "PK\x05\x06"}, /* a zip of nothing */
                 {0, 6, "\xfd\x37zXZ\0"},
                 {TAR_MAGIC_AT, 5, "ustar"}};
    for (size_t i = 0; i < sizeof MAGIC / sizeof *MAGIC; i++)
        if (first.size >= MAGIC[i].at + MAGIC[i].size &&
            memcmp(first.data + MAGIC[i].at, MAGIC[i].bytes, MAGIC[i].size) == 0)
            return true;
    return false;
}

static bool is_log(const char *path)
{
    static const char *const PATTERNS[] = {
        "*listens*.jsonl",           "*.listens",
        "*Streaming_History_*.json", "*endsong*.json",
        "*StreamingHistory*.json",   "*userid-timestamp-artid-artname-traid-traname.tsv",
    };
    for (size_t i = 0; i < sizeof PATTERNS / sizeof *PATTERNS; i++)
        if (fnmatch(PATTERNS[i], path, FNM_CASEFOLD) == 0)
            return true;
    return false;
}

static bool is_user_file(const char *path)
{
    const char *slash = strrchr(path, '/');
    return strcmp(slash ? slash + 1 : path, "user.json") == 0;
}

/* libarchive asks for more of the file. */
static la_ssize_t read_file(struct archive *unused, void *ctx, const void **bytes)
{
    struct log_archive *archive = ctx;
    struct slice block = archive->first;
    (void)unused;
    if (block.size > 0) {
        archive->first.size = 0;
    } else {
        int status = byte_source_next(archive->source, 0, &block, &archive->below);
        if (status < 0) {
            archive_set_error(archive->archive, EIO, "it cannot be read on");
            return -1;
        }
        if (status == 0)
            return 0;
    }
    *bytes = block.data;
    return (la_ssize_t)block.size;
}

/* A tar in xz is read, any other file in xz is not. */
static bool is_no_archive(const struct log_archive *archive)
{
    return archive_filter_code(archive->archive, 0) == ARCHIVE_FILTER_XZ &&
           archive_format(archive->archive) == 0;
}

static int broken(struct log_archive *archive, const char *name, struct err *err)
{
    if (archive->below.code != ERR_NONE) {
        if (err)
            *err = archive->below;
        return -1;
    }
    if (is_no_archive(archive))
        return err_set(err, ERR_INPUT,
                       "%s: compressed by xz, and no tar: not read; decompress it first", name);
    const char *reason = archive_error_string(archive->archive);
    return err_set(err, ERR_INPUT, "%s: damaged or truncated archive: %.200s", name,
                   reason ? reason : "it cannot be read on");
}

struct log_archive *log_archive_over(struct byte_source *source, struct slice first,
                                     struct err *err)
{
    struct log_archive *archive = calloc(1, sizeof *archive);
    struct archive *from = archive_read_new();
    if (!archive || !from) {
        err_set(err, ERR_MEMORY, "out of memory reading %s", byte_source_name(source));
        archive_read_free(from);
        free(archive);
        return NULL;
    }
    archive->source = source;
    archive->first = first;
    archive->archive = from;
    if (archive_read_support_filter_xz(from) != ARCHIVE_OK ||
        archive_read_support_format_tar(from) != ARCHIVE_OK ||
        archive_read_support_format_zip_streamable(from) != ARCHIVE_OK ||
        archive_read_open(from, archive, NULL, read_file, NULL) != ARCHIVE_OK) {
        broken(archive, byte_source_name(source), err);
        log_archive_free(archive);
        return NULL;
    }
    return archive;
}

void log_archive_free(struct log_archive *archive)
{
    if (!archive)
        return;
    archive_read_free(archive->archive);
    free(archive);
}

/* {"user_id": a number, "username": "..."}. Anything else names nobody. */
static int read_user(struct log_archive *archive, struct err *err)
{
    char *text = malloc(USER_FILE_MAX);
    if (!text)
        return err_set(err, ERR_MEMORY, "out of memory reading %s", archive->name);
    la_ssize_t size = archive_read_data(archive->archive, text, USER_FILE_MAX);
    if (size < 0) {
        free(text);
        return broken(archive, archive->name, err);
    }
    json_t *root = json_loadb(text, (size_t)size, JSON_REJECT_DUPLICATES, NULL);
    json_t *name = json_object_get(root, "username");
    size_t length = json_string_length(name);
    if (json_is_string(name) && length <= USER_ID_MAX)
        memcpy(archive->user, json_string_value(name), length + 1);
    json_decref(root);
    free(text);
    return 0;
}

/* A member's name is somebody else's text: what is not printable would reach a terminal. */
static void set_name(struct log_archive *archive, const char *path)
{
    snprintf(archive->name, sizeof archive->name, "%s:", byte_source_name(archive->source));
    size_t used = strlen(archive->name);
    for (; *path && used + 1 < sizeof archive->name; path++)
        archive->name[used++] = *path >= ' ' && *path <= '~' ? *path : '?';
    archive->name[used] = '\0';
}

int log_archive_next(struct log_archive *archive, struct err *err)
{
    struct archive_entry *entry;
    int status;
    while ((status = archive_read_next_header(archive->archive, &entry)) == ARCHIVE_OK ||
           status == ARCHIVE_WARN) { /* of a name or a date that it cannot say */
        const char *path = archive_entry_pathname(entry);
        if (!path || archive_entry_filetype(entry) != AE_IFREG)
            continue;
        set_name(archive, path);
        if (is_log(path)) {
            archive->logs++;
            return 1;
        }
        if (is_user_file(path) && read_user(archive, err) < 0)
            return -1;
    }
    if (status != ARCHIVE_EOF)
        return broken(archive, byte_source_name(archive->source), err);
    if (archive->logs == 0)
        return err_set(err, ERR_INPUT,
                       "%s: an archive without a log: no listens/YYYY/MM.jsonl, no "
                       "Streaming_History_*.json and no other that we know by its name",
                       byte_source_name(archive->source));
    return 0;
}

static int read_member(void *ctx, char *into, size_t room, size_t *got, struct err *err)
{
    struct log_archive *archive = ctx;
    la_ssize_t size = archive_read_data(archive->archive, into, room);
    if (size < 0)
        return broken(archive, archive->name, err);
    *got = (size_t)size;
    return size > 0;
}

struct byte_input log_archive_member(struct log_archive *archive)
{
    return (struct byte_input){archive, read_member};
}

const char *log_archive_name(const struct log_archive *archive)
{
    return archive->name;
}

struct slice log_archive_user(const struct log_archive *archive)
{
    return (struct slice){archive->user, strlen(archive->user)};
}
