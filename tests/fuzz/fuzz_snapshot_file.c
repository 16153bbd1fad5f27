/* Any bytes as a snapshot: refused with a reason, or read, and then what is written of it reads the
 * same. The bytes as they come, and again with its checksums and its count set right, since hardly
 * any other bytes would get past those. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/crc32c.h"
#include "daemon/snapshot_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXTS = 48, LENGTHS = 8, TAIL = 12 }; /* schemas/state.md */

static const struct snapshot_of of = {"cluster", "group", "state", 0};
static char folder[] = "/tmp/outro-fuzz-XXXXXX", path[64];

static void remove_folder(void)
{
    unlink(path);
    rmdir(folder);
}

static void make_folder(void)
{
    if (path[0])
        return;
    const char *made = mkdtemp(folder);
    assert(made);
    snprintf(path, sizeof path, "%s/state-0.snapshot", folder);
    atexit(remove_folder);
}

/* Small, so that inputs are. */
static struct stream_params small_params(void)
{
    struct stream_params params = STREAM_PARAMS_DEFAULTS;
    params.window = 64;
    params.track_slots = params.artist_slots = 8;
    return params;
}

/* Head, records and tail, as far as they are there. */
static void set_right(uint8_t *data, size_t size)
{
    size_t at = TEXTS;
    for (int text = 0; text < 3 && at < size; text++)
        at += 1 + (size_t)data[at];
    if (at + sizeof(uint32_t) > size)
        return;
    uint32_t crc = crc32c(data, at, 0);
    memcpy(data + at, &crc, sizeof crc);
    at += sizeof crc;
    const size_t from = at;
    for (uint64_t records = 0; at + LENGTHS <= size; records++) {
        uint32_t length[2];
        memcpy(length, data + at, sizeof length);
        if (length[0] == 0 && length[1] == 0 && at + LENGTHS + TAIL <= size) {
            crc = crc32c(data + from, at - from, 0);
            memcpy(data + at + LENGTHS, &records, sizeof records);
            memcpy(data + at + LENGTHS + sizeof records, &crc, sizeof crc);
            return;
        }
        at += LENGTHS + (size_t)length[0] + length[1];
    }
}

static void write_again(struct state_store *store, const struct snapshot_covers *covers)
{
    const _Atomic bool go_on = false;
    struct stream_params params = small_params();
    struct state_store *again = state_store_new(&params, 0, NULL);
    struct snapshot_covers read;
    int failed = snapshot_file_write(folder, &of, covers, store, &go_on, NULL);
    int found = snapshot_file_head(folder, &of, &read, NULL);
    int64_t users = snapshot_file_records(folder, &of, again, NULL);
    assert(again && failed == 0 && found == 1 && users == (int64_t)state_store_users(store));
    assert(read.changelog_end == covers->changelog_end && read.written_ms == covers->written_ms);
    assert(changelog_finish(again, &covers->meta, NULL) == 0);
    assert(state_store_hash(again) == state_store_hash(store));
    state_store_free(again);
}

static void run(const uint8_t *data, size_t size)
{
    struct stream_params params = small_params();
    struct state_store *store = state_store_new(&params, 0, NULL);
    struct snapshot_covers covers;
    struct err err = {0};
    FILE *file = fopen(path, "wb");
    assert(store && file);
    size_t written = fwrite(data, 1, size, file);
    assert(written == size && fclose(file) == 0);
    if (snapshot_file_head(folder, &of, &covers, &err) == 1 &&
        snapshot_file_records(folder, &of, store, &err) >= 0) {
        if (changelog_finish(store, &covers.meta, &err) == 0)
            write_again(store, &covers);
    } else {
        assert(err.code == ERR_INPUT || err.code == ERR_CHECK);
        assert(err.text[0] != '\0');
    }
    state_store_free(store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    assert(copy);
    make_folder();
    if (size > 0) /* of nothing there may be no address */
        memcpy(copy, data, size);
    run(copy, size);
    set_right(copy, size);
    run(copy, size);
    free(copy);
    return 0;
}
