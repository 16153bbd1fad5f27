#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bundle/torch_names.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define TENSORS_MAX  16
#define VALUES_MAX   4096
#define A_LAYER(m, l, gates, in, h)                                                                \
    {m "weight_ih_l" l, (gates) * (h), in}, {m "weight_hh_l" l, (gates) * (h), h},                 \
        {m "bias_ih_l" l, (gates) * (h), 0},                                                       \
    {                                                                                              \
        m "bias_hh_l" l, (gates) * (h), 0                                                          \
    }
#define LINEAR(m, in, out)                                                                         \
    {m "weight", out, in},                                                                         \
    {                                                                                              \
        m "bias", out, 0                                                                           \
    }

/* Tensors of a state dict, in the order in which a file may have them: values count from 0. */
struct named {
    const char *name;
    uint64_t rows, columns;
};

static unsigned char *state_dict(const struct named *named, size_t *size)
{
    static float values[VALUES_MAX];
    struct safetensors_source source[TENSORS_MAX];
    unsigned char *bytes;
    size_t count = 0;
    for (size_t i = 0; i < VALUES_MAX; i++)
        values[i] = (float)i / 8;
    for (; count < TENSORS_MAX && named[count].name; count++)
        source[count] = (struct safetensors_source){named[count].name, named[count].rows,
                                                    named[count].columns, values, NULL};
    assert_int_equal(safetensors_encode(source, count, NULL, 0, &bytes, size, NULL), 0);
    return bytes;
}

static void test_torch_names_make_a_network(void **state)
{
    (void)state;
    static const struct {
        const char *prefix, *head, *net, *printed;
        uint32_t inputs, features;
        struct named named[TENSORS_MAX];
    } cases[] = {
        {"", NULL, "gru:4", "3", 5, 0, {A_LAYER("rnn.", "0", 3, 5, 4), LINEAR("out.", 4, 3)}},
        {"",
         NULL,
         "lstm:4,4",
         "1",
         5,
         2,
         {A_LAYER("", "0", 4, 5, 4), A_LAYER("", "1", 4, 4, 4), LINEAR("head.", 6, 1)}},
        /* two modules of widths of their own, sorted as files are; more than nine layers of names
         */
        {"",
         "4 relu, 3",
         "gru:4,2",
         "4 relu, 3",
         5,
         30,
         {A_LAYER("m.10.", "0", 3, 4, 2), A_LAYER("m.9.", "0", 3, 5, 4), LINEAR("h.2.", 32, 4),
          LINEAR("h.10.", 4, 3)}},
        /* names whose order is not that of the widths */
        {"",
         "7 tanh, 2",
         "lstm:3",
         "7 tanh, 2",
         5,
         0,
         {A_LAYER("a.", "0", 4, 5, 3), LINEAR("end.", 7, 2), LINEAR("hidden.", 3, 7)}},
        {"model.",
         NULL,
         "gru:4 biases=0",
         "3 biases=0",
         5,
         0,
         {{"model.gru.weight_ih_l0", 12, 5},
          {"model.gru.weight_hh_l0", 12, 4},
          {"model.fc.weight", 3, 4},
          {"optimizer.step", 1, 0}}},
        {"", "2 relu, 1", "none", "2 relu, 1", 0, 30, {LINEAR("0.", 30, 2), LINEAR("2.", 2, 1)}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct net_file net;
        struct err err = {0};
        char lines[2][NET_TEXT_MAX];
        size_t size;
        unsigned char *bytes = state_dict(cases[i].named, &size);
        if (torch_decode(bytes, size, cases[i].prefix, cases[i].head, &net, &err))
            fail_msg("case %zu: %s", i, err.text);
        net_spec_print(&net.spec, lines[0], lines[1]);
        assert_string_equal(lines[0], cases[i].net);
        assert_string_equal(lines[1], cases[i].printed);
        assert_int_equal(net.spec.inputs, cases[i].inputs);
        assert_int_equal(net.spec.features, cases[i].features);
        assert_true(net.params[1] == .125);
        net_file_release(&net);
        free(bytes);
    }
}

static void test_torch_names_say_what_does_not_fit(void **state)
{
    (void)state;
    static const struct {
        const char *head, *words;
        struct named named[TENSORS_MAX];
    } cases[] = {
        {NULL, "no nn.Linear", {A_LAYER("r.", "0", 3, 5, 4)}},
        {NULL,
         "tensor r.weight_hh_l0: shape (12, 4) of a GRU or (16, 4) of an LSTM expected, "
         "(4, 4) found",
         {A_LAYER("r.", "0", 1, 5, 4), LINEAR("o.", 4, 1)}},
        {NULL,
         "tensor r.bias_ih_l0: shape (12) expected, (11) found",
         {{"r.weight_ih_l0", 12, 5},
          {"r.weight_hh_l0", 12, 4},
          {"r.bias_ih_l0", 11, 0},
          {"r.bias_hh_l0", 12, 0},
          LINEAR("o.", 4, 1)}},
        {NULL,
         "tensor r.bias_hh_l0 of shape (12) is missing",
         {{"r.weight_ih_l0", 12, 5},
          {"r.weight_hh_l0", 12, 4},
          {"r.bias_ih_l0", 12, 0},
          LINEAR("o.", 4, 1)}},
        {NULL,
         "tensor r.weight_ih_l1: 4 columns expected (what r. gives), 5 found",
         {A_LAYER("r.", "0", 3, 5, 4), A_LAYER("r.", "1", 3, 5, 4), LINEAR("o.", 4, 1)}},
        {NULL,
         "tensor r.weight_ih_l1: the layer below it is missing",
         {A_LAYER("r.", "1", 3, 5, 4), LINEAR("o.", 4, 1)}},
        {NULL,
         "tensor o.weight: at least 4 columns expected (the width of the last recurrent "
         "layer), 3 found",
         {A_LAYER("r.", "0", 3, 5, 4), LINEAR("o.", 3, 1)}},
        {NULL,
         "tensor r.weight_ih_l0_reverse: a bidirectional layer",
         {A_LAYER("r.", "0", 3, 5, 4), {"r.weight_ih_l0_reverse", 12, 5}, LINEAR("o.", 4, 1)}},
        {NULL,
         "tensor r.weight_hr_l0: an LSTM with projections",
         {{"r.weight_hr_l0", 12, 5}, LINEAR("o.", 4, 1)}},
        {NULL, "tensor conv.kernel is of no layer", {{"conv.kernel", 3, 3}, LINEAR("o.", 4, 1)}},
        {NULL,
         "tensor norm.weight: a matrix (outputs, inputs) expected, 1 dimensions found",
         {LINEAR("o.", 4, 1), {"norm.weight", 4, 0}}},
        {NULL,
         "2 nn.Linear layers: a state dict does not say what is between them",
         {LINEAR("a.", 4, 2), LINEAR("b.", 2, 1)}},
        {"2 relu, 2",
         "head: layer 1 is 2 wide with biases, in the file 1 with",
         {LINEAR("a.", 4, 2), LINEAR("b.", 2, 1)}},
        {"1", "head has 1 layers, the file 2", {LINEAR("a.", 4, 2), LINEAR("b.", 2, 1)}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct net_file net;
        struct err err = {0};
        size_t size;
        unsigned char *bytes = state_dict(cases[i].named, &size);
        assert_int_equal(torch_decode(bytes, size, "", cases[i].head, &net, &err), -1);
        if (!strstr(err.text, cases[i].words))
            fail_msg("case %zu: \"%s\" where \"%s\" was expected", i, err.text, cases[i].words);
        free(bytes);
    }
}

static void network(const char *net, const char *head, double step, struct net_file *out)
{
    struct err err = {0};
    *out = (struct net_file){.spec = {.inputs = 5, .features = 3}, .source = "a test"};
    if (net_spec_parse(net, head, &out->spec, &err) || net_file_init(out, &err))
        fail_msg("%s", err.text);
    for (size_t i = 0; i < net_params_count(&out->spec); i++)
        out->params[i] = (double)i * step - 1;
}

/* What shapes do not say (activations, dropout, one bias or two) comes back as well. */
static void test_torch_names_round_trip(void **state)
{
    (void)state;
    static const struct {
        const char *net, *head;
        double step;
    } cases[] = {
        {"gru:4", "3", .125},
        {"lstm:4,3 dropout=.3 biases=1 gru:6 recurrent_dropout=.1", "4 relu dropout=.5, 3 tanh, 1",
         .1},
        {"lstm:2 biases=0", "2 relu biases=0, 2", 1e-300},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct net_file net, back = {0};
        struct err err = {0};
        unsigned char *bytes;
        size_t size;
        network(cases[i].net, cases[i].head, cases[i].step, &net);
        if (torch_encode(&net, &bytes, &size, &err) ||
            torch_decode(bytes, size, "", NULL, &back, &err))
            fail_msg("case %zu: %s", i, err.text);
        char lines[4][NET_TEXT_MAX];
        net_spec_print(&net.spec, lines[0], lines[1]);
        net_spec_print(&back.spec, lines[2], lines[3]);
        assert_string_equal(lines[0], lines[2]);
        assert_string_equal(lines[1], lines[3]);
        assert_int_equal(back.spec.inputs, 5);
        assert_int_equal(back.spec.features, 3);
        assert_memory_equal(back.params, net.params,
                            net_params_count(&net.spec) * sizeof *net.params);
        assert_string_equal(back.source, net.source);
        free(bytes);
        net_file_release(&back);
        net_file_release(&net);
    }
}

static void test_torch_names_are_not_given_to_other_cells(void **state)
{
    (void)state;
    static const struct {
        const char *net, *words;
    } cases[] = {{"gru:4 gru-before:3", "recurrent layer 1 is gru-before"},
                 {"lstm:4 gates=hard_sigmoid_fifth", "recurrent layer 0 has hard_sigmoid gates"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct net_file net;
        struct err err = {0};
        unsigned char *bytes;
        size_t size;
        network(cases[i].net, "1", .5, &net);
        assert_int_equal(torch_encode(&net, &bytes, &size, &err), -1);
        assert_non_null(strstr(err.text, cases[i].words));
        net_file_release(&net);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_torch_names_make_a_network),
        cmocka_unit_test(test_torch_names_say_what_does_not_fit),
        cmocka_unit_test(test_torch_names_round_trip),
        cmocka_unit_test(test_torch_names_are_not_given_to_other_cells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
