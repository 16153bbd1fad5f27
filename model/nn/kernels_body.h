/* kernels_body.h - the loops of kernels.h, included by kernels.c once a vector width (so no guard)
 * with
 *     KERNEL(name)             the name for this width
 *     KERNEL_TARGET            the target attribute, or nothing
 *     VECTOR_BYTES             of a register
 *     TILE_ROWS, TILE_VECTORS  of results held in registers at once; TILE_ROWS divides KERNEL_ROWS
 * Both compilers fuse acc + x * w where the target can, in every copy of the tile alike: that keeps
 * a row's bits the same whichever tile it falls in (test_predictor holds it). */

#define LANES  (VECTOR_BYTES / sizeof(float))
#define VECTOR KERNEL(vector)
#define TILE   static inline __attribute__((always_inline)) KERNEL_TARGET

typedef float VECTOR __attribute__((vector_size(VECTOR_BYTES), aligned(4), may_alias));

/* y (tile_rows, vectors) += x w with everything in registers; tile_rows and vectors are constants
 * where it is inlined. */
TILE void KERNEL(tile)(const size_t tile_rows, const size_t vectors, size_t inputs, const float *x,
                       size_t x_stride, const float *w, size_t w_stride, float *y, size_t y_stride)
{
    VECTOR acc[TILE_ROWS][TILE_VECTORS];
    UNROLL for (size_t r = 0; r < tile_rows; r++)
    {
        UNROLL for (size_t v = 0; v < vectors; v++) acc[r][v] =
            *(const VECTOR *)(y + r * y_stride + v * LANES);
    }
    for (size_t k = 0; k < inputs; k++) {
        VECTOR weight[TILE_VECTORS];
        UNROLL for (size_t v = 0; v < vectors; v++) weight[v] =
            *(const VECTOR *)(w + k * w_stride + v * LANES);
        UNROLL for (size_t r = 0; r < tile_rows; r++)
        {
            float input = x[r * x_stride + k];
            UNROLL for (size_t v = 0; v < vectors; v++) acc[r][v] += input * weight[v];
        }
    }
    UNROLL for (size_t r = 0; r < tile_rows; r++)
    {
        UNROLL for (size_t v = 0; v < vectors; v++) * (VECTOR *)(y + r * y_stride + v * LANES) =
            acc[r][v];
    }
}

/* All rows of one column of tiles. A remainder of one or two rows goes one by one, a larger one as
 * a whole tile whose last rows nobody reads. */
TILE void KERNEL(panel)(const size_t vectors, size_t rows, size_t inputs, const float *x,
                        size_t x_stride, const float *w, size_t w_stride, float *y, size_t y_stride)
{
    size_t r = 0;
    while (rows > r + 2) {
        KERNEL(tile)
        (TILE_ROWS, vectors, inputs, x + r * x_stride, x_stride, w, w_stride, y + r * y_stride,
         y_stride);
        r += TILE_ROWS;
    }
    for (; r < rows; r++)
        KERNEL(tile)
    (1, vectors, inputs, x + r * x_stride, x_stride, w, w_stride, y + r * y_stride, y_stride);
}

KERNEL_TARGET static void KERNEL(product)(size_t rows, size_t inputs, size_t outputs,
                                          const float *x, size_t x_stride, const float *w,
                                          size_t w_stride, float *y, size_t y_stride)
{
    size_t vectors = (outputs + LANES - 1) / LANES, v = 0;
    for (; v + TILE_VECTORS <= vectors; v += TILE_VECTORS)
        KERNEL(panel)
    (TILE_VECTORS, rows, inputs, x, x_stride, w + v * LANES, w_stride, y + v * LANES, y_stride);
    for (; v < vectors; v++)
        KERNEL(panel)
    (1, rows, inputs, x, x_stride, w + v * LANES, w_stride, y + v * LANES, y_stride);
}

KERNEL_TARGET static void KERNEL(gru_gates)(size_t rows, size_t width, const float *gates, float *h)
{
    for (size_t row = 0; row < rows; row++, gates += 4 * width, h += width)
        for (size_t j = 0; j < width; j++) {
            float r = sigmoid_float(gates[j]);
            float z = sigmoid_float(gates[width + j]);
            float n = tanh_float(gates[3 * width + j] + r * gates[2 * width + j]);
            h[j] = n + z * (h[j] - n);
        }
}

KERNEL_TARGET static void KERNEL(relu)(size_t count, float *y)
{
    for (size_t i = 0; i < count; i++)
        y[i] = y[i] > 0 ? y[i] : 0;
}

KERNEL_TARGET static void KERNEL(exponentials)(float *d)
{
    for (size_t i = 0; i < KERNEL_ROWS * 4; i++)
        d[i] = exp_float(clamp_float(d[i], -CORRECTION_MAX, CORRECTION_MAX));
}

static const struct kernels KERNEL(kernels) = {
    .name = KERNEL_NAME,
    .product = KERNEL(product),
    .gru_gates = KERNEL(gru_gates),
    .relu = KERNEL(relu),
    .exponentials = KERNEL(exponentials),
};

#undef LANES
#undef VECTOR
#undef TILE
#undef KERNEL
#undef KERNEL_NAME
#undef KERNEL_TARGET
#undef VECTOR_BYTES
#undef TILE_ROWS
#undef TILE_VECTORS
