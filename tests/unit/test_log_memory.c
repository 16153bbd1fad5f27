/* The nth allocation of our own code fails, for every n: reading must end with an error that says
 * so, and leak nothing (AddressSanitizer watches). The linker puts the functions below before
 * malloc, calloc and realloc. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "data/durations.h"
#include "data/log.h"
#include "data/profiles.h"
#include "temp_file.h"

static long allocations_left = -1; /* until one fails; negative: never */

static bool fails_now(void)
{
    return allocations_left >= 0 && allocations_left-- == 0;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return fails_now() ? NULL : __real_realloc(memory, size);
}

struct inputs {
    struct temp_file log, durations, profiles;
};

/* Enough rows for three runs in a temporary file, tracks and users for tables that grow. */
static void write_inputs(struct inputs *inputs)
{
    temp_file_make(&inputs->log);
    temp_file_make(&inputs->durations);
    temp_file_make(&inputs->profiles);
    FILE *log = fopen(inputs->log.path, "wb"), *durations = fopen(inputs->durations.path, "wb"),
         *profiles = fopen(inputs->profiles.path, "wb");
    assert_true(log && durations && profiles);
    for (int i = 25000; i-- > 0;)
        fprintf(log, "u%d\t2009-05-03T%02d:%02d:%02dZ\t\tA\t\tT%d\n", i % 9, i / 3600, i / 60 % 60,
                i % 60, i);
    for (int i = 0; i < 1500; i++)
        fprintf(durations, "A\tT%d\t%d\n", i, i + 1);
    for (int i = 0; i < 150; i++)
        fprintf(profiles, "u%d\t\t\t\t\n", i);
    fclose(log);
    fclose(durations);
    fclose(profiles);
}

/* @return rows read, or -1 with err */
static int read_all(const struct inputs *inputs, struct err *err)
{
    int rows = -1, status;
    struct log *log = NULL;
    struct scrobble scrobble;
    struct durations *durations = durations_load(inputs->durations.path, err);
    struct profiles *profiles = durations ? profiles_load(inputs->profiles.path, err) : NULL;
    if (!profiles)
        goto out;
    struct log_options options = {.memory_bytes = 1, .durations = durations};
    log = log_open(inputs->log.path, &options, err);
    if (!log)
        goto out;
    rows = 0;
    while ((status = log_next(log, &scrobble, err)) > 0)
        rows++;
    if (status < 0)
        rows = -1;
out:
    log_free(log);
    profiles_free(profiles);
    durations_free(durations);
    return rows;
}

static void test_log_memory_every_allocation_may_fail(void **state)
{
    (void)state;
    struct inputs inputs;
    write_inputs(&inputs);
    long n = 0;
    for (;; n++) {
        struct err err = {0};
        allocations_left = n;
        int rows = read_all(&inputs, &err);
        bool failed = allocations_left < 0;
        allocations_left = -1;
        if (!failed) { /* there are no more than n */
            assert_int_equal(rows, 25000);
            break;
        }
        assert_int_equal(rows, -1);
        assert_int_equal(err.code, ERR_MEMORY);
        assert_non_null(strstr(err.text, "out of memory"));
    }
    assert_true(n > 50);
    temp_file_remove(&inputs.log);
    temp_file_remove(&inputs.durations);
    temp_file_remove(&inputs.profiles);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_memory_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
