/* outro train --seed-compat: a prepared directory to the models of the re-implemented system. */
#include "cli/cmd_train_seed.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/created.h"
#include "cli/options.h"
#include "cli/seed_directory.h"
#include "cli/seed_flags.h"
#include "cli/seed_store.h"
#include "cli/seed_watch.h"
#include "nn/tensor.h"
#include "seed/seed_models.h"

struct train_seed {
    const char *directory, *out_path, *clusters_path;
    struct seed_flags flags;
    struct seed_recipe recipe;
    uint64_t threads;
    bool quiet;
};

static void print_models(const struct seed_models *models)
{
    printf("%-8s %6s %9s %13s %7s %12s %12s\n", "cluster", "people", "sessions", "standardised",
           "epochs", "loss", "validation");
    for (uint32_t c = 0; c < models->clusters; c++) {
        const struct seed_cluster *cluster = &models->cluster[c];
        printf("%-8u %6u %9llu ", c, cluster->users, (unsigned long long)cluster->sessions);
        if (!cluster->trained) {
            puts("no model: too few people, or no session");
            continue;
        }
        const struct seed_epoch *last = &cluster->curve[cluster->epochs - 1];
        printf("%13s %7u %12.6g ", cluster->standardised ? "yes" : "no", cluster->epochs,
               last->loss);
        if (isnan(last->validation))
            printf("%12s\n", "-"); /* nobody of the cluster is for validation */
        else
            printf("%12.6g\n", last->validation);
    }
}

static int save(const struct train_seed *train, const struct seed_models *models, struct err *err)
{
    char created[32];
    created_now(created);
    return seed_store_save(train->out_path, models, created, err);
}

static int learn(const struct train_seed *train, const struct seed_data *data,
                 const struct seed_members *members, struct err *err)
{
    struct seed_models models = {0};
    struct seed_models *all[] = {&models};
    int result = seed_models_init(&models, &train->recipe, members, data, err);
    if (result == 0 && members && seed_models_work(&models) == 0)
        result = err_set(err, ERR_INPUT,
                         "%s: no cluster has %u people and a session of theirs to train on: give a "
                         "smaller --min-users, or fewer clusters",
                         train->clusters_path, train->recipe.min_users);
    if (result == 0)
        result = seed_watch_train(all, 1, data, (uint32_t)train->threads, train->quiet, err);
    if (result == 0)
        result = save(train, &models, err);
    if (result == 0 && !train->quiet)
        print_models(&models);
    seed_models_release(&models);
    return result;
}

static int run(const struct train_seed *train, struct err *err)
{
    struct seed_data data = {0};
    struct seed_names names = {0};
    struct seed_members members = {0};
    int result = -1;
    if (seed_store_can_save(train->out_path, err) == 0 &&
        seed_directory_read(train->directory, &data, &names, err) == 0 &&
        (!train->clusters_path ||
         seed_clusters_read(train->clusters_path, &names, &members, err) == 0))
        result = learn(train, &data, train->clusters_path ? &members : NULL, err);
    seed_members_release(&members);
    seed_names_release(&names);
    seed_data_release(&data);
    return result;
}

int cmd_train_seed(int argc, char **argv)
{
    struct train_seed train = {.recipe = seed_recipe_defaults()};
    struct err err = {0};
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    train.threads = cores > 0 ? (uint64_t)cores : 1;
    const struct option_row ours[] = {
        {"out", "MODELS", OPTION_TEXT, &train.out_path, 0, 0, "directory to write the models to"},
        {"clusters", "FILE", OPTION_TEXT, &train.clusters_path, 0, 0,
         "of outro cluster, or lines USER tab CLUSTER: a model each (default: one for everybody)"},
        {"threads", "N", OPTION_COUNT, &train.threads, 1, 256,
         "clusters at once; the result does not depend on it (default: all cores)"},
        OPTION_ROW_QUIET(&train.quiet),
    };
    enum { OURS = sizeof ours / sizeof *ours };
    struct option_row rows[OURS + SEED_FLAG_ROWS + 1];
    memcpy(rows, ours, sizeof ours);
    seed_flags_rows(&train.flags, &train.recipe, rows + OURS);
    rows[OURS + SEED_FLAG_ROWS] = (struct option_row)OPTION_ROW_END;
    const struct options options = {
        .command = "train --seed-compat",
        .operands = "DIR",
        .summary =
            "Trains the models of the re-implemented system by its own protocol, errors and all, "
            "on the summary\nfiles of DIR (made by `outro prepare --seed-compat`): nine raw "
            "inputs, one time step, rows in order.\n`outro evaluate DIR --models MODELS "
            "--seed-compat` says what they are worth. For comparison only:\n`outro train LOG` "
            "trains what serves.",
        .min_operands = 1,
        .max_operands = 1,
        .rows = rows,
    };
    int count = options_parse(&options, argc, argv);
    if (count < 0)
        return options_status(count);
    if (!train.out_path)
        return options_usage("train --seed-compat", "--out MODELS is missing");
    train.directory = argv[1];
    tensor_use_one_thread();
    if (seed_flags_recipe(&train.flags, &train.recipe, &err) || run(&train, &err))
        return options_fail("train --seed-compat", &err);
    return 0;
}
