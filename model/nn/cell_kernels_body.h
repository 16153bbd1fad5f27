/* cell_kernels_body.h - the loops of cell_kernels.h, included by cell_kernels.c once a vector width
 * (so no guard) with
 *     KERNEL(name)             the name for this width
 *     KERNEL_TARGET            the target attribute, or nothing
 *     VECTOR_BYTES             of a register
 *     TILE_ROWS, TILE_VECTORS  of results held in registers at once */

#define LANES  (VECTOR_BYTES / sizeof(real))
#define VECTOR KERNEL(vector)
#define TILE   static inline __attribute__((always_inline)) KERNEL_TARGET

typedef real VECTOR __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(real)), may_alias));

/* ---- the product ---- */

/* c (tile_rows, vectors) += a w with everything in registers; tile_rows and vectors are constants
 * where it is inlined. */
TILE void KERNEL(tile)(const size_t tile_rows, const size_t vectors, size_t inner, const real *a,
                       size_t a_stride, const real *w, size_t w_stride, real *c, size_t c_stride)
{
    VECTOR acc[TILE_ROWS][TILE_VECTORS];
    UNROLL for (size_t r = 0; r < tile_rows; r++)
    {
        UNROLL for (size_t v = 0; v < vectors; v++) acc[r][v] =
            *(const VECTOR *)(c + r * c_stride + v * LANES);
    }
    for (size_t k = 0; k < inner; k++) {
        VECTOR weight[TILE_VECTORS];
        UNROLL for (size_t v = 0; v < vectors; v++) weight[v] =
            *(const VECTOR *)(w + k * w_stride + v * LANES);
        UNROLL for (size_t r = 0; r < tile_rows; r++)
        {
            real input = a[r * a_stride + k];
            UNROLL for (size_t v = 0; v < vectors; v++) acc[r][v] += input * weight[v];
        }
    }
    UNROLL for (size_t r = 0; r < tile_rows; r++)
    {
        UNROLL for (size_t v = 0; v < vectors; v++) * (VECTOR *)(c + r * c_stride + v * LANES) =
            acc[r][v];
    }
}

/* All rows of one column of tiles. */
TILE void KERNEL(panel)(const size_t vectors, size_t rows, size_t inner, const real *a,
                        size_t a_stride, const real *w, size_t w_stride, real *c, size_t c_stride)
{
    size_t r = 0;
    for (; r + TILE_ROWS <= rows; r += TILE_ROWS)
        KERNEL(tile)
    (TILE_ROWS, vectors, inner, a + r * a_stride, a_stride, w, w_stride, c + r * c_stride,
     c_stride);
    if (TILE_ROWS > 4 && r + 4 <= rows) {
        KERNEL(tile)
        (4, vectors, inner, a + r * a_stride, a_stride, w, w_stride, c + r * c_stride, c_stride);
        r += 4;
    }
    for (; r + 2 <= rows; r += 2)
        KERNEL(tile)
    (2, vectors, inner, a + r * a_stride, a_stride, w, w_stride, c + r * c_stride, c_stride);
    for (; r < rows; r++)
        KERNEL(tile)
    (1, vectors, inner, a + r * a_stride, a_stride, w, w_stride, c + r * c_stride, c_stride);
}

/* The last columns, fewer than a vector: with copies of a vector's width. */
TILE void KERNEL(tail)(size_t rows, size_t inner, size_t columns, const real *a, size_t a_stride,
                       const real *w, size_t w_stride, real *c, size_t c_stride)
{
    for (size_t r = 0; r < rows; r++) {
        VECTOR sum = {0}, weight = {0};
        memcpy(&sum, c + r * c_stride, columns * sizeof *c);
        for (size_t k = 0; k < inner; k++) {
            memcpy(&weight, w + k * w_stride, columns * sizeof *w);
            sum += a[r * a_stride + k] * weight;
        }
        memcpy(c + r * c_stride, &sum, columns * sizeof *c);
    }
}

KERNEL_TARGET static void KERNEL(product)(size_t rows, size_t inner, size_t columns, const real *a,
                                          size_t a_stride, const real *w, size_t w_stride, real *c,
                                          size_t c_stride)
{
    size_t vectors = columns / LANES, v = 0;
    for (; v + TILE_VECTORS <= vectors; v += TILE_VECTORS)
        KERNEL(panel)
    (TILE_VECTORS, rows, inner, a, a_stride, w + v * LANES, w_stride, c + v * LANES, c_stride);
    if (v + 2 <= vectors) {
        KERNEL(panel)
        (2, rows, inner, a, a_stride, w + v * LANES, w_stride, c + v * LANES, c_stride);
        v += 2;
    }
    if (v < vectors) {
        KERNEL(panel)
        (1, rows, inner, a, a_stride, w + v * LANES, w_stride, c + v * LANES, c_stride);
        v++;
    }
    if (v * LANES < columns)
        KERNEL(tail)
    (rows, inner, columns - v * LANES, a, a_stride, w + v * LANES, w_stride, c + v * LANES,
     c_stride);
}

/* ---- gates; `gate` is a constant where it is inlined ---- */

TILE real KERNEL(gate)(const enum gate_function gate, float bound, real x)
{
    if (gate == GATE_SIGMOID)
        return sigmoid_real(bound, x);
    x = x * (gate == GATE_HARD_FIFTH ? (real)1 / 5 : (real)1 / 6) + (real)1 / 2;
    x = x > 0 ? x : 0;
    return x < 1 ? x : 1;
}

/* ds/dx from s. */
TILE real KERNEL(gate_slope)(const enum gate_function gate, real s)
{
    if (gate == GATE_SIGMOID)
        return s * (1 - s);
    real slope = gate == GATE_HARD_FIFTH ? (real)1 / 5 : (real)1 / 6;
    return s > 0 ? (s < 1 ? slope : 0) : 0;
}

TILE void KERNEL(gru_row)(const enum gate_function gate, float bound, size_t h, real *restrict g,
                          const real *restrict before, real *restrict after)
{
    for (size_t j = 0; j < h; j++) {
        real r = KERNEL(gate)(gate, bound, g[j]);
        real z = KERNEL(gate)(gate, bound, g[h + j]);
        real n = tanh_real(bound, g[3 * h + j] + r * g[2 * h + j]);
        g[j] = r;
        g[h + j] = z;
        g[3 * h + j] = n;
        after[j] = n + z * (before[j] - n);
    }
}

/* From the gradient by h' (d_after) those by the sums (d), and what reaches h past the products
 * (added to d_before). With h' = n + z (h - n):  dn = dh' (1-z),  dz = dh' (h-n),  dh += dh' z. */
TILE void KERNEL(gru_back_row)(const enum gate_function gate, size_t h, const real *restrict g,
                               const real *restrict before, const real *restrict d_after,
                               real *restrict d, real *restrict d_before)
{
    for (size_t j = 0; j < h; j++) {
        real r = g[j], z = g[h + j], recurrent = g[2 * h + j], n = g[3 * h + j];
        real d_n = d_after[j] * (1 - z) * (1 - n * n);
        d[j] = d_n * recurrent * KERNEL(gate_slope)(gate, r);
        d[h + j] = d_after[j] * (before[j] - n) * KERNEL(gate_slope)(gate, z);
        d[2 * h + j] = d_n * r;
        d[3 * h + j] = d_n;
        d_before[j] += d_after[j] * z;
    }
}

/* r, z, and r h for the candidate's product. */
TILE void KERNEL(reset_row)(const enum gate_function gate, float bound, size_t h, real *restrict g,
                            const real *restrict before, const real *restrict mask)
{
    for (size_t j = 0; j < h; j++) {
        g[j] = KERNEL(gate)(gate, bound, g[j]);
        g[h + j] = KERNEL(gate)(gate, bound, g[h + j]);
        g[2 * h + j] = g[j] * before[j];
    }
    for (size_t j = 0; mask && j < h; j++)
        g[2 * h + j] *= mask[j];
}

TILE void KERNEL(candidate_row)(float bound, size_t h, real *restrict g,
                                const real *restrict before, real *restrict after)
{
    for (size_t j = 0; j < h; j++) {
        real n = tanh_real(bound, g[3 * h + j]);
        g[3 * h + j] = n;
        after[j] = n + g[h + j] * (before[j] - n);
    }
}

TILE void KERNEL(candidate_back_row)(const enum gate_function gate, size_t h,
                                     const real *restrict g, const real *restrict before,
                                     const real *restrict d_after, real *restrict d,
                                     real *restrict d_before)
{
    for (size_t j = 0; j < h; j++) {
        real z = g[h + j], n = g[3 * h + j];
        d[h + j] = d_after[j] * (before[j] - n) * KERNEL(gate_slope)(gate, z);
        d[3 * h + j] = d_after[j] * (1 - z) * (1 - n * n);
        d_before[j] += d_after[j] * z;
    }
}

/* d_reset, the gradient by r h, goes on to r and to h. */
TILE void KERNEL(reset_back_row)(const enum gate_function gate, size_t h, const real *restrict g,
                                 const real *restrict before, const real *restrict mask,
                                 real *restrict d_reset, real *restrict d, real *restrict d_before)
{
    for (size_t j = 0; mask && j < h; j++)
        d_reset[j] *= mask[j];
    for (size_t j = 0; j < h; j++) {
        d[j] = d_reset[j] * before[j] * KERNEL(gate_slope)(gate, g[j]);
        d_before[j] += d_reset[j] * g[j];
    }
}

TILE void KERNEL(lstm_row)(const enum gate_function gate, float bound, size_t h, real *restrict g,
                           const real *restrict before, real *restrict after, real *restrict output)
{
    for (size_t j = 0; j < h; j++) {
        real i = KERNEL(gate)(gate, bound, g[j]);
        real f = KERNEL(gate)(gate, bound, g[h + j]);
        real n = tanh_real(bound, g[2 * h + j]);
        real o = KERNEL(gate)(gate, bound, g[3 * h + j]);
        real c = f * before[j] + i * n;
        g[j] = i;
        g[h + j] = f;
        g[2 * h + j] = n;
        g[3 * h + j] = o;
        after[j] = c;
    }
    for (size_t j = 0; j < h; j++) /* on its own: the division behind c is then long done */
        output[j] = g[3 * h + j] * tanh_real(bound, after[j]);
}

/* tanh(c') is made again: cheaper than a fifth block to write and read. */
TILE void KERNEL(lstm_back_row)(const enum gate_function gate, float bound, size_t h,
                                const real *restrict g, const real *restrict before,
                                const real *restrict after, const real *restrict d_output,
                                real *restrict d, real *restrict d_c)
{
    for (size_t j = 0; j < h; j++) {
        real i = g[j], f = g[h + j], n = g[2 * h + j], o = g[3 * h + j];
        real t = tanh_real(bound, after[j]);
        real d_after = d_c[j] + d_output[j] * o * (1 - t * t);
        d[j] = d_after * n * KERNEL(gate_slope)(gate, i);
        d[h + j] = d_after * before[j] * KERNEL(gate_slope)(gate, f);
        d[2 * h + j] = d_after * i * (1 - n * n);
        d[3 * h + j] = d_output[j] * t * KERNEL(gate_slope)(gate, o);
        d_c[j] = d_after * f;
    }
}

/* ---- all rows of a step ---- */

TILE void KERNEL(gru_rows)(const enum gate_function gate, const struct cell_step *s)
{
    float bound = activation_bound();
    size_t h = s->width;
    for (size_t b = 0; b < s->rows; b++)
        if (s->valid && !s->valid[b])
            memcpy(s->h_next + b * h, s->h + b * h, h * sizeof(real));
        else
            KERNEL(gru_row)(gate, bound, h, s->saved + b * 4 * h, s->h + b * h, s->h_next + b * h);
}

/* No step: the gradient goes by, and none by the sums. */
TILE void KERNEL(pass_row)(size_t h, const real *restrict d_after, real *restrict d,
                           real *restrict d_before)
{
    memset(d, 0, 4 * h * sizeof *d);
    for (size_t j = 0; j < h; j++)
        d_before[j] += d_after[j];
}

TILE void KERNEL(gru_back_rows)(const enum gate_function gate, const struct cell_step *s)
{
    size_t h = s->width;
    for (size_t b = 0; b < s->rows; b++)
        if (s->valid && !s->valid[b])
            KERNEL(pass_row)(h, s->d_h_next + b * h, s->d_saved + b * 4 * h, s->d_h + b * h);
        else
            KERNEL(gru_back_row)
    (gate, h, s->saved + b * 4 * h, s->h + b * h, s->d_h_next + b * h, s->d_saved + b * 4 * h,
     s->d_h + b * h);
}

TILE void KERNEL(reset_rows)(const enum gate_function gate, const struct cell_step *s)
{
    float bound = activation_bound();
    size_t h = s->width;
    for (size_t b = 0; b < s->rows; b++)
        KERNEL(reset_row)
    (gate, bound, h, s->saved + b * 4 * h, s->h + b * h,
     s->reset_mask ? s->reset_mask + b * h : NULL);
}

/* A row without a step has no gradient by r h, so that nothing goes on here. */
TILE void KERNEL(reset_back_rows)(const enum gate_function gate, const struct cell_step *s)
{
    size_t h = s->width;
    for (size_t b = 0; b < s->rows; b++)
        KERNEL(reset_back_row)
    (gate, h, s->saved + b * 4 * h, s->h + b * h, s->reset_mask ? s->reset_mask + b * h : NULL,
     s->d_reset + b * h, s->d_saved + b * 4 * h, s->d_h + b * h);
}

TILE void KERNEL(candidate_back_rows)(const enum gate_function gate, const struct cell_step *s)
{
    size_t h = s->width;
    for (size_t b = 0; b < s->rows; b++)
        if (s->valid && !s->valid[b])
            KERNEL(pass_row)(h, s->d_h_next + b * h, s->d_saved + b * 4 * h, s->d_h + b * h);
        else
            KERNEL(candidate_back_row)
    (gate, h, s->saved + b * 4 * h, s->h + b * h, s->d_h_next + b * h, s->d_saved + b * 4 * h,
     s->d_h + b * h);
}

TILE void KERNEL(lstm_rows)(const enum gate_function gate, const struct cell_step *s)
{
    float bound = activation_bound();
    size_t h = s->width;
    for (size_t b = 0; b < s->rows; b++)
        if (s->valid && !s->valid[b]) {
            memcpy(s->h_next + b * h, s->h + b * h, h * sizeof(real));
            memcpy(s->c_next + b * h, s->c + b * h, h * sizeof(real));
        } else {
            KERNEL(lstm_row)
            (gate, bound, h, s->saved + b * 4 * h, s->c + b * h, s->c_next + b * h,
             s->h_next + b * h);
        }
}

TILE void KERNEL(lstm_back_rows)(const enum gate_function gate, const struct cell_step *s)
{
    float bound = activation_bound();
    size_t h = s->width;
    for (size_t b = 0; b < s->rows; b++)
        if (s->valid && !s->valid[b])
            KERNEL(pass_row)(h, s->d_h_next + b * h, s->d_saved + b * 4 * h, s->d_h + b * h);
        else
            KERNEL(lstm_back_row)
    (gate, bound, h, s->saved + b * 4 * h, s->c + b * h, s->c_next + b * h, s->d_h_next + b * h,
     s->d_saved + b * 4 * h, s->d_c + b * h);
}

KERNEL_TARGET static void KERNEL(candidate)(const struct cell_step *s)
{
    float bound = activation_bound();
    size_t h = s->width;
    for (size_t b = 0; b < s->rows; b++)
        if (s->valid && !s->valid[b])
            memcpy(s->h_next + b * h, s->h + b * h, h * sizeof(real));
        else
            KERNEL(candidate_row)(bound, h, s->saved + b * 4 * h, s->h + b * h, s->h_next + b * h);
}

/* A loop for each gate function, chosen outside of it. */
#define GATES(name)                                                                                \
    KERNEL_TARGET static void KERNEL(name)(const struct cell_step *s)                              \
    {                                                                                              \
        if (s->gate == GATE_SIGMOID)                                                               \
            KERNEL(name##_rows)(GATE_SIGMOID, s);                                                  \
        else if (s->gate == GATE_HARD_FIFTH)                                                       \
            KERNEL(name##_rows)(GATE_HARD_FIFTH, s);                                               \
        else                                                                                       \
            KERNEL(name##_rows)(GATE_HARD_SIXTH, s);                                               \
    }
GATES(gru)
GATES(gru_back)
GATES(reset)
GATES(reset_back)
GATES(candidate_back)
GATES(lstm)
GATES(lstm_back)

static const struct cell_kernels KERNEL(cell_kernels) = {
    .name = KERNEL_NAME,
    .product = KERNEL(product),
    .gru = KERNEL(gru),
    .gru_back = KERNEL(gru_back),
    .reset = KERNEL(reset),
    .reset_back = KERNEL(reset_back),
    .candidate = KERNEL(candidate),
    .candidate_back = KERNEL(candidate_back),
    .lstm = KERNEL(lstm),
    .lstm_back = KERNEL(lstm_back),
};

#undef GATES
#undef LANES
#undef VECTOR
#undef TILE
#undef KERNEL
#undef KERNEL_NAME
#undef KERNEL_TARGET
#undef VECTOR_BYTES
#undef TILE_ROWS
#undef TILE_VECTORS
