/* bench_changelog - users with full histories out as changelog records and into an empty store
 * again, as a restore does it, in memory and on one core. Usage: bench_changelog [USERS] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lives.h"
#include "stream/changelog.h"

static void die(const char *what, const struct err *err)
{
    fprintf(stderr, "bench_changelog: %s: %s\n", what, err->text);
    exit(1);
}

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

struct records {
    char *data; /* u8 bytes of the key, u16 bytes of the value, key, value */
    size_t size;
};

static char *put_record(char *at, enum changelog_kind kind, const struct user_layout *layout,
                        const struct user_state *user)
{
    size_t key = changelog_key(kind, (struct slice){user->user_id, user->user_id_size}, at + 3);
    size_t value = kind == CHANGELOG_OPEN ? changelog_encode_open(layout, user, at + 3 + key)
                                          : changelog_encode_history(layout, user, at + 3 + key);
    const uint8_t sizes[3] = {(uint8_t)key, (uint8_t)value, (uint8_t)(value >> 8)};
    memcpy(at, sizes, sizeof sizes);
    return at + 3 + key + value;
}

static struct records encode(struct lives *lives, uint32_t users)
{
    const struct user_layout *layout = lives_layout(lives);
    struct records records = {
        .data = malloc((size_t)users * 2 * (3 + CHANGELOG_KEY_MAX + changelog_value_max(layout)))};
    char *at = records.data;
    for (uint32_t u = 0; at && u < users; u++) {
        const struct user_state *user = lives_user(lives, u);
        at = put_record(at, CHANGELOG_OPEN, layout, user);
        at = put_record(at, CHANGELOG_HISTORY, layout, user);
    }
    records.size = (size_t)(at - records.data);
    return records;
}

static void apply_all(struct state_store *store, const struct records *records, struct err *err)
{
    const struct changelog_meta meta = {.input_offset = 0, .stream_time = EVENT_TIME_NEVER};
    for (const char *at = records->data; at < records->data + records->size;) {
        const unsigned char *sizes = (const unsigned char *)at;
        struct slice key = {at + 3, sizes[0]};
        struct slice value = {key.data + key.size, sizes[1] | (size_t)sizes[2] << 8};
        if (changelog_apply(store, key, value, NULL, err) < 0)
            die("restore", err);
        at = value.data + value.size;
    }
    if (changelog_finish(store, &meta, err) < 0)
        die("restore", err);
}

static void print_rate(const char *what, double seconds, uint32_t users, size_t bytes)
{
    printf("  %s: %.0f users/s, %.0f MB/s, %.2f us a user\n", what, users / seconds,
           (double)bytes / 1e6 / seconds, 1e6 * seconds / users);
}

int main(int argc, char **argv)
{
    uint32_t users = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 100000;
    struct stream_params params = STREAM_PARAMS_DEFAULTS;
    struct err err = {0};
    struct lives lives;
    if (users == 0 || lives_init(&lives, &params, &err) != 0)
        die("history", &err);
    struct state_store *store = state_store_new(&params, 0, &err);
    if (!store)
        die("store", &err);
    double begun = cpu_s();
    struct records records = encode(&lives, users);
    double encoded = cpu_s();
    if (!records.data)
        die("out of memory for the records", &err);
    apply_all(store, &records, &err);
    double restored = cpu_s();
    printf("%u users, %.0f bytes a user in records, %zu in memory\n", users,
           (double)records.size / users, lives_layout(&lives)->size_bytes);
    print_rate("encode", encoded - begun, users, records.size);
    print_rate("restore", restored - encoded, users, records.size);
    free(records.data);
    state_store_free(store);
    lives_release(&lives);
    return 0;
}
