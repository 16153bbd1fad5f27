#include "cli/seed_flags.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void seed_flags_rows(struct seed_flags *flags, const struct seed_recipe *defaults,
                     struct option_row out[SEED_FLAG_ROWS])
{
    static char batch[96], epochs[160], min_users[160], filter[160];
    *flags = (struct seed_flags){.hidden_dim = defaults->hidden_dim,
                                 .layer_dims = defaults->layer_dims,
                                 .layers = defaults->layers,
                                 .batch = defaults->batch,
                                 .epochs = defaults->epochs,
                                 .seed = defaults->seed,
                                 .min_users = defaults->min_users,
                                 .dropout = defaults->dropout,
                                 .filter = defaults->filter};
    snprintf(batch, sizeof batch, "sessions a step (default: %u)", defaults->batch);
    snprintf(epochs, sizeof epochs,
             "over all sessions; large clusters have a fifth, .7 and .8 of them (default: %u)",
             defaults->epochs);
    snprintf(
        min_users, sizeof min_users,
        defaults->min_users
            ? "smaller clusters have no model; the other rules' sizes shrink with it (default: %u)"
            : "smaller clusters have no model (default: the original's 31 of 992, scaled)",
        defaults->min_users);
    snprintf(filter, sizeof filter, "leave out rows with longer labels, test rows too%s",
             isnan(defaults->filter) ? " (default: report 99.5, else as trained)"
                                     : ", as the original did (default: none)");
    const struct option_row rows[SEED_FLAG_ROWS] = {
        {"hidden-dim", "H", OPTION_COUNT, &flags->hidden_dim, 1, NET_WIDTH_MAX,
         "width of the recurrent layer (default: 250)"},
        {"dropout", "P", OPTION_REAL, &flags->dropout, 0, .999,
         "of every recurrent layer's inputs (default: 0)"},
        {"loss", "LOSS", OPTION_TEXT, &flags->loss, 0, 0, "by name (default: mae)"},
        {"optimizer", "TEXT", OPTION_TEXT, &flags->optimizer, 0, 0,
         "\"NAME.FORM key=value\" (default: adam.keras2, lr .001)"},
        {"batch", "N", OPTION_COUNT, &flags->batch, 1, 100000, batch},
        {"epochs", "N", OPTION_COUNT, &flags->epochs, 1, 1000000, epochs},
        {"seed", "N", OPTION_COUNT, &flags->seed, 0, 9007199254740992.0,
         "of the weights' start: the same seed, the same bits (default: 1)"},
        {"min-users", "N", OPTION_COUNT, &flags->min_users, 2, 1000000, min_users},
        {"filter-percentile", "P", OPTION_REAL, &flags->filter, 0, 100, filter},
        {"model", "NAME", OPTION_TEXT, &flags->model, 0, 0,
         "lstm, gru or layered-lstm (default: lstm)"},
        {"layer-dims", "H", OPTION_COUNT, &flags->layer_dims, 1, NET_WIDTH_MAX,
         "layered-lstm: width of its first layer (default: 150)"},
        {"layers", "N", OPTION_COUNT, &flags->layers, 1, NET_LAYERS_MAX - 1,
         "layered-lstm: layers of --hidden-dim on the first (default: 1)"},
        {"standardise", "HOW", OPTION_TEXT, &flags->scaling, 0, 0,
         "lengths and averages: no, yes, or mixed: those of small clusters (default: no)"},
        {"join-labels", NULL, OPTION_FLAG, &flags->joined, 0, 0,
         "standardised labels stay with their own rows, as the original failed to keep them"},
    };
    memcpy(out, rows, sizeof rows);
}

const char *seed_flags_given(const struct seed_flags *flags, const struct seed_recipe *defaults)
{
    const struct {
        const char *name;
        bool differs;
    } option[] = {{"--hidden-dim", flags->hidden_dim != defaults->hidden_dim},
                  {"--dropout", flags->dropout != defaults->dropout},
                  {"--loss", flags->loss},
                  {"--optimizer", flags->optimizer},
                  {"--batch", flags->batch != defaults->batch},
                  {"--epochs", flags->epochs != defaults->epochs},
                  {"--seed", flags->seed != defaults->seed},
                  {"--min-users", flags->min_users != defaults->min_users}};
    for (size_t i = 0; i < sizeof option / sizeof *option; i++)
        if (option[i].differs)
            return option[i].name;
    return NULL;
}

/* @return which of the names, or -1 with ERR_USAGE */
static int find(const char *option, const char *name, const char *const *names, int count,
                struct err *err)
{
    char list[128] = "";
    for (int i = 0; i < count; i++) {
        if (strcmp(name, names[i]) == 0)
            return i;
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", names[i]);
    }
    return err_set(err, ERR_USAGE, "--%s: \"%.40s\" is none of %s", option, name, list);
}

int seed_cell_find(const char *name, enum seed_cell *out, struct err *err)
{
    int found = find("model", name, seed_cell_names, SEED_CELLS, err);
    if (found >= 0)
        *out = (enum seed_cell)found;
    return found < 0 ? -1 : 0;
}

int seed_scaling_find(const char *name, enum seed_scaling *out, struct err *err)
{
    int found = find("standardise", name, seed_scaling_names, SEED_SCALINGS, err);
    if (found >= 0)
        *out = (enum seed_scaling)found;
    return found < 0 ? -1 : 0;
}

/* A sentence of a library about a value, as one of the option it was given by. */
static int usage(const char *option, struct err *err)
{
    if (err) {
        err_prefix(err, "--%s", option);
        err->code = ERR_USAGE;
    }
    return -1;
}

int seed_flags_recipe(const struct seed_flags *flags, struct seed_recipe *recipe, struct err *err)
{
    struct net_spec spec;
    recipe->hidden_dim = (uint32_t)flags->hidden_dim;
    recipe->layer_dims = (uint32_t)flags->layer_dims;
    recipe->layers = (uint32_t)flags->layers;
    recipe->batch = (uint32_t)flags->batch;
    recipe->epochs = (uint32_t)flags->epochs;
    recipe->seed = flags->seed;
    recipe->min_users = (uint32_t)flags->min_users;
    recipe->dropout = flags->dropout;
    recipe->filter = flags->filter;
    recipe->misjoined = !flags->joined;
    if ((flags->model && seed_cell_find(flags->model, &recipe->cell, err)) ||
        (flags->scaling && seed_scaling_find(flags->scaling, &recipe->scaling, err)))
        return -1;
    if (flags->loss && loss_by_name(flags->loss, &recipe->loss, err))
        return usage("loss", err);
    size_t outputs = loss_outputs(&recipe->loss);
    if (loss_is_metric(&recipe->loss) || outputs > 1)
        return err_set(err, ERR_USAGE, "--loss: %s cannot train a net of one output", flags->loss);
    if (flags->optimizer && optimizer_parse(flags->optimizer, &recipe->optimizer, err))
        return usage("optimizer", err);
    return seed_recipe_spec(recipe, &spec, err) ? usage("layers", err) : 0;
}
