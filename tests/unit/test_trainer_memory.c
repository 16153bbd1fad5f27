/* The nth allocation of training fails, for every n: it must end with an error that says so, and
 * leak nothing (AddressSanitizer watches). The linker puts the functions below before calloc and
 * aligned_alloc. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "nn/trainer.h"

#define SESSIONS 40

static long allocations_left = -1; /* until one fails; negative: never */

static bool fails_now(void)
{
    return allocations_left >= 0 && allocations_left-- == 0;
}

void *__real_calloc(size_t count, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

void *__wrap_calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails_now() ? NULL : __real_aligned_alloc(alignment, size);
}

static void test_trainer_memory_fails_at_any_allocation(void **state)
{
    (void)state;
    static float steps[SESSIONS * STEP_INPUTS], start[SESSIONS * START_FEATURES];
    static struct train_row rows[SESSIONS];
    for (size_t k = 0; k < SESSIONS; k++) {
        steps[k * STEP_INPUTS] = (float)k;
        rows[k] = (struct train_row){.session = (uint32_t)k,
                                     .scrobble = 1,
                                     .kernel_s = {100, 1000, 5000},
                                     .remaining_s = (float)(k * k)};
    }
    struct train_user user = {SESSIONS, steps, start, SESSIONS, rows};
    struct train_set set = {.users = 1, .user = &user};
    struct trainer_options options = trainer_defaults();
    options.spec = PREDICTOR_SPEC(4, 8);
    options.epochs = 1;
    struct predictor *net = NULL;
    long n;
    for (n = 0; !net && n < 1000; n++) {
        struct err err = {0};
        allocations_left = n;
        net = trainer_run(&set, &options, NULL, NULL, &err);
        if (!net)
            assert_int_equal(err.code, ERR_MEMORY);
    }
    allocations_left = -1;
    assert_non_null(net); /* in the end there was enough */
    assert_true(n > 20);
    predictor_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trainer_memory_fails_at_any_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
