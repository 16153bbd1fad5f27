#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bundle/bundle.h"
#include "bundle/feature_names.h"
#include "bundle/safetensors.h"
#include "bundle/sha256.h"
#include "bundle_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- what is saved is what is loaded ---- */

static void check_equal(const struct bundle *loaded, const struct bundle *saved)
{
    if (!loaded) {
        fail_msg("nothing was loaded");
        return;
    }
    assert_int_equal(loaded->gap_ms, saved->gap_ms);
    assert_int_equal(loaded->window, saved->window);
    assert_memory_equal(loaded->pool_ms, saved->pool_ms, sizeof saved->pool_ms);
    char net[2][NET_TEXT_MAX], head[2][NET_TEXT_MAX];
    net_spec_print(&loaded->net->spec, net[0], head[0]);
    net_spec_print(&saved->net->spec, net[1], head[1]);
    assert_string_equal(net[0], net[1]);
    assert_string_equal(head[0], head[1]);
    assert_memory_equal(&loaded->net->scaler, &saved->net->scaler, sizeof saved->net->scaler);
    assert_int_equal(loaded->net->params_count, saved->net->params_count);
    assert_memory_equal(loaded->net->params, saved->net->params,
                        saved->net->params_count * sizeof(float));
    assert_int_equal(loaded->net->base, saved->net->base);
    assert_int_equal(!loaded->recipe, !saved->recipe);
    if (saved->recipe)
        assert_string_equal(loaded->recipe, saved->recipe);
    assert_int_equal(loaded->scores, saved->scores);
    for (size_t i = 0; i < saved->scores; i++) {
        assert_string_equal(loaded->score[i].name, saved->score[i].name);
        assert_true(loaded->score[i].value == saved->score[i].value ||
                    (isnan(loaded->score[i].value) && isnan(saved->score[i].value)));
    }
}

static void test_bundle_loads_to_the_bit(void **state)
{
    (void)state;
    static const uint32_t hidden[] = {0, 1, 5, 32};
    for (size_t i = 0; i < COUNT(hidden); i++) {
        struct bundle_fixture f;
        struct err err = {0};
        char version[BUNDLE_VERSION_MAX + 1], hash[65];
        size_t size;
        fixture_init(&f, hidden[i], i);
        f.bundle.score[f.bundle.scores++] = (struct bundle_score){"test.m1", (double)NAN};
        f.bundle.recipe = "net = gru:4\nloss = mae\n";
        f.bundle.net->base = BASE_NONE;
        const char *path = fixture_path(&f, "b");
        if (bundle_save(path, &f.bundle, CREATED, version, &err))
            fail_msg("%s", err.text);
        struct bundle *loaded = bundle_load(path, &err);
        if (!loaded) {
            fail_msg("%s", err.text);
            return;
        }
        check_equal(loaded, &f.bundle);
        assert_string_equal(loaded->created, CREATED);
        assert_string_equal(loaded->version, version);
        assert_memory_equal(version, "20261124T101500Z-", 17);
        char *weights = read_bytes(fixture_path(&f, WEIGHTS), &size);
        assert_int_equal(sha256_hex(weights, size, hash, &err), 0);
        assert_memory_equal(version + 17, hash, 8);
        assert_int_equal(strlen(version), 25);
        free(weights);
        bundle_release(loaded);
        fixture_release(&f);
    }
}

static void test_bundle_fingerprint_follows_the_manifest(void **state)
{
    (void)state;
    struct bundle_fixture f;
    struct err err = {0};
    char a[65], b[65], c[65];
    fixture_init(&f, 4, 1);
    const char *path = fixture_path(&f, "b");
    assert_int_equal(bundle_fingerprint(path, a, &err), -1);
    assert_int_equal(err.code, ERR_IO);
    fixture_save(&f, "b");
    assert_int_equal(bundle_fingerprint(path, a, &err), 0);
    fixture_save(&f, "b");
    assert_int_equal(bundle_fingerprint(path, b, &err), 0);
    assert_string_equal(a, b); /* the same in, the same out */
    f.bundle.net->params[3] += 1;
    fixture_save(&f, "b");
    assert_int_equal(bundle_fingerprint(path, c, &err), 0);
    assert_string_not_equal(a, c);
    fixture_release(&f);
}

static void *hold_and_release(void *argument)
{
    for (int i = 0; i < 2000; i++)
        bundle_release(bundle_hold(argument));
    bundle_release(argument);
    return NULL;
}

/* The last of four threads frees; the sanitizers watch for one too early, and for none. */
static void test_bundle_last_holder_frees(void **state)
{
    (void)state;
    struct bundle_fixture f;
    pthread_t threads[4];
    fixture_init(&f, 4, 1);
    fixture_save(&f, "b");
    struct bundle *bundle = bundle_load(fixture_path(&f, "b"), NULL);
    assert_non_null(bundle);
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hold_and_release, bundle_hold(bundle)),
                         0);
    bundle_release(bundle);
    for (size_t i = 0; i < COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    bundle_release(NULL);
    fixture_release(&f);
}

/* ---- what is not saved ---- */

static void test_bundle_bad_ones_are_not_saved(void **state)
{
    (void)state;
    static const char *const reasons[] = {"rnn.0.weight_ih: value 3 is not a number",
                                          "head.2.bias: value 2 is infinite",
                                          "a number that is not finite",
                                          "features.step[2].sd",
                                          "a name is empty",
                                          "has 65 bytes",
                                          "kernel.window",
                                          "kernel.pool_ms[1]",
                                          "session.gap_ms",
                                          "created is \"2026-11-24\""};
    for (size_t i = 0; i < COUNT(reasons); i++) {
        struct bundle_fixture f;
        struct err err = {0};
        char name[66];
        memset(name, 'n', 65);
        name[65] = '\0';
        fixture_init(&f, 4, 1);
        struct predictor *net = f.bundle.net;
        switch (i) {
        case 0:
            net->params[3] = NAN;
            break;
        case 1:
            net->params[net->params_count - 1] = -INFINITY;
            break;
        case 2:
            net->scaler.live_mean[1] = NAN;
            break;
        case 3:
            net->scaler.step_inverse_sd[2] = -1;
            break;
        case 4:
            f.bundle.score[0].name = "";
            break;
        case 5:
            f.bundle.score[0].name = name;
            break;
        case 6:
            f.bundle.window = 4097;
            break;
        case 7:
            f.bundle.pool_ms[0] = 5;
            break;
        case 8:
            f.bundle.gap_ms = 0;
            break;
        default:
            break;
        }
        const char *created = i == 9 ? "2026-11-24" : CREATED;
        assert_int_equal(bundle_save(fixture_path(&f, "b"), &f.bundle, created, NULL, &err), -1);
        if (!strstr(err.text, reasons[i]))
            fail_msg("\"%s\" does not say \"%s\"", err.text, reasons[i]);
        assert_int_equal(fixture_entries(&f), 0);
        fixture_release(&f);
    }
}

/* ---- damaged files ---- */

static void test_bundle_half_written_ones_are_refused(void **state)
{
    (void)state;
    static const char *const files[] = {MANIFEST, WEIGHTS};
    for (size_t i = 0; i < COUNT(files); i++) {
        struct bundle_fixture f;
        fixture_init(&f, 4, 1);
        fixture_save(&f, "b");
        size_t size;
        const char *path = fixture_path(&f, files[i]);
        char *bytes = read_bytes(path, &size);
        for (size_t cut = 0; cut < size - 1; cut += size / 16 + 1) { /* the last byte is a brace */
            write_bytes(path, bytes, cut);
            fixture_refused(&f, files[i], i ? "global.safetensors: " : "manifest.json: line");
        }
        assert_int_equal(unlink(path), 0);
        fixture_refused(&f, files[i], i ? "global.safetensors: No such" : "manifest.json: No such");
        free(bytes);
        fixture_release(&f);
    }
}

static void test_bundle_a_flipped_bit_is_seen(void **state)
{
    (void)state;
    struct bundle_fixture f;
    size_t size;
    fixture_init(&f, 4, 1);
    fixture_save(&f, "b");
    const char *path = fixture_path(&f, WEIGHTS);
    char *bytes = read_bytes(path, &size);
    for (size_t at = 0; at < size; at += size / 8 + 1) {
        bytes[at] ^= 1;
        write_bytes(path, bytes, size);
        fixture_refused(&f, "flipped", "global.safetensors: sha256 is");
        bytes[at] ^= 1;
    }
    free(bytes);
    fixture_release(&f);
}

/* Writes weights and lets the manifest vouch for them, so that only what is in them can be wrong.
 */
static void vouch(struct bundle_fixture *f, const char *bytes, size_t size)
{
    char hash[65], text[96];
    write_bytes(fixture_path(f, WEIGHTS), bytes, size);
    assert_int_equal(sha256_hex(bytes, size, hash, NULL), 0);
    snprintf(text, sizeof text, "\"%s\"", hash);
    fixture_edit(f, "files/global.safetensors/sha256", text);
    snprintf(text, sizeof text, "%zu", size);
    fixture_edit(f, "files/global.safetensors/size", text);
    snprintf(text, sizeof text, "\"20261124T101500Z-%.8s\"", hash);
    fixture_edit(f, "version", text);
}

/* Any network travels: what it is in the manifest, its tensors, its self-test. */
static void test_bundle_of_any_network_loads_to_the_bit(void **state)
{
    (void)state;
    static const struct {
        const char *net, *head;
        uint32_t panel;
    } nets[] = {
        {"lstm:7,4 gru-before:3 gates=hard_sigmoid_fifth", "6 tanh, 5 relu biases=0, 3", 0},
        {"gru:5 gates=hard_sigmoid_sixth biases=0", "3", 1},
        {"lstm:6 dropout=0.3 biases=1", "8 relu, 1", 1 << PANEL_HOLIDAY | 1 << PANEL_NIGHT},
        {"none", "1", (1 << PANEL_FEATURES) - 1},
    };
    for (size_t i = 0; i < COUNT(nets); i++) {
        struct bundle_fixture f;
        struct err err = {0};
        struct net_spec spec = {.inputs = STEP_INPUTS,
                                .features = predictor_row_features(nets[i].panel)};
        fixture_init(&f, 0, 1);
        assert_int_equal(net_spec_parse(nets[i].net, nets[i].head, &spec, &err), 0);
        struct predictor *net = predictor_new(&spec, i, &err);
        assert_non_null(net);
        net->scaler = f.bundle.net->scaler;
        net->scaler.panel = nets[i].panel;
        for (size_t k = START_FEATURES; k < predictor_start_features(&spec); k++) {
            net->scaler.start_mean[k] = (float)k;
            net->scaler.start_inverse_sd[k] = 1 / (float)(k + 1);
        }
        predictor_free(f.bundle.net);
        f.bundle.net = net;
        fixture_save(&f, "b");
        struct bundle *bundle = bundle_load(fixture_path(&f, "b"), &err);
        if (!bundle)
            fail_msg("%s", err.text);
        check_equal(bundle, &f.bundle);
        bundle_release(bundle);
        fixture_release(&f);
    }
}

static void test_bundle_wrong_tensors_are_refused(void **state)
{
    (void)state;
    /* Texts of the header of hidden 4, dense 8, and others as long. */
    static const struct {
        const char *from, *to, *reason;
    } cases[] = {
        {"\"rnn.0.bias_hh\"", "\"rnn.0.bias_hx\"", "tensor rnn.0.bias_hh is missing"},
        {"\"head.0.bias\":{\"dtype\":\"F32\"", "\"head.0.bias\":{\"dtype\":\"I32\"",
         "tensor head.0.bias: dtype I32, not F32"},
        {"\"shape\":[12,13]", "\"shape\":[13,12]", "tensor rnn.0.weight_ih: 156 values"},
        {"\"shape\":[8,34]", "\"shape\":[34,8]", "tensor head.0.weight: 272 values"},
        {"\"gru:4\"", "\"gru:5\"", "__metadata__.net is \"gru:5\", not \"gru:4\""},
        {"\"net\"", "\"nut\"", "__metadata__.net is \"\""},
        {"\"8 relu, 8 relu, 3\"", "\"8 relu, 8 tanh, 3\"", "__metadata__.head is \"8 relu, 8 tanh"},
    };
    struct bundle_fixture f;
    fixture_init(&f, 4, 1);
    for (size_t i = 0; i < COUNT(cases); i++) {
        fixture_save(&f, "b");
        size_t size, length = strlen(cases[i].to);
        char *bytes = read_bytes(fixture_path(&f, WEIGHTS), &size);
        char *at = memmem(bytes, size, cases[i].from, strlen(cases[i].from));
        assert_non_null(at);
        assert_int_equal(strlen(cases[i].from), length);
        memcpy(at, cases[i].to, length);
        vouch(&f, bytes, size);
        fixture_refused(&f, cases[i].to, cases[i].reason);
        free(bytes);
    }
    fixture_release(&f);
}

static void test_bundle_nan_weights_are_refused(void **state)
{
    (void)state;
    static const uint32_t bits[] = {0x7fc00000, 0x7f800001, 0x7f800000, 0xff800000};
    struct bundle_fixture f;
    fixture_init(&f, 4, 1);
    for (size_t i = 0; i < COUNT(bits); i++) {
        fixture_save(&f, "b");
        size_t size;
        char *bytes = read_bytes(fixture_path(&f, WEIGHTS), &size);
        memcpy(bytes + size - 4, &bits[i], 4);
        vouch(&f, bytes, size);
        fixture_refused(&f, "not finite",
                        i < 2 ? "head.2.bias: value 2 is not a number"
                              : "head.2.bias: value 2 is infinite");
        free(bytes);
    }
    fixture_release(&f);
}

static void test_bundle_extra_and_other_tensors_are_refused(void **state)
{
    (void)state;
    struct bundle_fixture f, other;
    size_t size;
    fixture_init(&f, 4, 1);
    fixture_save(&f, "b");
    const char *path = fixture_path(&f, WEIGHTS);

    /* One tensor more: an empty one, so that the data stay as they are; over the padding and the
     * brace. */
    char *bytes = read_bytes(path, &size);
    struct safetensors file;
    assert_int_equal(safetensors_parse(bytes, size, &file, NULL), 0);
    size_t header = (size_t)((const char *)file.data - bytes) - 8, data = file.size_bytes;
    static const char more[] =
        ",\"more\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}";
    char *end = memrchr(bytes, '}', 8 + header);
    size_t length = (size_t)(end - bytes) + sizeof more - 1;
    char *longer = malloc(length + data);
    assert_non_null(longer);
    memcpy(longer, bytes, (size_t)(end - bytes));
    memcpy(longer + (end - bytes), more, sizeof more - 1);
    memcpy(longer + length, file.data, data);
    uint64_t claimed = length - 8;
    memcpy(longer, &claimed, 8);
    vouch(&f, longer, length + data);
    fixture_refused(&f, "extra", "tensor more does not belong to this net");
    safetensors_release(&file);
    free(longer);
    free(bytes);

    /* Good tensors, but another net's: what only the self-test can tell. */
    fixture_init(&other, 4, 2);
    fixture_save(&other, "b");
    bytes = read_bytes(fixture_path(&other, WEIGHTS), &size);
    vouch(&f, bytes, size);
    fixture_refused(&f, "other", "self-test case");
    free(bytes);
    fixture_release(&other);
    fixture_release(&f);
}

static void test_bundle_things_that_are_no_bundle_are_refused(void **state)
{
    (void)state;
    struct bundle_fixture f;
    fixture_init(&f, 4, 1);
    fixture_refused(&f, "nothing", "No such file");
    write_bytes(fixture_path(&f, "b"), "{}", 2);
    fixture_refused(&f, "a file", "Not a directory");
    assert_int_equal(unlink(fixture_path(&f, "b")), 0);
    fixture_save(&f, "b");
    const char *path = fixture_path(&f, MANIFEST);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0); /* nobody writes to it: must not wait */
    fixture_refused(&f, "a pipe", "manifest.json: not a file");
    fixture_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bundle_loads_to_the_bit),
        cmocka_unit_test(test_bundle_fingerprint_follows_the_manifest),
        cmocka_unit_test(test_bundle_last_holder_frees),
        cmocka_unit_test(test_bundle_bad_ones_are_not_saved),
        cmocka_unit_test(test_bundle_half_written_ones_are_refused),
        cmocka_unit_test(test_bundle_a_flipped_bit_is_seen),
        cmocka_unit_test(test_bundle_of_any_network_loads_to_the_bit),
        cmocka_unit_test(test_bundle_wrong_tensors_are_refused),
        cmocka_unit_test(test_bundle_nan_weights_are_refused),
        cmocka_unit_test(test_bundle_extra_and_other_tensors_are_refused),
        cmocka_unit_test(test_bundle_things_that_are_no_bundle_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
