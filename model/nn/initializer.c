#include "nn/initializer.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct initializer {
    const char *name;
    int (*fill)(const struct initializer_shape *shape, struct random *random, real *values,
                struct err *err);
};

static int fill_constant(const struct initializer_shape *shape, real value, real *values)
{
    for (size_t i = 0; i < shape->out * shape->in; i++)
        values[i] = value;
    return 0;
}

static int fill_zeros(const struct initializer_shape *shape, struct random *random, real *values,
                      struct err *err)
{
    (void)random;
    (void)err;
    return fill_constant(shape, 0, values);
}

static int fill_ones(const struct initializer_shape *shape, struct random *random, real *values,
                     struct err *err)
{
    (void)random;
    (void)err;
    return fill_constant(shape, 1, values);
}

static int fill_lstm_forget_one(const struct initializer_shape *shape, struct random *random,
                                real *values, struct err *err)
{
    (void)random;
    (void)err;
    assert(shape->in == 1 && shape->out % 4 == 0);
    size_t width = shape->out / 4;
    for (size_t i = 0; i < shape->out; i++)
        values[i] = i >= width && i < 2 * width;
    return 0;
}

static int fill_uniform(const struct initializer_shape *shape, double bound, struct random *random,
                        real *values)
{
    for (size_t i = 0; i < shape->out * shape->in; i++)
        values[i] = (real)((2 * random_uniform(random) - 1) * bound);
    return 0;
}

static int fill_glorot_uniform(const struct initializer_shape *shape, struct random *random,
                               real *values, struct err *err)
{
    (void)err;
    return fill_uniform(shape, sqrt(6 / (double)(shape->in + shape->out)), random, values);
}

static int fill_torch_uniform(const struct initializer_shape *shape, struct random *random,
                              real *values, struct err *err)
{
    (void)err;
    assert(shape->fan > 0);
    return fill_uniform(shape, 1 / sqrt((double)shape->fan), random, values);
}

static int fill_kaiming_uniform(const struct initializer_shape *shape, struct random *random,
                                real *values, struct err *err)
{
    (void)err;
    return fill_uniform(shape, 1 / sqrt((double)shape->in), random, values);
}

/* Box and Muller; 1 - u is never 0. */
static double normal(struct random *random)
{
    double radius = sqrt(-2 * log(1 - random_uniform(random)));
    return radius * cos(2 * M_PI * random_uniform(random));
}

/* x -= 2 v (v . x) for a unit vector v */
static void reflect(const double *v, double *x, size_t count)
{
    double dot = 0;
    for (size_t i = 0; i < count; i++)
        dot += v[i] * x[i];
    for (size_t i = 0; i < count; i++)
        x[i] -= 2 * dot * v[i];
}

/* Householder: the column k (below its diagonal) becomes the unit vector that reflects it onto the
 * axis. @return the sign of the diagonal of R, which makes Q uniform over all such matrices */
static double make_reflector(double *column, size_t count)
{
    double norm = 0, before = column[0];
    for (size_t i = 0; i < count; i++)
        norm += column[i] * column[i];
    norm = sqrt(norm);
    double diagonal = before < 0 ? norm : -norm, size = sqrt(2 * norm * (norm + fabs(before)));
    column[0] -= diagonal;
    for (size_t i = 0; i < count; i++)
        column[i] /= size;
    return diagonal < 0 ? -1 : 1;
}

/* Q R of a normal matrix of `long_side` rows. @param v (short_side,long_side) columns of the
 * matrix, then its reflectors  @param q (short_side,long_side) out, columns of Q  */
static void draw_orthonormal(struct random *random, size_t long_side, size_t short_side, double *v,
                             double *q)
{
    for (size_t i = 0; i < long_side * short_side; i++)
        v[i] = normal(random);
    for (size_t k = 0; k < short_side; k++) {
        double *reflector = v + k * long_side + k;
        double sign = make_reflector(reflector, long_side - k);
        for (size_t j = k + 1; j < short_side; j++)
            reflect(reflector, v + j * long_side + k, long_side - k);
        q[k * long_side + k] = sign;
    }
    for (size_t j = 0; j < short_side; j++)
        for (size_t k = j + 1; k-- > 0;) /* the reflectors behind j do not reach its axis */
            reflect(v + k * long_side + k, q + j * long_side + k, long_side - k);
}

static int fill_orthogonal(const struct initializer_shape *shape, struct random *random,
                           real *values, struct err *err)
{
    bool tall = shape->out >= shape->in;
    size_t rows = tall ? shape->out : shape->in, columns = tall ? shape->in : shape->out;
    double *v = calloc(2 * rows * columns, sizeof *v), *q = v + rows * columns;
    if (!v)
        return err_set(err, ERR_MEMORY, "no memory to draw an orthogonal matrix of %zu by %zu",
                       shape->out, shape->in);
    draw_orthonormal(random, rows, columns, v, q);
    for (size_t o = 0; o < shape->out; o++)
        for (size_t i = 0; i < shape->in; i++)
            values[o * shape->in + i] = (real)(tall ? q[i * rows + o] : q[o * rows + i]);
    free(v);
    return 0;
}

static const struct initializer table[] = {
    {"zeros", fill_zeros},
    {"ones", fill_ones},
    {"glorot_uniform", fill_glorot_uniform},
    {"orthogonal", fill_orthogonal},
    {"torch_uniform", fill_torch_uniform},
    {"kaiming_uniform", fill_kaiming_uniform},
    {"lstm_forget_one", fill_lstm_forget_one},
};

const struct initializer *initializer_by_name(const char *name, struct err *err)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    err_set(err, ERR_INPUT,
            "'%.60s' is no initializer; it may be zeros, ones, glorot_uniform, orthogonal, "
            "torch_uniform, kaiming_uniform or lstm_forget_one",
            name);
    return NULL;
}

int initializer_fill(const struct initializer *initializer, const struct initializer_shape *shape,
                     struct random *random, real *values, struct err *err)
{
    return initializer->fill(shape, random, values, err);
}
