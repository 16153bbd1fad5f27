#include "nn/schedule.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "nn/settings.h"

enum { TAKES_WARMUP = 1, TAKES_COSINE = 2, TAKES_STEP = 4 };

struct schedule_kind {
    const char *name;
    /* @param u steps behind the warm-up */
    double (*rate)(const struct schedule *schedule, double peak, double u);
    unsigned takes;
};

static double rate_constant(const struct schedule *schedule, double peak, double u)
{
    (void)schedule;
    (void)u;
    return peak;
}

static double rate_cosine(const struct schedule *s, double peak, double u)
{
    assert(s->steps > 0);
    double fall = .5 * (1 + cos(M_PI * (u < s->steps ? u : s->steps) / s->steps));
    return peak * ((1 - s->floor) * fall + s->floor);
}

static double rate_step(const struct schedule *s, double peak, double u)
{
    return peak * pow(s->factor, floor(u / s->every));
}

static const struct schedule_kind kinds[] = {
    {"constant", rate_constant, TAKES_WARMUP},
    {"cosine", rate_cosine, TAKES_WARMUP | TAKES_COSINE},
    {"step", rate_step, TAKES_WARMUP | TAKES_STEP},
};

static const struct schedule defaults = {.every = 1000, .factor = .5};

#define NUMBER(field, low, high, range, bit)                                                       \
    {                                                                                              \
#field, offsetof(struct schedule, field), false, low, high, range, bit                     \
    }
static const struct setting settings_table[] = {
    NUMBER(warmup, 0, DBL_MAX, "0 steps or more", TAKES_WARMUP),
    NUMBER(start, 0, 1, "0 to 1, a part of the peak", TAKES_WARMUP),
    NUMBER(steps, 0, DBL_MAX, "a number of steps, 0 for those of the training", TAKES_COSINE),
    NUMBER(floor, 0, 1, "0 to 1, a part of the peak", TAKES_COSINE),
    NUMBER(every, 1, DBL_MAX, "1 step or more", TAKES_STEP),
    NUMBER(factor, DBL_MIN, 1, "above 0 to 1", TAKES_STEP),
};
#define SETTINGS (sizeof settings_table / sizeof *settings_table)

int schedule_parse(const char *text, struct schedule *out, struct err *err)
{
    size_t size;
    const char *word = settings_word(text, &size);
    struct schedule schedule = defaults;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strlen(kinds[i].name) == size && !memcmp(kinds[i].name, word, size))
            schedule.kind = &kinds[i];
    if (!schedule.kind)
        return err_set(err, ERR_INPUT, "'%.*s' is no schedule; it may be constant, cosine or step",
                       (int)(size < 60 ? size : 60), word);
    char what[64];
    snprintf(what, sizeof what, "schedule %s", schedule.kind->name);
    if (settings_read(what, text, settings_table, SETTINGS, schedule.kind->takes, &schedule, err))
        return -1;
    *out = schedule;
    return 0;
}

void schedule_print(const struct schedule *schedule, char out[SCHEDULE_TEXT_MAX])
{
    snprintf(out, SCHEDULE_TEXT_MAX, "%s", schedule->kind->name);
    settings_print(settings_table, SETTINGS, schedule->kind->takes, schedule, &defaults, out,
                   SCHEDULE_TEXT_MAX);
}

double schedule_rate(const struct schedule *schedule, double peak, double step)
{
    if (step < schedule->warmup) {
        double from = schedule->start * peak;
        return from + (peak - from) * step / schedule->warmup;
    }
    return schedule->kind->rate(schedule, peak, step - schedule->warmup);
}
