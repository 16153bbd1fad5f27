/* kernels_body.h - the loops of kernels.h, included by kernels.c once a vector width (so no guard)
 * with
 *     KERNEL(name)             the name for this width
 *     KERNEL_TARGET            the target attribute, or nothing
 *     VECTOR_BYTES             of a register
 *     TILE_ROWS, TILE_VECTORS  of results held in registers at once; TILE_ROWS divides KERNEL_ROWS,
 *                              TILE_VECTORS a panel
 *     ROW_VECTORS              the same of a single row: whole panels
 *     HALF(name)               of vectors too long for KERNEL_HALF: the name for half the width
 * Both compilers fuse acc + x * w where the target can, in every copy of the tile alike: that keeps
 * a row's bits the same whichever tile it falls in (test_net_runner holds it). */

#define LANES         (VECTOR_BYTES / sizeof(float))
#define PANEL_VECTORS (KERNEL_PANEL / LANES)
#define VECTOR        KERNEL(vector)
#define TILE_RESULTS                                                                               \
    (TILE_ROWS * TILE_VECTORS > ROW_VECTORS ? TILE_ROWS * TILE_VECTORS : ROW_VECTORS)
#define TILE static inline __attribute__((always_inline)) KERNEL_TARGET

typedef float VECTOR __attribute__((vector_size(VECTOR_BYTES), aligned(4), may_alias));

/* y (tile_rows, vectors) = start + x w with everything in registers; tile_rows and vectors are
 * constants where it is inlined. Vectors beyond a panel are of the panels behind it. Rows from
 * p->rows on are the last one again, which nobody reads. */
TILE void KERNEL(tile)(const size_t tile_rows, const size_t vectors, const struct part *p,
                       size_t row, const float *w, size_t panel, const float *start,
                       size_t start_stride, float *y)
{
    VECTOR acc[TILE_RESULTS];
    UNROLL for (size_t r = 0; r < tile_rows; r++)
    {
        UNROLL for (size_t v = 0; v < vectors; v++) acc[r * vectors + v] =
            *(const VECTOR *)(start + r * start_stride + v * LANES);
    }
    for (size_t i = 0; i < 2; i++) {
        const struct kernel_input *in = &p->x[i];
        const float *x[TILE_ROWS];
        if (!in->count)
            continue;
        UNROLL for (size_t r = 0; r < tile_rows; r++) x[r] =
            in->row[row + r < p->rows ? row + r : p->rows - 1] + in->at;
        for (size_t k = 0; k < in->count; k++, w += KERNEL_PANEL) {
            VECTOR weight[ROW_VECTORS];
            UNROLL for (size_t v = 0; v < vectors; v++) weight[v] =
                *(const VECTOR *)(w + v / PANEL_VECTORS * panel + v % PANEL_VECTORS * LANES);
            UNROLL for (size_t r = 0; r < tile_rows; r++)
            {
                float input = x[r][k];
                UNROLL for (size_t v = 0; v < vectors; v++) acc[r * vectors + v] +=
                    input * weight[v];
            }
        }
    }
    UNROLL for (size_t r = 0; r < tile_rows; r++)
    {
        UNROLL for (size_t v = 0; v < vectors; v++) * (VECTOR *)(y + r * p->y_stride + v * LANES) =
            acc[r * vectors + v];
    }
}

/* vectors of results from column on, rows from row on. */
TILE void KERNEL(tile_at)(const size_t tile_rows, const size_t vectors, const struct part *p,
                          size_t row, size_t column)
{
    size_t panel = p->w->inputs * KERNEL_PANEL;
    const float *w = p->w->panels + column / KERNEL_PANEL * panel + p->first * KERNEL_PANEL +
                     column % KERNEL_PANEL;
    float *y = p->y + row * p->y_stride + column;
    KERNEL(tile)
    (tile_rows, vectors, p, row, w, panel, p->start_at_y ? y : p->w->bias + column,
     p->start_at_y ? p->y_stride : 0, y);
}

/* All rows of one column of tiles. What is left behind whole tiles goes as half a tile or as one
 * whose last rows nobody reads. */
TILE void KERNEL(columns)(const size_t vectors, const struct part *p, size_t column)
{
    size_t row = 0;
    for (; p->rows > row + TILE_ROWS / 2; row += TILE_ROWS)
        KERNEL(tile_at)(TILE_ROWS, vectors, p, row, column);
    if (p->rows > row)
        KERNEL(tile_at)(TILE_ROWS / 2, vectors, p, row, column);
}

/* The last columns, fewer than a tile's. Not inlined: it needs the registers for itself. */
KERNEL_TARGET __attribute__((noinline)) static void KERNEL(rest)(const struct part *p,
                                                                 size_t column)
{
    for (; column + LANES <= p->w->outputs; column += LANES)
        if (p->rows == 1)
            KERNEL(tile_at)(1, 1, p, 0, column);
        else
            KERNEL(columns)(1, p, column);
#ifdef HALF
    if (column < p->w->outputs)
        HALF(rest)(p, column);
#endif
}

/* One row: enough columns at once that the additions do not wait for each other. */
KERNEL_TARGET static void KERNEL(one_row)(const struct part *p)
{
    size_t column = 0;
    for (; column + ROW_VECTORS * LANES <= p->w->outputs; column += ROW_VECTORS * LANES)
        KERNEL(tile_at)(1, ROW_VECTORS, p, 0, column);
    for (; column + PANEL_VECTORS * LANES <= p->w->outputs; column += PANEL_VECTORS * LANES)
        KERNEL(tile_at)(1, PANEL_VECTORS, p, 0, column);
    KERNEL(rest)(p, column);
}

KERNEL_TARGET static void KERNEL(all_rows)(const struct part *p)
{
    size_t column = 0;
    for (; column + TILE_VECTORS * LANES <= p->w->outputs; column += TILE_VECTORS * LANES)
        KERNEL(columns)(TILE_VECTORS, p, column);
    KERNEL(rest)(p, column);
}

/* Inputs go in parts short enough that a panel's stays in the first-level cache while all rows pass
 * it; sums between parts are stored as they are, so the bits do not know. */
KERNEL_TARGET static void KERNEL(product)(const struct packed *w, bool add, size_t rows,
                                          const struct kernel_input x[2], float *y, size_t y_stride)
{
    struct part part = {.w = w, .rows = rows, .start_at_y = add, .y = y, .y_stride = y_stride};
    bool more = next_part(&part, x);
    do {
        if (rows == 1)
            KERNEL(one_row)(&part);
        else
            KERNEL(all_rows)(&part);
        more = next_part(&part, x);
    } while (more);
}

/* ---- gates: gate is a constant where these are inlined ---- */

TILE void KERNEL(gru_row)(const enum gate_function gate, float bound, size_t width, size_t padded,
                          const float *restrict g, float *restrict h)
{
    for (size_t j = 0; j < width; j++) {
        float r = gate_float(bound, gate, g[j]);
        float n = g[2 * padded + j] + r * g[3 * padded + j];
        h[j] = gru_blend_float(bound, gate, g[padded + j], n, h[j]);
    }
}

TILE void KERNEL(gru_of)(const enum gate_function gate, const struct cell_block *b)
{
    float bound = activation_bound();
    for (size_t row = 0; row < b->rows; row++)
        KERNEL(gru_row)
    (gate, bound, b->width, b->padded, b->gates + row * 4 * b->padded, b->state[row] + b->at);
}

TILE void KERNEL(reset_of)(const enum gate_function gate, const struct cell_block *b)
{
    float bound = activation_bound();
    size_t width = b->width, padded = b->padded;
    for (size_t row = 0; row < b->rows; row++) {
        float *gates = b->gates + row * 4 * padded, *reset = b->reset + row * padded;
        const float *h = b->state[row] + b->at;
        for (size_t j = 0; j < width; j++) {
            gates[padded + j] = gate_float(bound, gate, gates[padded + j]);
            reset[j] = h[j] * gate_float(bound, gate, gates[j]);
        }
    }
}

/* In two loops: what the second waits for is then long done. */
TILE void KERNEL(lstm_row)(const enum gate_function gate, float bound, size_t width, size_t padded,
                           const float *restrict g, float *restrict h, float *restrict c)
{
    for (size_t j = 0; j < width; j++)
        c[j] = lstm_carry_float(bound, gate, g[j], g[padded + j], g[2 * padded + j], c[j]);
    for (size_t j = 0; j < width; j++)
        h[j] = lstm_output_float(bound, gate, g[3 * padded + j], c[j]);
}

TILE void KERNEL(lstm_of)(const enum gate_function gate, const struct cell_block *b)
{
    float bound = activation_bound();
    for (size_t row = 0; row < b->rows; row++) {
        float *h = b->state[row] + b->at;
        KERNEL(lstm_row)
        (gate, bound, b->width, b->padded, b->gates + row * 4 * b->padded, h, h + b->width);
    }
}

#define EVERY_GATE(function, block)                                                                \
    switch ((block)->gate) {                                                                       \
    case GATE_HARD_FIFTH:                                                                          \
        function(GATE_HARD_FIFTH, block);                                                          \
        break;                                                                                     \
    case GATE_HARD_SIXTH:                                                                          \
        function(GATE_HARD_SIXTH, block);                                                          \
        break;                                                                                     \
    default:                                                                                       \
        function(GATE_SIGMOID, block);                                                             \
    }

KERNEL_TARGET static void KERNEL(gru)(const struct cell_block *b){EVERY_GATE(KERNEL(gru_of), b)}

KERNEL_TARGET
    static void KERNEL(gru_reset)(const struct cell_block *b){EVERY_GATE(KERNEL(reset_of), b)}

KERNEL_TARGET static void KERNEL(gru_blend)(const struct cell_block *b)
{
    float bound = activation_bound();
    size_t width = b->width, padded = b->padded;
    for (size_t row = 0; row < b->rows; row++) {
        const float *gates = b->gates + row * 4 * padded;
        float *h = b->state[row] + b->at;
        for (size_t j = 0; j < width; j++) {
            float n = tanh_float(bound, gates[2 * padded + j]);
            h[j] = n + gates[padded + j] * (h[j] - n);
        }
    }
}

KERNEL_TARGET static void KERNEL(lstm)(const struct cell_block *b){EVERY_GATE(KERNEL(lstm_of), b)}

KERNEL_TARGET static void KERNEL(activate)(enum dense_activation activation, size_t count, float *y)
{
    float bound = activation_bound();
    if (activation == DENSE_RELU)
        for (size_t i = 0; i < count; i++)
            y[i] = y[i] > 0 ? y[i] : 0;
    if (activation == DENSE_TANH)
        for (size_t i = 0; i < count; i++)
            y[i] = tanh_float(bound, y[i]);
}

KERNEL_TARGET static void KERNEL(exponentials)(size_t count, float *d)
{
    for (size_t i = 0; i < count; i++)
        d[i] = exp_float(clamp_float(d[i], -CORRECTION_MAX, CORRECTION_MAX));
}

static const struct kernels KERNEL(kernels) = {
    .name = KERNEL_NAME,
    .product = KERNEL(product),
    .gru = KERNEL(gru),
    .gru_reset = KERNEL(gru_reset),
    .gru_blend = KERNEL(gru_blend),
    .lstm = KERNEL(lstm),
    .activate = KERNEL(activate),
    .exponentials = KERNEL(exponentials),
};

#undef LANES
#undef PANEL_VECTORS
#undef VECTOR
#undef TILE
#undef EVERY_GATE
#undef KERNEL
#undef KERNEL_NAME
#undef KERNEL_TARGET
#undef VECTOR_BYTES
#undef TILE_ROWS
#undef TILE_VECTORS
#undef ROW_VECTORS
#undef TILE_RESULTS
#undef HALF
