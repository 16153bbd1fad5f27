#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "bundle/keras_model.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* The layers of a model in JSON, by the versions that write it. */
#define MODEL(version, layers)                                                                     \
    "{\"class_name\":\"Sequential\"," version "\"config\":{\"name\":\"s\",\"layers\":[" layers "]" \
    "}"                                                                                            \
    "}"
#define K2  "\"keras_version\":\"2.2.4\","
#define K23 "\"keras_version\":\"2.3.1\","
#define TF2 "\"keras_version\":\"2.21.0\","
#define K3  "\"module\":\"keras\","
#define LAYER(class, name, more)                                                                   \
    "{\"class_name\":\"" class "\",\"config\":{\"name\":\"" name "\"" more "}}"
#define LSTM(more)   LAYER("LSTM", "l", ",\"units\":4" more)
#define GRU(more)    LAYER("GRU", "g", ",\"units\":4" more)
#define DENSE(units) LAYER("Dense", "d", ",\"units\":" units)
#define HARD         ",\"recurrent_activation\":\"hard_sigmoid\""
#define INPUT        ",\"batch_input_shape\":[null,12,9]"

static void test_keras_model_means_what_its_version_says(void **state)
{
    (void)state;
    static const struct {
        const char *json, *net, *head;
        uint32_t inputs;
    } cases[] = {
        {MODEL(K2, LSTM(INPUT) "," DENSE("1")), "lstm:4 gates=hard_sigmoid_fifth biases=1", "1", 9},
        {MODEL(K23, LSTM("") "," DENSE("1")), "lstm:4 biases=1", "1", 0},
        {MODEL(TF2, LSTM(HARD) "," DENSE("1")), "lstm:4 gates=hard_sigmoid_fifth biases=1", "1", 0},
        {MODEL(K3, LSTM(HARD) "," DENSE("1")), "lstm:4 gates=hard_sigmoid_sixth biases=1", "1", 0},
        {MODEL(K3, LSTM("") "," DENSE("1")), "lstm:4 biases=1", "1", 0},
        {MODEL(K23, GRU("") "," DENSE("2")), "gru-before:4", "2", 0},
        {MODEL(K3, GRU(",\"reset_after\":true") "," DENSE("2")), "gru:4", "2", 0},
        {MODEL(K3, GRU(",\"reset_after\":true,\"use_bias\":false") "," DENSE("2")),
         "gru:4 biases=0", "2", 0},
        {MODEL(TF2, LSTM(",\"dropout\":0.25,\"recurrent_dropout\":0.5") "," DENSE("1")),
         "lstm:4 dropout=0.25 recurrent_dropout=0.5 biases=1", "1", 0},
        {MODEL(
             K3,
             LAYER("InputLayer", "i", ",\"batch_shape\":[null,null,5]") "," LSTM(
                 ",\"return_"
                 "sequences\":true") "," LAYER("Dropout", "o",
                                               ",\"rate\":0.25") "," GRU("") "," DENSE("8,"
                                                                                       "\"activ"
                                                                                       "ation\""
                                                                                       ":"
                                                                                       "\"relu"
                                                                                       "\"") "," LAYER("Dro"
                                                                                                       "pou"
                                                                                                       "t",
                                                                                                       "p",
                                                                                                       ",\""
                                                                                                       "rat"
                                                                                                       "e\""
                                                                                                       ":0."
                                                                                                       "5") "," DENSE("3,\"use_bias\":false")),
         "lstm:4 biases=1 gru-before:4", "8 relu dropout=0.5, 3 biases=0", 5},
        {MODEL(K3, LSTM(",\"return_sequences\":true") "," LAYER(
                       "TimeDistributed", "t",
                       ",\"layer\":" LAYER("Dense", "d", ",\"units\":2,\"activation\":\"tanh\""))),
         "lstm:4 biases=1", "2 tanh", 0},
        /* Keras before 2.2.3: the list itself */
        {"{\"class_name\":\"Sequential\",\"keras_version\":\"2.1.6\",\"config\":[" LSTM(
             "") "," DENSE("1") "]}",
         "lstm:4 gates=hard_sigmoid_fifth biases=1", "1", 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct keras_model model;
        struct net_file net;
        struct err err = {0};
        char lines[2][NET_TEXT_MAX];
        if (keras_model_parse(cases[i].json, strlen(cases[i].json), NULL, &model, &net, &err))
            fail_msg("case %zu: %s", i, err.text);
        net_spec_print(&net.spec, lines[0], lines[1]);
        assert_string_equal(lines[0], cases[i].net);
        assert_string_equal(lines[1], cases[i].head);
        assert_int_equal(net.spec.inputs, cases[i].inputs);
    }
}

static void test_keras_model_refuses_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *json, *words;
    } cases[] = {
        {"{", "architecture, line 1"},
        {"[]", "no class_name and config.layers"},
        {"{\"class_name\":\"Functional\",\"config\":{\"layers\":[]}}", "a Functional model"},
        {MODEL("", DENSE("1")), "no keras_version"},
        {MODEL(K3, LSTM("")), "no Dense layer"},
        {MODEL(K3, "7"), "no class_name or no config"},
        {MODEL(K3, LAYER("Bidirectional", "b", "")), "layer b (Bidirectional): such a layer"},
        {MODEL(K3, LAYER("CuDNNLSTM", "c", "")), "layer c (CuDNNLSTM): such a layer"},
        {MODEL(K3, LSTM(",\"activation\":\"relu\"")), "layer l (LSTM): activation relu"},
        {MODEL(K3, LSTM(",\"recurrent_activation\":\"tanh\"")), "recurrent_activation tanh"},
        {MODEL(K3, LSTM(",\"go_backwards\":true")), "layer l (LSTM): go_backwards"},
        {MODEL(K3, LSTM(",\"return_state\":true")), "layer l (LSTM): return_state"},
        {MODEL(K3, LSTM(",\"dropout\":1.5")), "dropout is 1.5"},
        {MODEL(K3, LSTM("") "," GRU("")), "layer g (GRU): the layer before it does not return"},
        {MODEL(K3, DENSE("3") "," GRU("")), "layer g (GRU): a recurrent layer behind a dense one"},
        {MODEL(K3, LSTM("") "," DENSE("3,\"activation\":\"softmax\"")),
         "layer d (Dense): activation softmax"},
        {MODEL(K3, LSTM("") "," DENSE("0")), "layer d (Dense): units is not 1 to 4096"},
        {MODEL(K3, LSTM("") "," LAYER("TimeDistributed", "t",
                                      ",\"layer\":" LAYER("Dense", "d", ",\"units\":2"))),
         "layer t (TimeDistributed): the layer before it"},
        {MODEL(K3, LSTM("") "," LAYER("Masking", "m", ",\"mask_value\":0")),
         "layer m (Masking): it may stand in front"},
        {MODEL(K3, LAYER("Dense", "\\n", ",\"units\":1")), "a name that cannot be one"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct keras_model model;
        struct net_file net;
        struct err err = {0};
        assert_int_equal(
            keras_model_parse(cases[i].json, strlen(cases[i].json), NULL, &model, &net, &err), -1);
        if (!strstr(err.text, cases[i].words))
            fail_msg("case %zu: \"%s\" where \"%s\" was expected", i, err.text, cases[i].words);
    }
}

/* The JSON of Keras 3 in a whole model does not say its version; the file around it does. */
static void test_keras_model_takes_the_version_of_its_file(void **state)
{
    (void)state;
    static const char json[] = MODEL("", LSTM(HARD) "," DENSE("1"));
    static const struct {
        const char *version;
        enum gate_function gate;
    } cases[] = {{"2.2.4-tf", GATE_HARD_FIFTH}, {"3.15.1", GATE_HARD_SIXTH}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct keras_model model;
        struct net_file net;
        assert_int_equal(
            keras_model_parse(json, sizeof json - 1, cases[i].version, &model, &net, NULL), 0);
        assert_int_equal(net.spec.recurrent[0].gate, cases[i].gate);
        assert_string_equal(model.layer[0].vars, "lstm/cell/vars");
        assert_string_equal(model.layer[1].vars, "dense/vars");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keras_model_means_what_its_version_says),
        cmocka_unit_test(test_keras_model_refuses_by_name),
        cmocka_unit_test(test_keras_model_takes_the_version_of_its_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
