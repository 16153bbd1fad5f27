/* The workers: every task once, whoever does it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/workers.h"

struct tally {
    unsigned done[100];
    size_t threads;
};

static void count_task(void *ctx, size_t worker, size_t i)
{
    struct tally *tally = ctx;
    assert_true(worker < tally->threads);
    tally->done[i]++;
}

static void test_workers_do_every_task_once(void **state)
{
    (void)state;
    for (size_t threads = 1; threads <= 4; threads++) {
        struct err err = {0};
        struct tally tally = {.threads = threads};
        struct workers *workers = workers_new(threads, &err);
        assert_non_null(workers);
        for (unsigned round = 1; round <= 200; round++) {
            size_t tasks = round % 101;
            memset(tally.done, 0, sizeof tally.done);
            workers_run(workers, tasks, count_task, &tally);
            for (size_t i = 0; i < 100; i++)
                assert_int_equal(tally.done[i], i < tasks);
        }
        workers_free(workers);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_workers_do_every_task_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
