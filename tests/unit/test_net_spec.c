/* The description of a network: what reads back, what is refused and how, where its tensors are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "nn/net_spec.h"

static void reads_back(void **state)
{
    (void)state;
    static const struct {
        const char *net, *head, *net_printed, *head_printed;
    } cases[] = {
        {"gru:32", "64 relu dropout=.3, 64 relu, 3", "gru:32", "64 relu dropout=0.3, 64 relu, 3"},
        {"none", "1", "none", "1"},
        {" lstm:64,32  dropout=.3 ", "8 tanh,1 linear", "lstm:64,32 dropout=0.3", "8 tanh, 1"},
        {"lstm:8 lstm:4", "1", "lstm:8,4", "1"},
        {"gru:8 lstm:4,4 biases=1 dropout=.25", "2 biases=0",
         "gru:8 lstm:4,4 dropout=0.25 biases=1", "2 biases=0"},
        {"gru-before:5 gates=hard_sigmoid_fifth recurrent_dropout=.5", "1",
         "gru-before:5 recurrent_dropout=0.5 gates=hard_sigmoid_fifth", "1"},
        {"gru:8 biases=0 gates=hard_sigmoid_sixth gru:8", "1",
         "gru:8 gates=hard_sigmoid_sixth biases=0 gru:8", "1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        struct net_spec spec = {.inputs = 13, .features = 30}, again = spec;
        char net[NET_TEXT_MAX], head[NET_TEXT_MAX];
        assert_int_equal(net_spec_parse(cases[i].net, cases[i].head, &spec, &err), 0);
        assert_int_equal(net_spec_check(&spec, &err), 0);
        net_spec_print(&spec, net, head);
        assert_string_equal(net, cases[i].net_printed);
        assert_string_equal(head, cases[i].head_printed);
        assert_int_equal(net_spec_parse(net, head, &again, &err), 0);
        char net_again[NET_TEXT_MAX], head_again[NET_TEXT_MAX];
        net_spec_print(&again, net_again, head_again);
        assert_string_equal(net_again, net);
        assert_string_equal(head_again, head);
        assert_int_equal(net_params_count(&again), net_params_count(&spec));
    }
}

static void refuses(void **state)
{
    (void)state;
    static const struct {
        const char *net, *head, *said;
    } cases[] = {
        {"", "1", "net: '' is not a network"},
        {"gru", "1", "net: 'gru' is not an option or a group"},
        {"rnn:32", "1", "net: 'rnn:32' is not"},
        {"gru:0", "1", "net: 'gru:0' is not"},
        {"gru:5000", "1", "net: 'gru:5000' is not"},
        {"gru:32,", "1", "net: 'gru:32,' is not"},
        {"gru:3.5", "1", "net: 'gru:3.5' is not"},
        {"gru:1,1,1,1,1,1,1,1,1", "1", "up to 8 layers"},
        {"dropout=.3 gru:2", "1", "net: 'dropout=.3' is not"},
        {"gru:2 dropout=1", "1", "net: 'dropout=1' is not dropout=P"},
        {"gru:2 dropout=nan", "1", "net: 'dropout=nan' is not dropout=P"},
        {"gru:2 gates=tanh", "1", "net: 'gates=tanh' is not gates="},
        {"gru:2 biases=3", "1", "net: 'biases=3' is not biases="},
        {"gru:2", "", "head: '' is not a layer"},
        {"gru:2", "4 relu,", "head: '' is not a layer"},
        {"gru:2", "relu", "head: 'relu' is not a layer"},
        {"gru:2", "4 gelu", "head: 'gelu' is not a layer"},
        {"gru:2", "1,1,1,1,1,1,1,1,1", "eight layers"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        struct net_spec spec = {.inputs = 13};
        assert_int_equal(net_spec_parse(cases[i].net, cases[i].head, &spec, &err), -1);
        assert_int_equal(err.code, ERR_INPUT);
        if (!strstr(err.text, cases[i].said))
            fail_msg("'%s' does not say '%s'", err.text, cases[i].said);
    }
}

static void checks(void **state)
{
    (void)state;
    static const struct {
        const char *net, *said;
        uint32_t inputs, features;
    } cases[] = {
        {"gru:2 biases=1", "gru has two biases or none", 3, 0},
        {"gru-before:2 biases=2", "one bias or none", 3, 0},
        {"none", "no inputs", 3, 0},
        {"gru:2", "0 inputs", 0, 0},
        {"gru:2", "5000 features", 3, 5000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        struct net_spec spec = {.inputs = cases[i].inputs, .features = cases[i].features};
        assert_int_equal(net_spec_parse(cases[i].net, "1", &spec, &err), 0);
        assert_int_equal(net_spec_check(&spec, &err), -1);
        assert_int_equal(err.code, ERR_SHAPE);
        if (!strstr(err.text, cases[i].said))
            fail_msg("'%s' does not say '%s'", err.text, cases[i].said);
    }
}

static void lays_out_tensors(void **state)
{
    (void)state;
    struct err err = {0};
    struct net_spec spec = {.inputs = 13, .features = 30};
    assert_int_equal(net_spec_parse("gru:32 lstm:16 biases=1", "64 relu, 3", &spec, &err), 0);
    static const struct net_tensor expected[] = {
        {"rnn.0.weight_ih", 96, 13, 0},    {"rnn.0.weight_hh", 96, 32, 1248},
        {"rnn.0.bias_ih", 96, 1, 4320},    {"rnn.0.bias_hh", 96, 1, 4416},
        {"rnn.1.weight_ih", 64, 32, 4512}, {"rnn.1.weight_hh", 64, 16, 6560},
        {"rnn.1.bias_ih", 64, 1, 7584},    {"head.0.weight", 64, 46, 7648},
        {"head.0.bias", 64, 1, 10592},     {"head.1.weight", 3, 64, 10656},
        {"head.1.bias", 3, 1, 10848},
    };
    struct net_tensor tensor[NET_TENSORS_MAX];
    size_t count = net_tensors(&spec, tensor);
    assert_int_equal(count, sizeof expected / sizeof *expected);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(tensor[i].name, expected[i].name);
        assert_int_equal(tensor[i].rows, expected[i].rows);
        assert_int_equal(tensor[i].columns, expected[i].columns);
        assert_int_equal(tensor[i].offset, expected[i].offset);
    }
    assert_int_equal(net_params_count(&spec), 10851);
    assert_int_equal(net_state_width(&spec), 32 + 2 * 16);
    assert_int_equal(net_state_output(&spec), 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_back),
        cmocka_unit_test(refuses),
        cmocka_unit_test(checks),
        cmocka_unit_test(lays_out_tensors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
