#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/array.h"
#include "core/crc32c.h"
#include "core/err.h"
#include "core/event_time.h"
#include "core/hash.h"
#include "core/names.h"
#include "core/partitioner.h"

static struct slice slice_of(const char *text)
{
    return (struct slice){text, strlen(text)};
}

static void test_core_err_says_code_and_sentence(void **state)
{
    (void)state;
    struct err err = {0};
    assert_int_equal(err_set(&err, ERR_INPUT, "line %d", 7), -1);
    assert_int_equal(err.code, ERR_INPUT);
    assert_string_equal(err.text, "line 7");
    assert_int_equal(err_prefix(&err, "%s", "a.tsv"), -1);
    assert_int_equal(err.code, ERR_INPUT);
    assert_string_equal(err.text, "a.tsv: line 7");

    errno = ENOENT;
    assert_int_equal(err_errno(&err, "opening %s", "b"), -1);
    assert_int_equal(err.code, ERR_IO);
    assert_string_equal(err.text, "opening b: No such file or directory");
}

static void test_core_err_may_be_null(void **state)
{
    (void)state;
    assert_int_equal(err_set(NULL, ERR_INPUT, "x"), -1);
    assert_int_equal(err_prefix(NULL, "x"), -1);
    assert_int_equal(err_errno(NULL, "x"), -1);
}

static void test_core_err_cuts_long_sentences(void **state)
{
    (void)state;
    struct err err = {0};
    char text[2 * sizeof err.text];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    err_set(&err, ERR_INPUT, "%s", text);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    err_prefix(&err, "file");
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    assert_memory_equal(err.text, "file: xx", 8);
    err_prefix(&err, "%s", text);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
}

static void test_core_event_time_range_and_order(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        bool valid;
    } CASES[] = {{-1, false},
                 {0, true},
                 {EVENT_TIME_END_MS - 1, true},
                 {EVENT_TIME_END_MS, false},
                 {INT64_MIN, false},
                 {INT64_MAX, false}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        assert_int_equal(event_time_valid((struct event_time){CASES[i].ms}), CASES[i].valid);

    struct event_time a = {1000}, b = event_time_add_ms(a, 500);
    assert_int_equal(event_time_diff_ms(b, a), 500);
    assert_true(event_time_before(a, b));
    assert_false(event_time_before(b, a));
    assert_false(event_time_before(a, a));
    assert_int_equal(event_time_max(a, b).ms, 1500);
    assert_int_equal(event_time_max(b, a).ms, 1500);
    assert_true(event_time_before(EVENT_TIME_NEVER, a));
}

static void test_core_arena_keeps_what_it_gave(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 64);
    char *names[200];
    for (size_t i = 0; i < 200; i++) {
        char name[40];
        memset(name, (int)('a' + i % 26), sizeof name);
        names[i] = arena_copy(&arena, name, i % 40);
        assert_non_null(names[i]);
        assert_int_equal((uintptr_t)names[i] % 8, 0);
    }
    for (size_t i = 0; i < 200; i++) {
        assert_int_equal(strlen(names[i]), i % 40);
        for (size_t j = 0; j < i % 40; j++)
            assert_int_equal(names[i][j], 'a' + i % 26);
    }
    char *big = arena_alloc(&arena, 10000); /* larger than a block gets a block of its own */
    assert_non_null(big);
    memset(big, 1, 10000);
    assert_true(arena.total_bytes > 10000);
    assert_null(arena_alloc(&arena, SIZE_MAX - 3));
    arena_clear(&arena);
    assert_int_equal(arena.total_bytes, 0);
    assert_non_null(arena_copy(&arena, "again", 5));
    arena_clear(&arena);
}

static void test_core_hash_sees_every_byte_and_the_size(void **state)
{
    (void)state;
    unsigned char data[40];
    for (size_t size = 0; size <= sizeof data; size++) {
        memset(data, 0, sizeof data);
        uint64_t zeros = hash_bytes(data, size, 1);
        assert_true(zeros == hash_bytes(data, size, 1));
        assert_true(zeros != hash_bytes(data, size, 2));
        if (size > 0)
            assert_true(zeros != hash_bytes(data, size - 1, 1));
        for (size_t i = 0; i < size; i++) {
            for (int bit = 0; bit < 8; bit++) {
                data[i] = (unsigned char)(1u << bit);
                assert_true(zeros != hash_bytes(data, size, 1));
            }
            data[i] = 0;
        }
    }
}

static void test_core_hash_fills_buckets_evenly(void **state)
{
    (void)state;
    enum { BUCKETS = 64, KEYS = 64 * 1000 };
    int low[BUCKETS] = {0}, high[BUCKETS] = {0};
    for (uint32_t i = 0; i < KEYS; i++) {
        uint64_t h = hash_bytes(&i, sizeof i, 0);
        low[h % BUCKETS]++;
        high[h >> 58]++;
    }
    /* 1000 expected, standard deviation 31.4: six of them would be a defect, not luck. */
    for (int i = 0; i < BUCKETS; i++) {
        assert_in_range(low[i], 1000 - 190, 1000 + 190);
        assert_in_range(high[i], 1000 - 190, 1000 + 190);
    }
}

static void test_core_names_fold(void **state)
{
    (void)state;
    static const struct {
        const char *name, *folded;
    } CASES[] = {
        {"", ""},
        {" \t\r\n\v\f", ""},
        {"Radiohead ", "radiohead"},
        {"\tThe  Knife\n", "the  knife"}, /* white space inside stays */
        {"BJ\xc3\x96RK", "bj\xc3\xb6rk"},
        {"\xce\xa3\xce\x99\xce\x93\xce\x9c\xce\x91", "\xcf\x83\xce\xb9\xce\xb3\xce\xbc\xce\xb1"},
        {"\xd0\x9a\xd0\x98\xd0\x9d\xd0\x9e", "\xd0\xba\xd0\xb8\xd0\xbd\xd0\xbe"},
        {"\xe6\xa4\x8e\xe5\x90\x8d", "\xe6\xa4\x8e\xe5\x90\x8d"},
        {"\xf0\x90\x90\x80", "\xf0\x90\x90\xa8"}, /* Deseret: four bytes */
        {"A\xff\xfe"
         "B",
         "a\xff\xfe"
         "b"},              /* not UTF-8: bytes stay */
        {"A\xc3", "a\xc3"}, /* cut in a character */
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char out[64];
        size_t size = name_fold(slice_of(CASES[i].name), out, sizeof out);
        assert_int_equal(size, strlen(CASES[i].folded));
        assert_memory_equal(out, CASES[i].folded, size);
        assert_true(name_hash(slice_of(CASES[i].name), 3) ==
                    name_hash(slice_of(CASES[i].folded), 3));
        if (size > 0)
            assert_true(name_fold(slice_of(CASES[i].name), out, size - 1) == (size_t)-1);
    }
}

static void test_core_names_hash_tells_names_apart(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"", "a", "b", "ab", "a b", "radiohead", "radiohea"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        assert_true(name_hash(slice_of(NAMES[i]), 1) != 0);
        assert_true(name_hash(slice_of(NAMES[i]), 1) != name_hash(slice_of(NAMES[i]), 2));
        for (size_t j = 0; j < i; j++)
            assert_true(name_hash(slice_of(NAMES[i]), 1) != name_hash(slice_of(NAMES[j]), 1));
    }
}

/* A name longer than the hash's working piece, with characters across every piece's edge. */
static void test_core_names_hash_folds_long_names(void **state)
{
    (void)state;
    char upper[2100], lower[2100];
    for (size_t shift = 0; shift < 4; shift++) {
        size_t size = 0;
        while (size < shift) {
            upper[size] = 'X';
            lower[size++] = 'x';
        }
        while (size + 2 < sizeof upper) {
            memcpy(upper + size, "\xc3\x96", 2);
            memcpy(lower + size, "\xc3\xb6", 2);
            size += 2;
        }
        struct slice a = {upper, size}, b = {lower, size}, cut = {lower, size - 2};
        assert_true(name_hash(a, 9) == name_hash(b, 9));
        assert_true(name_hash(a, 9) != name_hash(cut, 9));
    }
}

static void test_core_partitioner_murmur2_as_kafka(void **state)
{
    (void)state;
    /* From UtilsTest.testMurmur2 of Apache Kafka. */
    static const struct {
        const char *key;
        int32_t hash;
    } CASES[] = {
        {"21", -973932308},
        {"foobar", -790332482},
        {"a-little-bit-long-string", -985981536},
        {"a-little-bit-longer-string", -1486304829},
        {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
        {"abc", 479470107},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        uint32_t hash = murmur2(CASES[i].key, strlen(CASES[i].key));
        assert_int_equal((int32_t)hash, CASES[i].hash);
        assert_int_equal(partition_of(CASES[i].key, strlen(CASES[i].key), 12),
                         (hash & 0x7fffffffu) % 12);
    }
}

/* RFC 3720 B.4, and the polynomial bit by bit at every length and alignment. */
static void test_core_crc32c(void **state)
{
    unsigned char bytes[96];
    (void)state;
    memset(bytes, 0, 32);
    assert_int_equal(crc32c(bytes, 32, 0), 0x8a9136aa);
    memset(bytes, 0xff, 32);
    assert_int_equal(crc32c(bytes, 32, 0), 0x62a8ab43);
    assert_int_equal(crc32c("123456789", 9, 0), 0xe3069283);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 37 + 11);
    for (size_t from = 0; from < 9; from++) {
        uint32_t slow = ~0u;
        for (size_t size = 0; from + size <= sizeof bytes; size++) {
            assert_int_equal(crc32c(bytes + from, size, 0), ~slow);
            uint32_t half = crc32c(bytes + from, size / 3, 0);
            assert_int_equal(crc32c(bytes + from + size / 3, size - size / 3, half), ~slow);
            slow ^= from + size < sizeof bytes ? bytes[from + size] : 0;
            for (int bit = 0; bit < 8; bit++)
                slow = slow >> 1 ^ (slow & 1 ? 0x82f63b78u : 0);
        }
    }
}

static void test_core_array_grows_and_keeps(void **state)
{
    (void)state;
    uint32_t *items = NULL;
    size_t capacity = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        void *grown = array_grow(items, &capacity, i + 1, sizeof *items);
        assert_non_null(grown);
        items = grown;
        assert_true(capacity > i);
        items[i] = i;
    }
    assert_int_equal(capacity, 1024);
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(items[i], i);
    assert_ptr_equal(array_grow(items, &capacity, 1024, sizeof *items), items);
    /* More bytes than there are: refused, and what stands still stands. */
    assert_null(array_grow(items, &capacity, SIZE_MAX / 4, sizeof *items));
    assert_int_equal(capacity, 1024);
    assert_int_equal(items[999], 999);
    free(items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_core_err_says_code_and_sentence),
        cmocka_unit_test(test_core_err_may_be_null),
        cmocka_unit_test(test_core_err_cuts_long_sentences),
        cmocka_unit_test(test_core_event_time_range_and_order),
        cmocka_unit_test(test_core_arena_keeps_what_it_gave),
        cmocka_unit_test(test_core_hash_sees_every_byte_and_the_size),
        cmocka_unit_test(test_core_hash_fills_buckets_evenly),
        cmocka_unit_test(test_core_crc32c),
        cmocka_unit_test(test_core_names_fold),
        cmocka_unit_test(test_core_names_hash_tells_names_apart),
        cmocka_unit_test(test_core_names_hash_folds_long_names),
        cmocka_unit_test(test_core_array_grows_and_keeps),
        cmocka_unit_test(test_core_partitioner_murmur2_as_kafka),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
