#include "bundle/keras_model.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

/* What is known while the layers are read, one after the other. */
struct reader {
    long major, minor; /* of the Keras that wrote the file */
    struct keras_model *model;
    struct net_file *out;
    uint32_t lstms, grus, denses,
        distributed; /* of each class so far: the newer form counts them */
    uint32_t width;  /* that the next layer reads, 0: not known */
    bool sequences;  /* the layer before gives one row a step */
    struct err *err;
};

struct layer {
    const char *class_name, *name;
    const json_t *config;
};

/* ---- values of a config ---- */

static int refuse(const struct reader *r, const struct layer *layer, const char *what)
{
    return err_set(r->err, ERR_SHAPE, "layer %.80s (%.40s): %s", layer->name, layer->class_name,
                   what);
}

static bool flag(const struct layer *layer, const char *key, bool otherwise)
{
    const json_t *value = json_object_get(layer->config, key);
    return value && !json_is_null(value) ? json_is_true(value) : otherwise;
}

static double number(const struct layer *layer, const char *key)
{
    return json_number_value(json_object_get(layer->config, key));
}

/* @return a borrowed name; "" when it is there and is no name */
static const char *text(const struct layer *layer, const char *key, const char *otherwise)
{
    const json_t *value = json_object_get(layer->config, key);
    if (!value || json_is_null(value))
        return otherwise;
    return json_is_string(value) ? json_string_value(value) : "";
}

static int units(const struct reader *r, const struct layer *layer, uint32_t *out)
{
    const json_t *value = json_object_get(layer->config, "units");
    json_int_t width = json_integer_value(value);
    if (!json_is_integer(value) || width < 1 || width > NET_WIDTH_MAX)
        return err_set(r->err, ERR_SHAPE, "layer %.80s (%.40s): units is not 1 to %d", layer->name,
                       layer->class_name, NET_WIDTH_MAX);
    *out = (uint32_t)width;
    return 0;
}

static int rate(const struct reader *r, const struct layer *layer, const char *key, double *out)
{
    *out = number(layer, key);
    if (*out >= 0 && *out < 1)
        return 0;
    return err_set(r->err, ERR_SHAPE, "layer %.80s (%.40s): %s is %g, it may be 0 to below 1",
                   layer->name, layer->class_name, key, *out);
}

/* The first layer says the shape of the inputs: Keras 2 as batch_input_shape, Keras 3 as
 * batch_shape; the last number of it is the width. */
static int input_width(struct reader *r, const struct layer *layer)
{
    static const char *const keys[] = {"batch_input_shape", "batch_shape"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const json_t *shape = json_object_get(layer->config, keys[i]);
        size_t rank = json_array_size(shape);
        json_int_t width = rank ? json_integer_value(json_array_get(shape, rank - 1)) : 0;
        if (!json_is_array(shape) || r->model->layers > 0)
            continue;
        if (width < 0 || width > NET_WIDTH_MAX || (rank != 2 && rank != 3))
            return refuse(r, layer, "its input shape is not (batch, steps, inputs)");
        if (width > 0)
            r->width = (uint32_t)width;
        r->sequences = rank == 3;
    }
    return 0;
}

static struct keras_layer *layer_add(struct reader *r, const struct layer *layer, bool recurrent,
                                     uint32_t index)
{
    struct keras_layer *added = &r->model->layer[r->model->layers++];
    *added = (struct keras_layer){.recurrent = recurrent, .index = index};
    snprintf(added->name, sizeof added->name, "%s", layer->name);
    return added;
}

/* "lstm/cell/vars", the second one "lstm_1/cell/vars". */
static void vars_path(struct keras_layer *layer, const char *group, uint32_t number,
                      const char *inner)
{
    char suffix[16] = "";
    if (number)
        snprintf(suffix, sizeof suffix, "_%u", number);
    snprintf(layer->vars, sizeof layer->vars, "%s%s%svars", group, suffix, inner);
}

/* ---- layers ---- */

static int gate_function(const struct reader *r, const struct layer *layer, enum gate_function *out)
{
    bool early = r->major < 2 || (r->major == 2 && r->minor < 3);
    const char *name = text(layer, "recurrent_activation", early ? "hard_sigmoid" : "sigmoid");
    if (strcmp(name, "sigmoid") == 0)
        *out = GATE_SIGMOID;
    else if (strcmp(name, "hard_sigmoid") == 0)
        *out = r->major >= 3 ? GATE_HARD_SIXTH : GATE_HARD_FIFTH;
    else
        return err_set(r->err, ERR_SHAPE,
                       "layer %.80s (%.40s): recurrent_activation %.40s; it may be sigmoid or "
                       "hard_sigmoid",
                       layer->name, layer->class_name, *name ? name : "is an object");
    return 0;
}

static int check_recurrent(const struct reader *r, const struct layer *layer)
{
    static const struct {
        const char *key, *what;
    } refused[] = {
        {"go_backwards", "go_backwards reads a sequence from its end"},
        {"return_state", "return_state gives more than one output"},
        {"time_major", "time_major swaps steps and sequences"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (flag(layer, refused[i].key, false))
            return refuse(r, layer, refused[i].what);
    const char *activation = text(layer, "activation", "tanh");
    if (strcmp(activation, "tanh") != 0)
        return err_set(r->err, ERR_SHAPE, "layer %.80s (%.40s): activation %.40s; it may be tanh",
                       layer->name, layer->class_name, *activation ? activation : "is an object");
    if (flag(layer, "zero_output_for_mask", false) && r->out->masked)
        return refuse(r, layer, "zero_output_for_mask; a masked step repeats the last output here");
    if (r->out->spec.dense_layers)
        return refuse(r, layer, "a recurrent layer behind a dense one");
    if (r->out->spec.recurrent_layers && !r->sequences)
        return refuse(r, layer, "the layer before it does not return sequences");
    if (r->out->spec.recurrent_layers == NET_LAYERS_MAX)
        return refuse(r, layer, "there are too many recurrent layers");
    return 0;
}

static int read_recurrent(struct reader *r, const struct layer *layer)
{
    struct net_spec *spec = &r->out->spec;
    struct recurrent_spec to = {0};
    bool lstm = strcmp(layer->class_name, "LSTM") == 0;
    if (check_recurrent(r, layer) || units(r, layer, &to.width) ||
        gate_function(r, layer, &to.gate) || rate(r, layer, "dropout", &to.dropout) ||
        rate(r, layer, "recurrent_dropout", &to.recurrent_dropout))
        return -1;
    if (lstm)
        to.cell = CELL_LSTM;
    else
        to.cell = flag(layer, "reset_after", false) ? CELL_GRU : CELL_GRU_BEFORE;
    to.bias = !flag(layer, "use_bias", true) ? BIAS_NONE
              : to.cell == CELL_GRU          ? BIAS_TWO
                                             : BIAS_ONE;
    if (!spec->recurrent_layers)
        spec->inputs = r->width;
    struct keras_layer *added = layer_add(r, layer, true, spec->recurrent_layers);
    vars_path(added, lstm ? "lstm" : "gru", lstm ? r->lstms++ : r->grus++, "/cell/");
    spec->recurrent[spec->recurrent_layers++] = to;
    r->width = to.width;
    r->sequences = flag(layer, "return_sequences", false);
    return 0;
}

static int read_dense(struct reader *r, const struct layer *layer)
{
    static const struct {
        const char *name;
        enum dense_activation activation;
    } activations[] = {{"linear", DENSE_LINEAR}, {"relu", DENSE_RELU}, {"tanh", DENSE_TANH}};
    struct net_spec *spec = &r->out->spec;
    const char *name = text(layer, "activation", "linear");
    struct dense_spec to = {.bias = flag(layer, "use_bias", true), .activation = DENSE_ACTIVATIONS};
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++)
        if (strcmp(name, activations[i].name) == 0)
            to.activation = activations[i].activation;
    if (to.activation == DENSE_ACTIVATIONS)
        return err_set(r->err, ERR_SHAPE,
                       "layer %.80s (%.40s): activation %.40s; it may be linear, relu or tanh",
                       layer->name, layer->class_name, *name ? name : "is an object");
    if (spec->dense_layers == NET_LAYERS_MAX)
        return refuse(r, layer, "there are too many dense layers");
    if (units(r, layer, &to.width))
        return -1;
    if (!spec->recurrent_layers && !spec->dense_layers)
        spec->features = r->width;
    struct keras_layer *added = layer_add(r, layer, false, spec->dense_layers);
    vars_path(added, "dense", r->denses++, "/");
    spec->dense[spec->dense_layers++] = to;
    r->width = to.width;
    return 0;
}

/* A dense layer at every step: what a head is here, whichever steps its rows read. */
static int read_distributed(struct reader *r, const struct layer *layer)
{
    const json_t *wrapped = json_object_get(layer->config, "layer");
    const char *class_name = json_string_value(json_object_get(wrapped, "class_name"));
    struct layer inner = {"Dense", layer->name, json_object_get(wrapped, "config")};
    if (!class_name || strcmp(class_name, "Dense") != 0)
        return refuse(r, layer, "it may hold a Dense layer only");
    if (!r->sequences)
        return refuse(r, layer, "the layer before it does not return sequences");
    if (read_dense(r, &inner))
        return -1;
    r->denses--; /* it is counted under its own class */
    vars_path(&r->model->layer[r->model->layers - 1], "time_distributed", r->distributed++,
              "/layer/");
    return 0;
}

static int read_dropout(struct reader *r, const struct layer *layer)
{
    struct net_spec *spec = &r->out->spec;
    double dropped;
    if (rate(r, layer, "rate", &dropped))
        return -1;
    if (spec->dense_layers)
        spec->dense[spec->dense_layers - 1].dropout = dropped;
    else
        net_file_note(r->out, "layer %s (%s %g) is nothing outside training; left out", layer->name,
                      layer->class_name, dropped);
    return 0;
}

static int read_masking(struct reader *r, const struct layer *layer)
{
    if (r->model->layers)
        return refuse(r, layer, "it may stand in front of all others only");
    r->out->masked = true;
    r->out->mask_value = number(layer, "mask_value");
    return 0;
}

static int read_input(struct reader *r, const struct layer *layer)
{
    return r->model->layers ? refuse(r, layer, "a second input") : 0;
}

static bool is_name(const char *text)
{
    for (const char *at = text; *at; at++)
        if (iscntrl((unsigned char)*at))
            return false;
    return strlen(text) < KERAS_NAME_MAX;
}

static int read_layer(struct reader *r, const json_t *item)
{
    static const struct {
        const char *class_name;
        int (*read)(struct reader *r, const struct layer *layer);
    } classes[] = {
        {"LSTM", read_recurrent},
        {"GRU", read_recurrent},
        {"Dense", read_dense},
        {"Dropout", read_dropout},
        {"Masking", read_masking},
        {"InputLayer", read_input},
        {"TimeDistributed", read_distributed},
    };
    struct layer layer = {json_string_value(json_object_get(item, "class_name")), "",
                          json_object_get(item, "config")};
    if (!layer.class_name || !json_is_object(layer.config))
        return err_set(r->err, ERR_INPUT, "layer %u has no class_name or no config",
                       r->model->layers);
    layer.name = text(&layer, "name", "");
    if (!is_name(layer.name) || !is_name(layer.class_name))
        return err_set(r->err, ERR_INPUT, "the layer behind %u others: a name that cannot be one",
                       r->model->layers);
    if (input_width(r, &layer))
        return -1;
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (strcmp(layer.class_name, classes[i].class_name) == 0)
            return classes[i].read(r, &layer);
    return refuse(r, &layer,
                  "such a layer cannot be imported; LSTM, GRU, Dense, TimeDistributed(Dense), "
                  "Dropout, Masking and InputLayer can");
}

/* ---- the model ---- */

/* Keras 3 writes no version into its JSON, but for every object the module that it is from. */
static int read_version(struct reader *r, const json_t *root, const char *version)
{
    const char *said = json_string_value(json_object_get(root, "keras_version"));
    char *end;
    if (!said)
        said = version;
    if (!said && json_object_get(root, "module"))
        said = "3";
    if (!said || !isdigit((unsigned char)*said))
        return err_set(r->err, ERR_INPUT,
                       "no keras_version says which Keras wrote it, and names mean other things "
                       "in Keras 2 and 3");
    r->major = strtol(said, &end, 10);
    r->minor = *end == '.' ? strtol(end + 1, NULL, 10) : 0;
    snprintf(r->out->source, sizeof r->out->source, "Keras %.40s", said);
    return 0;
}

static int read_model(struct reader *r, const json_t *root, const char *version)
{
    const char *class_name = json_string_value(json_object_get(root, "class_name"));
    const json_t *config = json_object_get(root, "config");
    /* Keras before 2.2.3 wrote the list itself. */
    const json_t *layers = json_is_array(config) ? config : json_object_get(config, "layers");
    if (!class_name || !json_is_array(layers))
        return err_set(r->err, ERR_INPUT, "no class_name and config.layers of a Keras model");
    if (strcmp(class_name, "Sequential") != 0)
        return err_set(r->err, ERR_SHAPE, "a %.40s model; only Sequential ones can be imported",
                       class_name);
    if (read_version(r, root, version))
        return -1;
    for (size_t i = 0; i < json_array_size(layers); i++)
        if (read_layer(r, json_array_get(layers, i)))
            return -1;
    if (!r->out->spec.dense_layers)
        return err_set(r->err, ERR_SHAPE, "it has no Dense layer: a network needs a head");
    if (r->out->spec.recurrent_layers && r->sequences)
        net_file_note(r->out, "the last recurrent layer returns sequences: the head is for every "
                              "step");
    return 0;
}

int keras_model_parse(const void *json, size_t size, const char *version, struct keras_model *model,
                      struct net_file *out, struct err *err)
{
    json_error_t why;
    struct reader reader = {.model = model, .out = out, .err = err};
    *model = (struct keras_model){0};
    *out = (struct net_file){0};
    json_t *root = json_loadb(json, size, JSON_REJECT_DUPLICATES, &why);
    if (!root)
        return err_set(err, ERR_INPUT, "architecture, line %d: %.200s", why.line, why.text);
    int result = read_model(&reader, root, version);
    json_decref(root);
    return result;
}
