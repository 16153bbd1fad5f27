/* Which prepared session makes room, and which never may. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stream/session_cache.h"

enum { MANY = 6000 };

static struct session_block *owner[MANY + 1];

static size_t held(void)
{
    size_t count = 0;
    for (size_t u = 0; u <= MANY; u++) {
        count += owner[u] != NULL;
        assert_true(!owner[u] || owner[u]->owner == &owner[u]);
    }
    return count;
}

/* Takes count blocks, each in a batch of its own. @return how many are held in the end */
static size_t fill(struct session_cache *cache, size_t users, uint32_t count)
{
    memset((void *)owner, 0, sizeof owner);
    for (uint32_t u = 0; u < count; u++) {
        struct session_block *block = session_cache_take(cache, &owner[u], users, u + 1);
        assert_non_null(block);
        assert_ptr_equal(owner[u], block);
        memset(block->base, 0x55, 8 * sizeof(float)); /* it has room for what it says */
        memset(block->km.pool_le, 0x55, 64 * sizeof *block->km.pool_le);
    }
    return held();
}

static void test_session_cache_is_bounded_by_its_users(void **state)
{
    struct session_cache *few = session_cache_new(64, 8), *more = session_cache_new(64, 8);
    (void)state;
    size_t of_few = fill(few, 1, MANY);
    assert_true(of_few < MANY / 4);
    session_cache_free(few);
    assert_int_equal(held(), 0); /* no owner points into what is gone */
    size_t of_more = fill(more, 20000, MANY);
    assert_true(of_more > 1500 && of_more < MANY / 2);
    /* a block holds both arrays of the kernel KM and the head's first layer */
    assert_true(session_cache_bytes(more) >= of_more * (km_size_bytes(64) + 8 * sizeof(float)));
    session_cache_free(more);
}

static void test_session_cache_silent_sessions_make_room(void **state)
{
    struct session_cache *cache = session_cache_new(64, 8);
    (void)state;
    size_t room = fill(cache, 1, MANY);
    size_t silent = 0;
    /* all but every tenth go on */
    for (uint32_t u = 0; u < MANY; u++) {
        if (owner[u] && u % 10)
            session_cache_touch(owner[u], MANY + 1);
        silent += owner[u] && u % 10 == 0;
    }
    static struct session_block *newcomer[MANY];
    assert_true(silent > 10);
    for (size_t k = 0; k < silent / 2; k++)
        assert_non_null(session_cache_take(cache, &newcomer[k], 1, MANY + 2));
    assert_int_equal(held(), room - silent / 2);
    size_t still_silent = 0;
    for (uint32_t u = 0; u < MANY; u += 10)
        still_silent += owner[u] != NULL;
    assert_int_equal(still_silent, silent - silent / 2); /* nobody who goes on had to */
    session_cache_free(cache);
}

/* What a micro-batch waits for stays whole until that is run, also when it was given back. */
static void test_session_cache_keeps_what_a_batch_waits_for(void **state)
{
    enum { WAITING = 3000, BATCH = 9 };
    static struct session_block *waiting[WAITING];
    struct session_cache *cache = session_cache_new(64, 0);
    (void)state;
    memset((void *)owner, 0, sizeof owner);
    for (uint32_t u = 0; u < WAITING; u++)
        waiting[u] = session_cache_take(cache, &owner[u], 1, BATCH);
    assert_int_equal(held(), WAITING); /* more than it would hold otherwise */
    session_cache_give(cache, waiting[3]);
    assert_null(owner[3]);
    struct session_block *other = session_cache_take(cache, &owner[WAITING], 1, BATCH);
    for (uint32_t u = 0; u < WAITING; u++)
        assert_ptr_not_equal(other, waiting[u]);
    assert_ptr_equal(session_cache_take(cache, &owner[3], 1, BATCH + 1), waiting[3]);
    session_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_session_cache_is_bounded_by_its_users),
        cmocka_unit_test(test_session_cache_silent_sessions_make_room),
        cmocka_unit_test(test_session_cache_keeps_what_a_batch_waits_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
