#include "cli/recipe.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bundle/feature_names.h"

/* ---- numbers ---- */

static void *field(const struct recipe_key *key, struct recipe *recipe)
{
    return (char *)&recipe->options + key->offset;
}

static int out_of_range(const struct recipe_key *key, const char *value, const char *kind,
                        struct err *err)
{
    return err_set(err, ERR_USAGE, "%s: \"%.80s\" is not a %snumber from %.10g to %.10g", key->name,
                   value, kind, key->min, key->max);
}

static int read_real(const struct recipe_key *key, const char *value, struct recipe *recipe,
                     struct err *err)
{
    char *end;
    double number = strtod(value, &end);
    if (end == value || *end || !isfinite(number) || number < key->min || number > key->max)
        return out_of_range(key, value, "", err);
    memcpy(field(key, recipe), &number, sizeof number);
    return 0;
}

static int read_whole(const struct recipe_key *key, const char *value, uint64_t *number,
                      struct err *err)
{
    char *end;
    errno = 0;
    *number = strtoull(value, &end, 10);
    if (!isdigit((unsigned char)value[0]) || *end || errno || (double)*number < key->min ||
        (double)*number > key->max)
        return out_of_range(key, value, "whole ", err);
    return 0;
}

static int read_count(const struct recipe_key *key, const char *value, struct recipe *recipe,
                      struct err *err)
{
    uint64_t number;
    if (read_whole(key, value, &number, err))
        return -1;
    uint32_t count = (uint32_t)number;
    memcpy(field(key, recipe), &count, sizeof count);
    return 0;
}

static int read_seed(const struct recipe_key *key, const char *value, struct recipe *recipe,
                     struct err *err)
{
    return read_whole(key, value, &recipe->options.seed, err);
}

/* The fewest digits that read back equal. */
static void print_real(const struct recipe_key *key, const struct recipe *recipe,
                       char out[RECIPE_VALUE_MAX])
{
    double number;
    memcpy(&number, (const char *)&recipe->options + key->offset, sizeof number);
    if (number == floor(number) && fabs(number) < 1e9) { /* 50, not 5e+01 */
        snprintf(out, RECIPE_VALUE_MAX, "%.0f", number);
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(out, RECIPE_VALUE_MAX, "%.*g", digits, number);
        if (strtod(out, NULL) == number)
            return;
    }
}

static void print_count(const struct recipe_key *key, const struct recipe *recipe,
                        char out[RECIPE_VALUE_MAX])
{
    uint32_t count;
    memcpy(&count, (const char *)&recipe->options + key->offset, sizeof count);
    snprintf(out, RECIPE_VALUE_MAX, "%u", count);
}

static void print_seed(const struct recipe_key *key, const struct recipe *recipe,
                       char out[RECIPE_VALUE_MAX])
{
    (void)key;
    snprintf(out, RECIPE_VALUE_MAX, "%llu", (unsigned long long)recipe->options.seed);
}

/* ---- the net ---- */

static int read_net(const struct recipe_key *key, const char *value, struct recipe *recipe,
                    struct err *err)
{
    struct net_spec spec = {.inputs = STEP_INPUTS, .features = ROW_FEATURES};
    char head[NET_TEXT_MAX];
    (void)key;
    if (net_spec_parse(value, "1", &spec, err))
        return -1;
    net_spec_print(&spec, recipe->net, head);
    return 0;
}

/* "64 relu, 1" says its outputs, "64 relu" leaves them to the loss, "none" has nothing else. */
static int read_head(const struct recipe_key *key, const char *value, struct recipe *recipe,
                     struct err *err)
{
    struct net_spec spec = {.inputs = STEP_INPUTS, .features = ROW_FEATURES};
    char net[NET_TEXT_MAX];
    (void)key;
    if (strcmp(value, "none") == 0) {
        strcpy(recipe->head, value);
        return 0;
    }
    if (net_spec_parse("none", value, &spec, err))
        return -1;
    net_spec_print(&spec, net, recipe->head);
    return 0;
}

static void print_net(const struct recipe_key *key, const struct recipe *recipe,
                      char out[RECIPE_VALUE_MAX])
{
    (void)key;
    strcpy(out, recipe->net);
}

static void print_head(const struct recipe_key *key, const struct recipe *recipe,
                       char out[RECIPE_VALUE_MAX])
{
    (void)key;
    strcpy(out, recipe->head);
}

int recipe_finish(struct recipe *recipe, struct err *err)
{
    struct trainer_options *o = &recipe->options;
    unsigned outputs = loss_outputs(&o->loss) ? (unsigned)loss_outputs(&o->loss) : 1;
    char head[NET_TEXT_MAX + 16];
    o->spec =
        (struct net_spec){.inputs = STEP_INPUTS, .features = predictor_row_features(recipe->panel)};
    snprintf(head, sizeof head, "%u", outputs);
    if (strcmp(recipe->head, "none") != 0) {
        if (net_spec_parse("none", recipe->head, &o->spec, err))
            return err_prefix(err, "head");
        bool said = o->spec.dense[o->spec.dense_layers - 1].activation == DENSE_LINEAR;
        snprintf(head, sizeof head, said ? "%s" : "%s, %u", recipe->head, outputs);
    }
    if (net_spec_parse(recipe->net, head, &o->spec, err) == 0 && trainer_check(o, err) == 0)
        return 0;
    if (err && err->code != ERR_MEMORY)
        err->code = ERR_USAGE;
    return -1;
}

static int read_features(const struct recipe_key *key, const char *value, struct recipe *recipe,
                         struct err *err)
{
    (void)key;
    return panel_parse(value, &recipe->panel, err);
}

static void print_features(const struct recipe_key *key, const struct recipe *recipe,
                           char out[RECIPE_VALUE_MAX])
{
    (void)key;
    panel_print(recipe->panel, out);
}

/* ---- loss and what follows from it ---- */

static int read_loss(const struct recipe_key *key, const char *value, struct recipe *recipe,
                     struct err *err)
{
    (void)key;
    return loss_by_name(value, &recipe->options.loss, err);
}

static void print_loss(const struct recipe_key *key, const struct recipe *recipe,
                       char out[RECIPE_VALUE_MAX])
{
    (void)key;
    loss_print(&recipe->options.loss, out);
}

static int read_base(const struct recipe_key *key, const char *value, struct recipe *recipe,
                     struct err *err)
{
    (void)key;
    for (int i = 0; i < PREDICTOR_BASES; i++)
        if (strcmp(value, predictor_base_names[i]) == 0) {
            recipe->options.base = (enum predictor_base)i;
            return 0;
        }
    return err_set(err, ERR_USAGE, "\"%.80s\" is neither kernel nor none", value);
}

static void print_base(const struct recipe_key *key, const struct recipe *recipe,
                       char out[RECIPE_VALUE_MAX])
{
    (void)key;
    strcpy(out, predictor_base_names[recipe->options.base]);
}

static int read_optimizer(const struct recipe_key *key, const char *value, struct recipe *recipe,
                          struct err *err)
{
    (void)key;
    if (strstr(value, " lr="))
        return err_set(err, ERR_USAGE, "\"%.80s\": the learning rate is the key learning_rate",
                       value);
    return optimizer_parse(value, &recipe->options.optimizer, err);
}

static void print_optimizer(const struct recipe_key *key, const struct recipe *recipe,
                            char out[RECIPE_VALUE_MAX])
{
    (void)key;
    optimizer_print(&recipe->options.optimizer, out);
}

static int read_schedule(const struct recipe_key *key, const char *value, struct recipe *recipe,
                         struct err *err)
{
    (void)key;
    return schedule_parse(value, &recipe->options.schedule, err);
}

static void print_schedule(const struct recipe_key *key, const struct recipe *recipe,
                           char out[RECIPE_VALUE_MAX])
{
    (void)key;
    schedule_print(&recipe->options.schedule, out);
}

static int read_clip(const struct recipe_key *key, const char *value, struct recipe *recipe,
                     struct err *err)
{
    (void)key;
    return clip_by_name(value, &recipe->options.clip, err);
}

static void print_clip(const struct recipe_key *key, const struct recipe *recipe,
                       char out[RECIPE_VALUE_MAX])
{
    (void)key;
    clip_print(&recipe->options.clip, out);
}

/* ---- the table ---- */

#define WORDS(key, placeholder, text)                                                              \
    {                                                                                              \
        .name = #key, .value = (placeholder), .doc = (text), .read = read_##key,                   \
        .print = print_##key                                                                       \
    }
#define NUMBER(key, placeholder, kind, low, high, text)                                            \
    {                                                                                              \
        .name = #key, .value = (placeholder), .doc = (text), .min = (low), .max = (high),          \
        .offset = offsetof(struct trainer_options, key), .read = read_##kind,                      \
        .print = print_##kind                                                                      \
    }

/* clang-format off */
static const struct recipe_key keys[] = {
    WORDS(net, "LAYERS", "recurrent layers: none, gru:H, gru-before:H, lstm:H,H dropout=P ..."),
    WORDS(head, "LAYERS", "dense layers before the outputs: \"64 relu dropout=.3, 64 tanh\"; or none"),
    WORDS(features, "NAMES", "start features beside the default ones: panel (all), or some by name"),
    WORDS(loss, "NAME", "pinball:.1,.5,.9; mse mae huber:D logcosh mape msle give a single value"),
    WORDS(base, "WHAT", "kernel: the net corrects the kernel KM; none: it starts from nothing"),
    WORDS(optimizer, "NAME", "METHOD[.keras|.keras2|.torch] [key=value ...]; sgd, rmsprop, adam, adamw ..."),
    NUMBER(learning_rate, "R", real, 1e-12, 1e12, "learning rate, the schedule's peak"),
    WORDS(schedule, "NAME", "constant, cosine, step every=N factor=F; all take warmup=STEPS"),
    WORDS(clip, "HOW", "of gradients: norm:L, norm.torch:L, norm_each:L, value:L or none"),
    NUMBER(state_dropout, "P", real, 0, .99, "dropout of the recurrent state that the head reads"),
    NUMBER(average_decay, "D", real, 0, .999999, "decay of the averaged weights; 0: no average"),
    NUMBER(shrink, "F", real, 0, 1, "share of the median's correction of the kernel KM that is kept"),
    NUMBER(epochs, "N", count, 1, 100000, "passes over the rows"),
    NUMBER(patience, "N", count, 0, 100000, "epochs without a better validation that end it; 0: none do"),
    NUMBER(segment, "N", count, 1, 65536, "sessions of a segment that give loss"),
    NUMBER(warmup_sessions, "N", count, 0, 65536, "sessions before them that only move the state"),
    NUMBER(batch, "N", count, 1, 4096, "segments a step"),
    NUMBER(seed, "N", seed, 0, 1e15, "of weights, shuffles and draws"),
};
/* clang-format on */

const struct recipe_key *recipe_keys(size_t *count)
{
    *count = sizeof keys / sizeof *keys;
    return keys;
}

void recipe_init(struct recipe *recipe)
{
    *recipe = (struct recipe){.options = trainer_defaults()};
    net_spec_print(&recipe->options.spec, recipe->net, recipe->head);
    *strrchr(recipe->head, ',') = '\0'; /* the outputs are the loss's */
}

static int unknown_key(const char *name, struct err *err)
{
    char list[400] = "";
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, " %s", keys[i].name);
    }
    return err_set(err, ERR_USAGE, "unknown key \"%.80s\"; there are%s", name, list);
}

int recipe_set(struct recipe *recipe, const char *name, const char *value, struct err *err)
{
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const struct recipe_key *key = &keys[i];
        if (strcmp(name, key->name) != 0)
            continue;
        if (key->read(key, value, recipe, err) == 0)
            return 0;
        if (key->offset == 0 && err && err->code != ERR_MEMORY) { /* numbers name themselves */
            err_prefix(err, "%s", key->name);
            err->code = ERR_USAGE;
        }
        return -1;
    }
    return unknown_key(name, err);
}

void recipe_value(const struct recipe_key *key, const struct recipe *recipe,
                  char out[RECIPE_VALUE_MAX])
{
    key->print(key, recipe, out);
}
