#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/random.h"
#include "trainer_fixture.h"

#define BASE_S 1500.0

static double normal(struct random *random)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += random_uniform(random);
    return sum;
}

static void make_user(struct train_user *user, struct random *random, enum secret secret)
{
    user->sessions = SESSIONS;
    user->rows = SESSIONS * ROWS_SESSION;
    user->steps = calloc(SESSIONS * STEP_INPUTS, sizeof *user->steps);
    user->row = calloc(user->rows, sizeof *user->row);
    user->start = calloc(SESSIONS * START_FEATURES, sizeof *user->start);
    assert_non_null(user->steps);
    assert_non_null(user->start);
    assert_non_null(user->row);
    for (size_t i = 0; i < SESSIONS * STEP_INPUTS; i++)
        user->steps[i] = (float)(3 + 2 * normal(random));
    for (size_t k = 0; k < SESSIONS; k++) {
        float *start = user->start + k * START_FEATURES;
        for (size_t f = 0; f < START_FEATURES; f++)
            start[f] = (float)(7 + normal(random));
        double known = 0;
        if (secret == SECRET_START)
            known = (double)start[0] - 7;
        if (secret == SECRET_HISTORY && k)
            known = ((double)user->steps[(k - 1) * STEP_INPUTS] - 3) / 2;
        for (size_t i = 0; i < ROWS_SESSION; i++) {
            struct train_row *row = &user->row[k * ROWS_SESSION + i];
            row->session = (uint32_t)k;
            row->scrobble = (uint32_t)i + 1;
            for (size_t f = 0; f < LIVE_FEATURES; f++)
                row->live[f] = (float)normal(random);
            double spread = secret == SECRET_NONE ? .9 : .3;
            row->remaining_s = (float)(BASE_S * exp(.85 * known + spread * normal(random)));
            /* About right for every spread of .9, which is the spread to one who does not know. */
            row->kernel_s[0] = (float)(BASE_S * exp(-1.28 * .9));
            row->kernel_s[1] = (float)BASE_S;
            row->kernel_s[2] = (float)(BASE_S * exp(1.28 * .9));
        }
    }
}

struct train_set make_set(enum secret secret)
{
    struct train_set set = {.users = USERS, .user = calloc(USERS, sizeof *set.user)};
    struct random random;
    assert_non_null(set.user);
    random_init(&random, 21, 0);
    for (size_t u = 0; u < USERS; u++)
        make_user(&set.user[u], &random, secret);
    return set;
}

void free_set(struct train_set *set)
{
    for (size_t u = 0; u < set->users; u++) {
        free(set->user[u].steps);
        free(set->user[u].start);
        free(set->user[u].row);
    }
    free(set->user);
}

struct trainer_options small_options(void)
{
    struct trainer_options options = trainer_defaults();
    options.spec = PREDICTOR_SPEC(8, 16);
    options.spec.dense[0].dropout = .3;
    options.batch = 6; /* a whole group and a part of one */
    options.epochs = 8;
    options.seed = 3;
    options.shrink = 1; /* what is learned, whole */
    return options;
}

struct predictor *trained_with(const struct train_set *set, const struct trainer_options *options,
                               const struct trainer_hooks *hooks, struct trainer_report *report)
{
    struct err err = {0};
    struct predictor *net = trainer_run(set, options, hooks, report, &err);
    if (!net)
        fail_msg("%s", err.text);
    return net;
}

struct predictor *trained(const struct train_set *set, const struct trainer_options *options,
                          struct trainer_report *report)
{
    return trained_with(set, options, NULL, report);
}
