#include "daemon/snapshot_file.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/crc32c.h"
#include "daemon/failpoint.h"

#define MAGIC        "OUTROSNP"
#define MAGIC_BYTES  8
#define VERSION      1
#define PATH_BYTES   4096
#define BUFFER_BYTES ((size_t)1 << 20)
#define HEAD_MAX     1024
/* Keys and values are smaller by far: what is larger is damage, not a reason to ask for memory. */
#define RECORD_MAX 65536

/* Behind MAGIC; numbers little-endian. Three texts follow, a u8 of length and bytes each, then a
 * u32 CRC-32C of everything before it. */
struct head {
    char magic[MAGIC_BYTES];
    uint32_t version;
    int32_t partition;
    int64_t changelog_end, written_ms, input_offset, stream_time;
} __attribute__((packed));

/* Before each record. */
struct record {
    uint32_t key_bytes, value_bytes; /* both 0: the end, a u64 count and the CRC of all follow */
} __attribute__((packed));

struct tail {
    uint64_t records;
    uint32_t crc;
} __attribute__((packed));

static int path_of(const char *dir, const struct snapshot_of *of, const char *suffix,
                   char path[PATH_BYTES], struct err *err)
{
    int size = snprintf(path, PATH_BYTES, "%s/%s-%" PRId32 ".snapshot%s", dir, of->topic,
                        of->partition, suffix);
    return size < PATH_BYTES ? 0 : err_set(err, ERR_IO, "%s: a path too long", dir);
}

/* ---- writing ---- */

struct writer {
    FILE *file;
    const struct user_layout *layout;
    const _Atomic bool *stop;
    void *value; /* scratch of one record */
    uint64_t records;
    uint32_t crc; /* of all records so far */
};

static size_t put_text(char *out, size_t at, const char *text)
{
    size_t size = strlen(text);
    assert(size <= SNAPSHOT_TEXT_MAX);
    out[at] = (char)size;
    memcpy(out + at + 1, text, size);
    return at + 1 + size;
}

static bool put_head(FILE *file, const struct snapshot_of *of, const struct snapshot_covers *covers)
{
    char bytes[HEAD_MAX];
    struct head head = {
        .version = htole32(VERSION),
        .partition = (int32_t)htole32((uint32_t)of->partition),
        .changelog_end = (int64_t)htole64((uint64_t)covers->changelog_end),
        .written_ms = (int64_t)htole64((uint64_t)covers->written_ms),
        .input_offset = (int64_t)htole64((uint64_t)covers->meta.input_offset),
        .stream_time = (int64_t)htole64((uint64_t)covers->meta.stream_time.ms),
    };
    memcpy(head.magic, MAGIC, MAGIC_BYTES);
    memcpy(bytes, &head, sizeof head);
    size_t at = put_text(bytes, sizeof head, of->cluster);
    at = put_text(bytes, at, of->group);
    at = put_text(bytes, at, of->topic);
    uint32_t crc = htole32(crc32c(bytes, at, 0));
    memcpy(bytes + at, &crc, sizeof crc);
    return fwrite(bytes, at + sizeof crc, 1, file) == 1;
}

static bool put_record(struct writer *writer, enum changelog_kind kind,
                       const struct user_state *user, size_t value_size)
{
    char key[CHANGELOG_KEY_MAX];
    size_t key_size = changelog_key(kind, (struct slice){user->user_id, user->user_id_size}, key);
    struct record record = {htole32((uint32_t)key_size), htole32((uint32_t)value_size)};
    writer->crc = crc32c(&record, sizeof record, writer->crc);
    writer->crc = crc32c(key, key_size, writer->crc);
    writer->crc = crc32c(writer->value, value_size, writer->crc);
    writer->records++;
    failpoint("mid-snapshot");
    return fwrite(&record, sizeof record, 1, writer->file) == 1 &&
           fwrite(key, key_size, 1, writer->file) == 1 &&
           fwrite(writer->value, value_size, 1, writer->file) == 1;
}

static bool put_users(struct writer *writer, struct state_store *store)
{
    const struct user_slot *slot;
    size_t cursor = 0;
    while ((slot = state_store_next(store, &cursor))) {
        const struct user_state *user = &slot->state;
        if (atomic_load_explicit(writer->stop, memory_order_relaxed)) {
            errno = ECANCELED;
            return false;
        }
        if (!put_record(writer, CHANGELOG_OPEN, user,
                        changelog_encode_open(writer->layout, user, writer->value)) ||
            (user->history.finished > 0 &&
             !put_record(writer, CHANGELOG_HISTORY, user,
                         changelog_encode_history(writer->layout, user, writer->value)))) {
            return false;
        }
    }
    struct record end = {0, 0};
    struct tail tail = {htole64(writer->records), htole32(writer->crc)};
    return fwrite(&end, sizeof end, 1, writer->file) == 1 &&
           fwrite(&tail, sizeof tail, 1, writer->file) == 1;
}

/* The name, too, has to be on the disk. */
static int sync_folder(const char *dir, struct err *err)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd < 0 || fsync(fd) != 0 ? err_errno(err, "%s", dir) : 0;
    if (fd >= 0) {
        close(fd);
    }
    return rc;
}

static int fill(struct writer *writer, const struct snapshot_of *of,
                const struct snapshot_covers *covers, struct state_store *store, const char *path,
                struct err *err)
{
    char *buffer = malloc(BUFFER_BYTES);
    writer->layout = state_store_layout(store);
    writer->value = malloc(changelog_value_max(writer->layout));
    int rc = 0;
    if (!buffer || !writer->value) {
        rc = err_set(err, ERR_MEMORY, "%s: out of memory", path);
    } else {
        setvbuf(writer->file, buffer, _IOFBF, BUFFER_BYTES);
        if (!put_head(writer->file, of, covers) || !put_users(writer, store) ||
            fflush(writer->file) != 0 || fsync(fileno(writer->file)) != 0) {
            rc = err_errno(err, "%s", path);
        }
    }
    if (fclose(writer->file) != 0 && rc == 0) {
        rc = err_errno(err, "%s", path);
    }
    free(writer->value);
    free(buffer);
    return rc;
}

int snapshot_file_write(const char *dir, const struct snapshot_of *of,
                        const struct snapshot_covers *covers, struct state_store *store,
                        const _Atomic bool *stop, struct err *err)
{
    char path[PATH_BYTES], beside[PATH_BYTES], suffix[32];
    struct writer writer = {.stop = stop};
    snprintf(suffix, sizeof suffix, ".%ld", (long)getpid());
    if (path_of(dir, of, "", path, err) != 0 || path_of(dir, of, suffix, beside, err) != 0) {
        return -1;
    }
    writer.file = fopen(beside, "we");
    if (!writer.file) {
        return err_errno(err, "%s", beside);
    }
    int rc = fill(&writer, of, covers, store, beside, err);
    if (rc == 0 && rename(beside, path) != 0) {
        rc = err_errno(err, "%s", path);
    }
    if (rc != 0) {
        unlink(beside);
        return -1;
    }
    return sync_folder(dir, err);
}

/* ---- reading ---- */

static int damaged(struct err *err, const char *path, FILE *file)
{
    return ferror(file) ? err_errno(err, "%s", path)
                        : err_set(err, ERR_CHECK, "%s: cut off or damaged", path);
}

static bool take(FILE *file, void *out, size_t size, uint32_t *crc)
{
    if (fread(out, 1, size, file) != size) {
        return false;
    }
    *crc = crc32c(out, size, *crc);
    return true;
}

/* @return whether the text is there; *same says whether it is what it should be */
static bool take_text(FILE *file, const char *expected, bool *same, uint32_t *crc)
{
    unsigned char size;
    char text[256];
    if (!take(file, &size, 1, crc) || !take(file, text, size, crc)) {
        return false;
    }
    *same = *same && size == strlen(expected) && memcmp(text, expected, size) == 0;
    return true;
}

static bool possible(const struct snapshot_covers *covers)
{
    struct event_time time = covers->meta.stream_time;
    return covers->changelog_end >= 0 && covers->written_ms >= 0 &&
           covers->meta.input_offset >= 0 &&
           (time.ms == EVENT_TIME_NEVER.ms || event_time_valid(time));
}

static int take_head(FILE *file, const char *path, const struct snapshot_of *of,
                     struct snapshot_covers *covers, struct err *err)
{
    struct head head;
    uint32_t crc = 0, ignored = 0, stored;
    bool same = true;
    if (!take(file, &head, sizeof head, &crc)) {
        return damaged(err, path, file);
    }
    if (memcmp(head.magic, MAGIC, MAGIC_BYTES) != 0) {
        return err_set(err, ERR_INPUT, "%s: not a snapshot of outrod", path);
    }
    if (le32toh(head.version) != VERSION) {
        return err_set(err, ERR_INPUT, "%s: version %" PRIu32 ", this outrod reads %d", path,
                       le32toh(head.version), VERSION);
    }
    if (!take_text(file, of->cluster, &same, &crc) || !take_text(file, of->group, &same, &crc) ||
        !take_text(file, of->topic, &same, &crc) || !take(file, &stored, sizeof stored, &ignored) ||
        le32toh(stored) != crc) {
        return damaged(err, path, file);
    }
    if (!same || (int32_t)le32toh((uint32_t)head.partition) != of->partition) {
        return err_set(err, ERR_INPUT, "%s: of another cluster, group, topic or partition", path);
    }
    covers->changelog_end = (int64_t)le64toh((uint64_t)head.changelog_end);
    covers->written_ms = (int64_t)le64toh((uint64_t)head.written_ms);
    covers->meta.input_offset = (int64_t)le64toh((uint64_t)head.input_offset);
    covers->meta.stream_time.ms = (int64_t)le64toh((uint64_t)head.stream_time);
    return possible(covers) ? 0 : damaged(err, path, file);
}

static int take_tail(FILE *file, const char *path, uint64_t records, uint32_t crc, struct err *err)
{
    struct tail tail;
    uint32_t ignored = 0;
    if (!take(file, &tail, sizeof tail, &ignored) || le64toh(tail.records) != records ||
        le32toh(tail.crc) != crc || fgetc(file) != EOF) {
        return damaged(err, path, file);
    }
    return 0;
}

/* All records, and that they are all. */
static int take_records(FILE *file, const char *path, struct state_store *store, char *bytes,
                        struct err *err)
{
    uint64_t records = 0;
    uint32_t crc = 0;
    for (;; records++) {
        struct record record;
        uint32_t before = crc;
        if (!take(file, &record, sizeof record, &crc)) {
            return damaged(err, path, file);
        }
        size_t key = le32toh(record.key_bytes), value = le32toh(record.value_bytes);
        if (key == 0 && value == 0) {
            return take_tail(file, path, records, before, err);
        }
        if (key > CHANGELOG_KEY_MAX || value == 0 || value > RECORD_MAX ||
            !take(file, bytes, key + value, &crc)) {
            return damaged(err, path, file);
        }
        int kind = changelog_apply(store, (struct slice){bytes, key},
                                   (struct slice){bytes + key, value}, NULL, err);
        if (kind < 0) {
            return err_prefix(err, "%s", path);
        }
        if (kind == CHANGELOG_META) {
            return damaged(err, path, file);
        }
    }
}

/* @param store NULL: the head alone. @return 1, 0 when there is no file, -1 */
static int read_file(const char *dir, const struct snapshot_of *of, struct snapshot_covers *covers,
                     struct state_store *store, struct err *err)
{
    char path[PATH_BYTES];
    if (path_of(dir, of, "", path, err) != 0) {
        return -1;
    }
    FILE *file = fopen(path, "re");
    if (!file) {
        return errno == ENOENT ? 0 : err_errno(err, "%s", path);
    }
    char *buffer = malloc(BUFFER_BYTES), *bytes = malloc(CHANGELOG_KEY_MAX + RECORD_MAX);
    int rc = -1;
    if (!buffer || !bytes) {
        err_set(err, ERR_MEMORY, "%s: out of memory", path);
    } else {
        setvbuf(file, buffer, _IOFBF, BUFFER_BYTES);
        rc = take_head(file, path, of, covers, err);
        if (rc == 0 && store) {
            rc = take_records(file, path, store, bytes, err);
        }
    }
    fclose(file);
    free(bytes);
    free(buffer);
    return rc == 0 ? 1 : -1;
}

int snapshot_file_head(const char *dir, const struct snapshot_of *of,
                       struct snapshot_covers *covers, struct err *err)
{
    return read_file(dir, of, covers, NULL, err);
}

int64_t snapshot_file_records(const char *dir, const struct snapshot_of *of,
                              struct state_store *store, struct err *err)
{
    struct snapshot_covers covers;
    int found = read_file(dir, of, &covers, store, err);
    if (found == 0) {
        return err_set(err, ERR_IO, "%s: the snapshot of partition %" PRId32 " has gone", dir,
                       of->partition);
    }
    return found < 0 ? -1 : (int64_t)state_store_users(store);
}
