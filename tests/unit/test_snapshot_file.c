/* A snapshot comes back whole or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <signal.h>
#include <unistd.h>

#include "changelog_fixture.h"
#include "daemon/snapshot_file.h"

static const struct snapshot_of ours = {"cluster-1", "outro", "outro-state", 3};
static struct snapshot_covers covers = {
    .changelog_end = 4711, .written_ms = LIFE_START_MS, .meta = {.input_offset = 1234}};

static const _Atomic bool go_on = false;

struct place {
    char dir[64], path[128];
    char *bytes; /* of a good snapshot */
    size_t size;
    uint64_t hash; /* of the state in it */
};

static struct state_store *new_store(void)
{
    struct stream_params params = STREAM_PARAMS_DEFAULTS;
    struct state_store *store = state_store_new(&params, 3, NULL);
    assert_non_null(store);
    return store;
}

static struct state_store *lived_store(void)
{
    struct state_store *store = new_store();
    for (size_t i = 0; i < GOLDEN_USERS; i++) {
        live(store, golden_users[i].user_id, &golden_users[i].life);
    }
    return store;
}

static void read_bytes(struct place *place)
{
    FILE *file = fopen(place->path, "rb");
    struct stat info;
    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &info), 0);
    place->size = (size_t)info.st_size;
    place->bytes = malloc(place->size);
    assert_non_null(place->bytes);
    assert_int_equal(fread(place->bytes, 1, place->size, file), place->size);
    fclose(file);
}

static void write_bytes(const struct place *place, const void *bytes, size_t size)
{
    FILE *file = fopen(place->path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
    static struct place place;
    struct err err = {0};
    snprintf(place.dir, sizeof place.dir, "/tmp/outro-snapshot-XXXXXX");
    assert_non_null(mkdtemp(place.dir));
    snprintf(place.path, sizeof place.path, "%s/outro-state-3.snapshot", place.dir);
    struct state_store *store = lived_store();
    covers.meta.stream_time = state_store_stream_time(store);
    place.hash = state_store_hash(store);
    assert_int_equal(snapshot_file_write(place.dir, &ours, &covers, store, &go_on, &err), 0);
    state_store_free(store);
    read_bytes(&place);
    *state = &place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    free(place->bytes);
    unlink(place->path);
    return rmdir(place->dir);
}

/* @return users, 0 without a file, -1 with err */
static int64_t load(const struct place *place, const struct snapshot_of *of, uint64_t *hash,
                    struct err *err)
{
    struct snapshot_covers found;
    int there = snapshot_file_head(place->dir, of, &found, err);
    if (there <= 0) {
        return there;
    }
    assert_memory_equal(&found, &covers, sizeof found);
    struct state_store *store = new_store();
    int64_t users = snapshot_file_records(place->dir, of, store, err);
    if (users >= 0) {
        assert_int_equal(changelog_finish(store, &found.meta, err), 0);
        *hash = state_store_hash(store);
    }
    state_store_free(store);
    return users;
}

static void comes_back_as_it_was(void **state)
{
    const struct place *place = *state;
    struct err err = {0};
    uint64_t hash = 0;
    assert_int_equal(load(place, &ours, &hash, &err), GOLDEN_USERS);
    assert_true(hash == place->hash);
}

static void none_is_no_error(void **state)
{
    const struct place *place = *state;
    struct snapshot_of other = ours;
    struct err err = {0};
    uint64_t hash;
    other.partition = 4;
    assert_int_equal(load(place, &other, &hash, &err), 0);
}

static void one_of_something_else_is_refused(void **state)
{
    const struct place *place = *state;
    struct snapshot_of others[] = {ours, ours, ours};
    others[0].cluster = "cluster-2";
    others[1].group = "outro2";
    others[2].group = "";
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct err err = {0};
        uint64_t hash;
        assert_int_equal(load(place, &others[i], &hash, &err), -1);
        assert_int_equal(err.code, ERR_INPUT);
        assert_non_null(strstr(err.text, "of another cluster, group, topic or partition"));
        assert_non_null(strstr(err.text, place->path));
    }
}

static void another_version_is_refused_by_name(void **state)
{
    struct place *place = *state;
    struct err err = {0};
    uint64_t hash;
    place->bytes[8] = 2;
    write_bytes(place, place->bytes, place->size);
    place->bytes[8] = 1;
    assert_int_equal(load(place, &ours, &hash, &err), -1);
    assert_int_equal(err.code, ERR_INPUT);
    assert_non_null(strstr(err.text, "version 2, this outrod reads 1"));
    write_bytes(place, place->bytes, place->size);
}

/* Every byte of the head and of the end, every eleventh between. */
static bool worth_trying(const struct place *place, size_t at)
{
    return at < 160 || at + 64 > place->size || at % 11 == 0;
}

static void any_flipped_bit_is_seen(void **state)
{
    struct place *place = *state;
    for (size_t at = 0; at < place->size; at++) {
        struct err err = {0};
        uint64_t hash;
        if (!worth_trying(place, at)) {
            continue;
        }
        place->bytes[at] ^= (char)(1 << at % 8);
        write_bytes(place, place->bytes, place->size);
        place->bytes[at] ^= (char)(1 << at % 8);
        assert_int_equal(load(place, &ours, &hash, &err), -1);
        assert_non_null(strstr(err.text, place->path));
    }
    write_bytes(place, place->bytes, place->size);
}

static void any_cut_is_seen(void **state)
{
    const struct place *place = *state;
    for (size_t size = 0; size < place->size; size++) {
        struct err err = {0};
        uint64_t hash;
        if (worth_trying(place, size)) {
            write_bytes(place, place->bytes, size);
            assert_int_equal(load(place, &ours, &hash, &err), -1);
        }
    }
    char *longer = malloc(place->size + 1);
    struct err err = {0};
    uint64_t hash;
    assert_non_null(longer);
    memcpy(longer, place->bytes, place->size);
    longer[place->size] = 0;
    write_bytes(place, longer, place->size + 1);
    free(longer);
    assert_int_equal(load(place, &ours, &hash, &err), -1);
    write_bytes(place, place->bytes, place->size);
}

/* A limit on the size of files is a disk that is full. */
static void a_full_disk_leaves_the_one_before(void **state)
{
    const struct place *place = *state;
    struct rlimit before, little = {.rlim_cur = 4096};
    struct snapshot_covers later = covers;
    struct err err = {0};
    uint64_t hash = 0;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    little.rlim_max = before.rlim_max;
    later.changelog_end++;
    struct state_store *store = lived_store();
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
    int rc = snapshot_file_write(place->dir, &ours, &later, store, &go_on, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    state_store_free(store);
    assert_int_equal(rc, -1);
    assert_int_equal(err.code, ERR_IO);
    assert_int_equal(load(place, &ours, &hash, &err), GOLDEN_USERS);
    assert_true(hash == place->hash);
}

static void one_that_is_given_up_leaves_the_one_before(void **state)
{
    const struct place *place = *state;
    const _Atomic bool stop = true;
    struct snapshot_covers later = covers;
    struct err err = {0};
    uint64_t hash = 0;
    struct state_store *store = lived_store();
    later.changelog_end++;
    assert_int_equal(snapshot_file_write(place->dir, &ours, &later, store, &stop, &err), -1);
    assert_int_equal(err.code, ERR_IO);
    state_store_free(store);
    assert_int_equal(load(place, &ours, &hash, &err), GOLDEN_USERS);
    assert_true(hash == place->hash);
}

static void a_folder_that_is_not_there_is_said(void **state)
{
    struct err err = {0};
    struct state_store *store = new_store();
    (void)state;
    assert_int_equal(snapshot_file_write("/nowhere/at all", &ours, &covers, store, &go_on, &err),
                     -1);
    assert_int_equal(err.code, ERR_IO);
    assert_non_null(strstr(err.text, "/nowhere/at all/outro-state-3.snapshot"));
    state_store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back_as_it_was),
        cmocka_unit_test(none_is_no_error),
        cmocka_unit_test(one_of_something_else_is_refused),
        cmocka_unit_test(another_version_is_refused_by_name),
        cmocka_unit_test(any_flipped_bit_is_seen),
        cmocka_unit_test(any_cut_is_seen),
        cmocka_unit_test(a_full_disk_leaves_the_one_before),
        cmocka_unit_test(one_that_is_given_up_leaves_the_one_before),
        cmocka_unit_test(a_folder_that_is_not_there_is_said),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
