/* The recipe: its keys, its file, what is said of what it cannot be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/recipe.h"

static char *text_of(const struct recipe *recipe)
{
    struct err err = {0};
    char *text = recipe_text(recipe, &err);
    assert_non_null(text);
    return text;
}

static void test_recipe_defaults_are_the_trainers(void **state)
{
    (void)state;
    struct recipe recipe;
    struct err err = {0};
    struct trainer_options options = trainer_defaults();
    recipe_init(&recipe);
    assert_int_equal(recipe_finish(&recipe, &err), 0);
    char net[2][NET_TEXT_MAX], head[2][NET_TEXT_MAX];
    net_spec_print(&recipe.options.spec, net[0], head[0]);
    net_spec_print(&options.spec, net[1], head[1]);
    assert_string_equal(net[0], net[1]);
    assert_string_equal(head[0], head[1]);
}

/* Every key, at a value that is not its default. */
static const struct {
    const char *key, *value, *printed; /* NULL: as it is */
} others[] = {
    {"net", "lstm:8,16", NULL},
    {"head", "32 tanh dropout=0.1", NULL},
    {"features", "band_night holiday,ln_mean_10", "ln_mean_10, holiday, band_night"},
    {"loss", "huber:1.5", NULL},
    {"base", "none", NULL},
    {"optimizer", "rmsprop.keras rho=0.8", NULL},
    {"learning_rate", "1e-3", "0.001"},
    {"schedule", "step every=100 factor=0.25", NULL},
    {"clip", "value:.5", "value:0.5"},
    {"state_dropout", "0", NULL},
    {"average_decay", ".9", "0.9"},
    {"shrink", "1", NULL},
    {"epochs", "20", NULL},
    {"patience", "4", NULL},
    {"segment", "16", NULL},
    {"warmup_sessions", "0", NULL},
    {"batch", "8", NULL},
    {"seed", "123456789012345", NULL},
};
#define OTHERS (sizeof others / sizeof *others)

static void test_recipe_prints_what_reads_back_equal(void **state)
{
    (void)state;
    struct recipe recipe, back;
    struct err err = {0};
    size_t count;
    const struct recipe_key *keys = recipe_keys(&count);
    recipe_init(&recipe);
    assert_int_equal(count, OTHERS); /* a new key belongs into the table above */
    char *before = text_of(&recipe);
    for (size_t i = 0; i < OTHERS; i++) {
        char value[RECIPE_VALUE_MAX];
        if (recipe_set(&recipe, others[i].key, others[i].value, &err))
            fail_msg("%s", err.text);
        assert_string_equal(keys[i].name, others[i].key);
        recipe_value(&keys[i], &recipe, value);
        assert_string_equal(value, others[i].printed ? others[i].printed : others[i].value);
    }
    assert_int_equal(recipe_finish(&recipe, &err), 0);
    assert_int_equal(predictor_outputs(&recipe.options.spec), 1);
    for (int i = 0; i < 2; i++) { /* the whole recipe, then the defaults over it */
        char *text = i ? before : text_of(&recipe);
        recipe_init(&back);
        assert_int_equal(recipe_parse(&back, text, "r", &err), 0);
        char *again = text_of(&back);
        assert_string_equal(again, text);
        free(again);
        free(text);
    }
}

static void test_recipe_file_says_where_and_what(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says; /* NULL: it is good */
    } cases[] = {
        {"", NULL},
        {"# nothing\n\n  \t\n", NULL},
        {"  # nothing\nloss = mae # one value\n", NULL},
        {"epochs=3\r\n seed = 2 ", NULL},
        {"epochs = 3\nhidden = 32\n",
         "r:2: unknown key \"hidden\"; there are net head features loss"},
        {"epochs\n", "r:1: \"epochs\" is not of the form key = value"},
        {"epochs = 3\n\nepochs = 4\n", "r:3: epochs is already set"},
        {"epochs = 0\n", "r:1: epochs: \"0\" is not a whole number from 1 to 100000"},
        {"epochs = -1\n", "\"-1\" is not a whole number"},
        {"batch = 1.5\n", "\"1.5\" is not a whole number"},
        {"learning_rate = fast\n", "learning_rate: \"fast\" is not a number"},
        {"learning_rate = nan\n", "is not a number"},
        {"shrink = 1.01\n", "shrink: \"1.01\" is not a number from 0 to 1"},
        {"net = gru:0\n", "r:1: net"},
        {"net = elman:3\n", "r:1: net"},
        {"head = 64 swish\n", "r:1: head"},
        {"features = default\n", NULL},
        {"features = panel\n", NULL},
        {"features = ln_mean_5, weekday\n", NULL},
        {"features = ln_gap\n", "r:1: features: \"ln_gap\" is no feature to be added: there are "},
        {"features = mean\n", "there are default, panel, weekday, band, ln_previous_length"},
        {"features =\n", "r:1: features: \"\" is no feature"},
        {"loss = hinge\n", "r:1: loss"},
        {"base = median\n", "r:1: base: \"median\" is neither kernel nor none"},
        {"optimizer = lion\n", "r:1: optimizer"},
        {"optimizer = adam lr=.1\n", "the learning rate is the key learning_rate"},
        {"schedule = linear\n", "r:1: schedule"},
        {"clip = norm:0\n", "r:1: clip"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct recipe recipe;
        struct err err = {0};
        recipe_init(&recipe);
        int result = recipe_parse(&recipe, cases[i].text, "r", &err);
        if (result != (cases[i].says ? -1 : 0))
            fail_msg("%s: %d, %s", cases[i].text, result, err.text);
        if (cases[i].says && (err.code != ERR_USAGE || !strstr(err.text, cases[i].says)))
            fail_msg("%s: code %d, \"%s\" does not say \"%s\"", cases[i].text, err.code, err.text,
                     cases[i].says);
    }
}

/* The outputs may be said or left to the loss; said, they have to be the loss's. */
static void test_recipe_head_ends_in_what_the_loss_wants(void **state)
{
    (void)state;
    static const struct {
        const char *head, *loss, *printed; /* with its outputs; NULL: refused */
    } cases[] = {
        {"64 relu", "pinball:.1,.5,.9", "64 relu, 3"},
        {"64 relu", "mse", "64 relu, 1"},
        {"64 relu, 1", "mse", "64 relu, 1"},
        {"64 relu, 3", "pinball:.1,.5,.9", "64 relu, 3"},
        {"none", "mae", "1"},
        {"64 relu, 1", "pinball:.1,.5,.9", NULL},
        {"64 relu, 3", "mae", NULL},
        {"64 relu", "pinball:.25,.5,.75", NULL},
        {"64 relu", "rmse", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct recipe recipe;
        struct err err = {0};
        char net[NET_TEXT_MAX], head[NET_TEXT_MAX];
        recipe_init(&recipe);
        assert_int_equal(recipe_set(&recipe, "head", cases[i].head, &err), 0);
        assert_int_equal(recipe_set(&recipe, "loss", cases[i].loss, &err), 0);
        if (!cases[i].printed) {
            assert_int_equal(recipe_finish(&recipe, &err), -1);
            assert_int_equal(err.code, ERR_USAGE);
            continue;
        }
        if (recipe_finish(&recipe, &err))
            fail_msg("%s, %s: %s", cases[i].head, cases[i].loss, err.text);
        net_spec_print(&recipe.options.spec, net, head);
        assert_string_equal(head, cases[i].printed);
        assert_string_equal(net, "gru:32");
    }
}

static void test_recipe_of_no_file(void **state)
{
    (void)state;
    struct recipe recipe;
    struct err err = {0};
    recipe_init(&recipe);
    assert_int_equal(recipe_load(&recipe, "/nonexistent/recipe", &err), -1);
    assert_int_equal(err.code, ERR_USAGE);
    assert_non_null(strstr(err.text, "/nonexistent/recipe"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recipe_defaults_are_the_trainers),
        cmocka_unit_test(test_recipe_prints_what_reads_back_equal),
        cmocka_unit_test(test_recipe_file_says_where_and_what),
        cmocka_unit_test(test_recipe_head_ends_in_what_the_loss_wants),
        cmocka_unit_test(test_recipe_of_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
