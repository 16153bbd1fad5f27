/* net_spec.h - the description of a network: recurrent layers, one step after another, then a head
 * of dense layers. It is written in two lines,
 *     net = gru:32                      head = 64 relu dropout=.3, 64 relu
 *     net = lstm:64,64 dropout=.3       head = 64 relu, 1
 * checked, printed back, stored in the bundle. All parameters of a network stand in one block, in
 * the order of net_tensors(); optimizer, clipping, averaging and saving are flat loops over it.
 * Conventions are PyTorch's: weights (out, in), gates of a GRU r z n, of an LSTM i f g o. */
#ifndef OUTRO_NN_NET_SPEC_H
#define OUTRO_NN_NET_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

#define NET_LAYERS_MAX  8
#define NET_TENSORS_MAX (6 * NET_LAYERS_MAX)
#define NET_WIDTH_MAX   4096
#define NET_TEXT_MAX    1024 /* of either line, the NUL included */

/* The rows of the table in cell.c. */
enum cell_kind {
    CELL_GRU,        /* reset after the recurrent product: PyTorch, cuDNN, tf.keras 2, Keras 3 */
    CELL_GRU_BEFORE, /* reset before it: standalone Keras to 2.3 */
    CELL_LSTM,
    CELL_KINDS
};

enum gate_function {
    GATE_SIGMOID,
    GATE_HARD_FIFTH, /* clip(x/5 + 1/2, 0, 1): hard_sigmoid to tf.keras 2 */
    GATE_HARD_SIXTH, /* clip(x/6 + 1/2, 0, 1): hard_sigmoid of Keras 3 */
    GATE_FUNCTIONS
};

enum bias_form {
    BIAS_TWO, /* bias_ih and bias_hh: PyTorch; a GRU with reset after in Keras */
    BIAS_ONE, /* bias_ih alone: Keras' LSTM and its GRU with reset before */
    BIAS_NONE,
    BIAS_FORMS
};

enum dense_activation { DENSE_LINEAR, DENSE_RELU, DENSE_TANH, DENSE_ACTIVATIONS };

struct recurrent_spec {
    enum cell_kind cell;
    enum gate_function gate;
    enum bias_form bias; /* a GRU before takes one or none, a GRU two or none */
    uint32_t width;      /* H, 1 .. NET_WIDTH_MAX */
    double dropout; /* in training, of the layer's inputs: one mask a sequence, for all steps */
    double recurrent_dropout; /* the same of h where it enters the products; the carry keeps h */
};

struct dense_spec {
    enum dense_activation activation;
    bool bias;
    uint32_t width;
    double dropout; /* in training, of the layer's outputs, drawn for every row */
};

struct net_spec {
    uint32_t inputs;   /* of a step, I */
    uint32_t features; /* joined behind the last state before the head; 0 for a plain network */
    uint32_t recurrent_layers; /* 0: the head alone, on the features */
    struct recurrent_spec recurrent[NET_LAYERS_MAX];
    uint32_t dense_layers; /* at least 1; the last one's width is the number of outputs */
    struct dense_spec dense[NET_LAYERS_MAX];
};

/* One named tensor of the block of parameters. */
struct net_tensor {
    char name[24];          /* "rnn.0.weight_ih" (gates H,I), "rnn.0.weight_hh" (gates H,H),
                             * "rnn.0.bias_ih", "rnn.0.bias_hh" (gates H), "head.0.weight" (O,I),
                             * "head.0.bias" (O) */
    uint32_t rows, columns; /* columns 1 for biases */
    size_t offset;          /* numbers from the start of the block */
};

/** Writes the tensors of a network in the order of the block. @return how many */
size_t net_tensors(const struct net_spec *spec, struct net_tensor out[NET_TENSORS_MAX]);
/** Numbers in the block of parameters. */
size_t net_params_count(const struct net_spec *spec);
/** Numbers that a sequence carries from step to step: layer by layer h, an LSTM's c behind its h.
 */
size_t net_state_width(const struct net_spec *spec);
/** Where the last layer's h begins in that; its width is that of the last layer. 0 without one. */
size_t net_state_output(const struct net_spec *spec);
/** Width of the last layer's h, which the head reads; 0 without one. */
size_t net_output_width(const struct net_spec *spec);

/** Reads both lines into the layers of spec; inputs and features are the caller's.
 *  net: "none", or groups "CELL:WIDTH[,WIDTH...]" (gru, gru-before, lstm) separated by spaces,
 *  options behind the group they are for: dropout=P recurrent_dropout=P
 * gates=sigmoid|hard_sigmoid_fifth| hard_sigmoid_sixth biases=2|1|0. head: layers separated by
 * commas, "WIDTH [linear|relu|tanh] [dropout=P] [biases=0]".
 *  @return 0, or -1 with ERR_INPUT: which line, at which word, what it may be */
int net_spec_parse(const char *net, const char *head, struct net_spec *spec,
                   struct err *err) MUST_CHECK;
/** The shortest lines that read back equal. @param net, head NUL-terminated, cut never needed */
void net_spec_print(const struct net_spec *spec, char net[NET_TEXT_MAX], char head[NET_TEXT_MAX]);
/** Is every field in its range, and does every layer go with the next? @return 0, or -1 with
 * ERR_SHAPE */
int net_spec_check(const struct net_spec *spec, struct err *err) MUST_CHECK;

#endif
