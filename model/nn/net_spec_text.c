/* The two lines that describe a network, read and printed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/net_spec.h"

static const char *const cell_names[CELL_KINDS] = {
    [CELL_GRU] = "gru", [CELL_GRU_BEFORE] = "gru-before", [CELL_LSTM] = "lstm"};
static const char *const gate_names[GATE_FUNCTIONS] = {[GATE_SIGMOID] = "sigmoid",
                                                       [GATE_HARD_FIFTH] = "hard_sigmoid_fifth",
                                                       [GATE_HARD_SIXTH] = "hard_sigmoid_sixth"};
static const char *const activation_names[DENSE_ACTIVATIONS] = {
    [DENSE_LINEAR] = "linear", [DENSE_RELU] = "relu", [DENSE_TANH] = "tanh"};
/* Indexed by bias_form. */
static const char *const bias_names[BIAS_FORMS] = {
    [BIAS_TWO] = "2", [BIAS_ONE] = "1", [BIAS_NONE] = "0"};
static const enum bias_form usual_bias[CELL_KINDS] = {
    [CELL_GRU] = BIAS_TWO, [CELL_GRU_BEFORE] = BIAS_ONE, [CELL_LSTM] = BIAS_TWO};

#define SPACES " \t"

static int index_of(const char *const *names, size_t count, const char *name, size_t size)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(names[i]) == size && !memcmp(names[i], name, size))
            return (int)i;
    return -1;
}

/* What may stand where a word of line could not be read. */
static int refuse(struct err *err, const char *line, const char *word, size_t size,
                  const char *expected)
{
    return err_set(err, ERR_INPUT, "%s: '%.*s' is not %s", line, (int)(size < 60 ? size : 60), word,
                   expected);
}

/* A whole word as a number. @return false when it is none */
static bool number_of(const char *word, size_t size, double *out)
{
    char text[32], *end;
    if (!size || size >= sizeof text)
        return false;
    memcpy(text, word, size);
    text[size] = '\0';
    *out = strtod(text, &end);
    return !*end;
}

static bool width_of(const char *word, size_t size, uint32_t *out)
{
    double value;
    if (!number_of(word, size, &value) || !(value >= 1 && value <= NET_WIDTH_MAX) ||
        value != (uint32_t)value)
        return false;
    *out = (uint32_t)value;
    return true;
}

/* word is "name=VALUE": @return VALUE, or NULL */
static const char *value_of(const char *word, size_t size, const char *name)
{
    size_t name_size = strlen(name);
    bool is = size > name_size + 1 && !memcmp(word, name, name_size) && word[name_size] == '=';
    return is ? word + name_size + 1 : NULL;
}

static bool probability_of(const char *word, size_t size, double *out)
{
    return number_of(word, size, out) && *out >= 0 && *out < 1;
}

/* "CELL:WIDTH,WIDTH": a layer a width. */
static int read_group(const char *word, size_t size, struct net_spec *spec, struct err *err)
{
    static const char expected[] =
        "an option or a group of layers: gru:32, gru-before:32 or lstm:64,64, widths 1 to 4096, "
        "up to 8 layers";
    const char *colon = memchr(word, ':', size), *end = word + size;
    int cell = colon ? index_of(cell_names, CELL_KINDS, word, (size_t)(colon - word)) : -1;
    if (cell < 0)
        return refuse(err, "net", word, size, expected);
    for (const char *at = colon + 1;;) {
        const char *comma = memchr(at, ',', (size_t)(end - at)), *stop = comma ? comma : end;
        if (spec->recurrent_layers == NET_LAYERS_MAX)
            return refuse(err, "net", word, size, expected);
        struct recurrent_spec *layer = &spec->recurrent[spec->recurrent_layers++];
        *layer = (struct recurrent_spec){.cell = (enum cell_kind)cell, .bias = usual_bias[cell]};
        if (!width_of(at, (size_t)(stop - at), &layer->width))
            return refuse(err, "net", word, size, expected);
        if (!comma)
            return 0;
        at = comma + 1;
    }
}

/* An option behind a group, for its layers first .. the last. @return 1 when word is one, 0 when
 * not, -1 with err */
static int read_option(const char *word, size_t size, struct net_spec *spec, size_t first,
                       struct err *err)
{
    struct recurrent_spec read = spec->recurrent[first];
    const char *value, *end = word + size, *expected = NULL;
    int index = 0;
    if ((value = value_of(word, size, "dropout"))) {
        if (!probability_of(value, (size_t)(end - value), &read.dropout))
            expected = "dropout=P with P from 0 to below 1";
    } else if ((value = value_of(word, size, "recurrent_dropout"))) {
        if (!probability_of(value, (size_t)(end - value), &read.recurrent_dropout))
            expected = "recurrent_dropout=P with P from 0 to below 1";
    } else if ((value = value_of(word, size, "gates"))) {
        index = index_of(gate_names, GATE_FUNCTIONS, value, (size_t)(end - value));
        read.gate = (enum gate_function)index;
        if (index < 0)
            expected = "gates=sigmoid, hard_sigmoid_fifth or hard_sigmoid_sixth";
    } else if ((value = value_of(word, size, "biases"))) {
        index = index_of(bias_names, BIAS_FORMS, value, (size_t)(end - value));
        read.bias = (enum bias_form)index;
        if (index < 0)
            expected = "biases=2, 1 or 0";
    } else {
        return 0;
    }
    if (expected)
        return refuse(err, "net", word, size, expected);
    for (size_t k = first; k < spec->recurrent_layers; k++) {
        read.width = spec->recurrent[k].width;
        spec->recurrent[k] = read;
    }
    return 1;
}

static int read_net(const char *line, struct net_spec *spec, struct err *err)
{
    size_t group = 0;
    spec->recurrent_layers = 0;
    if (!strcmp(line, "none"))
        return 0;
    for (const char *word = line + strspn(line, SPACES); *word;) {
        size_t size = strcspn(word, SPACES);
        int known = spec->recurrent_layers ? read_option(word, size, spec, group, err) : 0;
        if (known < 0)
            return -1;
        if (!known) {
            group = spec->recurrent_layers;
            if (read_group(word, size, spec, err))
                return -1;
        }
        word += size;
        word += strspn(word, SPACES);
    }
    if (!spec->recurrent_layers)
        return refuse(err, "net", line, strlen(line),
                      "a network: name its layers (gru:32, lstm:64,64) or none");
    return 0;
}

/* "WIDTH [activation] [dropout=P] [biases=0]" of size bytes. */
static int read_dense(const char *text, size_t text_size, struct dense_spec *layer, struct err *err)
{
    static const char expected[] =
        "a layer: a width of 1 to 4096, then linear, relu or tanh, dropout=P, biases=0";
    const char *end = text + text_size;
    bool first = true;
    *layer = (struct dense_spec){.bias = true};
    for (const char *at = text; at < end;) {
        const char *value;
        size_t size = strcspn(at, SPACES ",");
        int activation = index_of(activation_names, DENSE_ACTIVATIONS, at, size);
        if (!size) {
            at++;
            continue;
        }
        if (first && !width_of(at, size, &layer->width))
            return refuse(err, "head", text, text_size, expected);
        if (!first && activation >= 0)
            layer->activation = (enum dense_activation)activation;
        else if (!first && (value = value_of(at, size, "dropout")) &&
                 probability_of(value, size - (size_t)(value - at), &layer->dropout))
            ;
        else if (!first && size == 8 && !memcmp(at, "biases=0", 8))
            layer->bias = false;
        else if (!first)
            return refuse(err, "head", at, size, expected);
        first = false;
        at += size;
    }
    return first ? refuse(err, "head", text, text_size, expected) : 0;
}

static int read_head(const char *line, struct net_spec *spec, struct err *err)
{
    spec->dense_layers = 0;
    for (const char *at = line;;) {
        size_t size = strcspn(at, ",");
        if (spec->dense_layers == NET_LAYERS_MAX)
            return refuse(err, "head", at, size, "possible: eight layers are the most");
        if (read_dense(at, size, &spec->dense[spec->dense_layers++], err))
            return -1;
        if (!at[size])
            return 0;
        at += size + 1;
    }
}

int net_spec_parse(const char *net, const char *head, struct net_spec *spec, struct err *err)
{
    return read_net(net, spec, err) || read_head(head, spec, err) ? -1 : 0;
}

/* What comes behind `at` in out. The texts never fill their room: NET_TEXT_MAX counts eight layers
 * with every option. */
#define PUT(out, at, ...) ((at) + (size_t)snprintf((out) + (at), NET_TEXT_MAX - (at), __VA_ARGS__))

static bool same_group(const struct recurrent_spec *a, const struct recurrent_spec *b)
{
    return a->cell == b->cell && a->gate == b->gate && a->bias == b->bias &&
           a->dropout == b->dropout && a->recurrent_dropout == b->recurrent_dropout;
}

static size_t put_options(char *out, size_t at, const struct recurrent_spec *layer)
{
    if (layer->dropout > 0)
        at = PUT(out, at, " dropout=%.10g", layer->dropout);
    if (layer->recurrent_dropout > 0)
        at = PUT(out, at, " recurrent_dropout=%.10g", layer->recurrent_dropout);
    if (layer->gate != GATE_SIGMOID)
        at = PUT(out, at, " gates=%s", gate_names[layer->gate]);
    if (layer->bias != usual_bias[layer->cell])
        at = PUT(out, at, " biases=%s", bias_names[layer->bias]);
    return at;
}

static void print_net(const struct net_spec *spec, char *out)
{
    size_t at = 0;
    if (!spec->recurrent_layers)
        snprintf(out, NET_TEXT_MAX, "none");
    for (size_t k = 0; k < spec->recurrent_layers; k++) {
        const struct recurrent_spec *layer = &spec->recurrent[k];
        if (k && same_group(layer, layer - 1))
            at = PUT(out, at, ",%u", layer->width);
        else
            at = PUT(out, at, "%s%s:%u", k ? " " : "", cell_names[layer->cell], layer->width);
        if (k + 1 == spec->recurrent_layers || !same_group(layer, layer + 1))
            at = put_options(out, at, layer);
    }
}

static void print_head(const struct net_spec *spec, char *out)
{
    size_t at = 0;
    for (size_t k = 0; k < spec->dense_layers; k++) {
        const struct dense_spec *layer = &spec->dense[k];
        at = PUT(out, at, "%s%u", k ? ", " : "", layer->width);
        if (layer->activation != DENSE_LINEAR)
            at = PUT(out, at, " %s", activation_names[layer->activation]);
        if (layer->dropout > 0)
            at = PUT(out, at, " dropout=%.10g", layer->dropout);
        if (!layer->bias)
            at = PUT(out, at, " biases=0");
    }
}

void net_spec_print(const struct net_spec *spec, char net[NET_TEXT_MAX], char head[NET_TEXT_MAX])
{
    print_net(spec, net);
    print_head(spec, head);
}
