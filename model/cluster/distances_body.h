/* distances_body.h - the loops of distances.h, included by distances.c once a vector width (so no
 * guard) with
 *     KERNEL(name)   the name for this width
 *     KERNEL_TARGET  the target attribute, or nothing
 *     VECTOR_BYTES   of a register
 * A panel is VECTORS registers; loops over them are unrolled. */

#define LANES   (VECTOR_BYTES / sizeof(double))
#define VECTORS (PANEL_POINTS / LANES)
#define VECTOR  KERNEL(vector)
#define MASK    KERNEL(mask)
#define TILE    static inline __attribute__((always_inline)) KERNEL_TARGET
#define EACH    UNROLL for (size_t v = 0; v < VECTORS; v++)

typedef double VECTOR __attribute__((vector_size(VECTOR_BYTES), aligned(8), may_alias));
typedef int64_t MASK __attribute__((vector_size(VECTOR_BYTES), aligned(8), may_alias));

TILE VECTOR KERNEL(choose)(MASK which, VECTOR yes, VECTOR no)
{
    return (VECTOR)((which & (MASK)yes) | (~which & (MASK)no));
}

TILE VECTOR KERNEL(smaller)(VECTOR a, VECTOR b)
{
    return KERNEL(choose)(a < b, a, b);
}

/* Squared distances of a panel to a point; d is a constant where it is small. */
TILE void KERNEL(to_point)(const double *panel, const size_t d, const double *point,
                           VECTOR out[VECTORS])
{
    EACH out[v] = (VECTOR){0};
    for (size_t c = 0; c < d; c++) {
        EACH
        {
            VECTOR off = *(const VECTOR *)(panel + c * PANEL_POINTS + v * LANES) - point[c];
            out[v] += off * off;
        }
    }
}

/* The nearest so far, and the second. */
struct KERNEL(two_nearest) {
    VECTOR first[VECTORS], second[VECTORS];
    MASK label[VECTORS];
};

TILE void KERNEL(begin)(struct KERNEL(two_nearest) * two)
{
    EACH
    {
        two->first[v] = two->second[v] = (VECTOR){0} + HUGE_VAL;
        two->label[v] = (MASK){0};
    }
}

TILE void KERNEL(meet)(struct KERNEL(two_nearest) * two, const VECTOR now[VECTORS], int64_t label)
{
    EACH
    {
        MASK is_nearer = now[v] < two->first[v];
        two->second[v] =
            KERNEL(choose)(is_nearer, two->first[v], KERNEL(smaller)(now[v], two->second[v]));
        two->first[v] = KERNEL(choose)(is_nearer, now[v], two->first[v]);
        two->label[v] = (is_nearer & label) | (~is_nearer & two->label[v]);
    }
}

TILE VECTOR KERNEL(root)(VECTOR x)
{
    UNROLL for (size_t lane = 0; lane < LANES; lane++) x[lane] = sqrt(x[lane]);
    return x;
}

TILE double KERNEL(largest)(const VECTOR values[VECTORS])
{
    double most = values[0][0];
    EACH UNROLL for (size_t lane = 0; lane < LANES; lane++) most =
        values[v][lane] > most ? values[v][lane] : most;
    return most;
}

TILE void KERNEL(nearest_of)(const double *panel, const size_t d, const double *centres, size_t k,
                             struct panel_nearest *out)
{
    struct KERNEL(two_nearest) two;
    KERNEL(begin)(&two);
    for (size_t j = 0; j < k; j++) {
        VECTOR now[VECTORS];
        KERNEL(to_point)(panel, d, centres + j * d, now);
        KERNEL(meet)(&two, now, (int64_t)j);
    }
    EACH
    {
        *(VECTOR *)(out->first2 + v * LANES) = two.first[v];
        *(VECTOR *)(out->second2 + v * LANES) = two.second[v];
        *(MASK *)(out->label + v * LANES) = two.label[v];
    }
}

/* Beyond the gap g every other centre is at least g - (distance to the anchor) away; it matters to
 * nobody once that is more than the distance to the nearest. */
TILE void KERNEL(nearest_from_of)(const double *panel, const size_t d, const double *centres,
                                  const uint32_t *order, const double *gap, size_t k,
                                  struct panel_bounds *out)
{
    struct KERNEL(two_nearest) two;
    VECTOR now[VECTORS], anchor[VECTORS];
    size_t j = 1;
    KERNEL(begin)(&two);
    KERNEL(to_point)(panel, d, centres + order[0] * d, now);
    KERNEL(meet)(&two, now, order[0]);
    EACH anchor[v] = KERNEL(root)(now[v]);
    double reach = 2 * KERNEL(largest)(anchor);
    for (; j < k && gap[j] < reach; j++) {
        KERNEL(to_point)(panel, d, centres + order[j] * d, now);
        KERNEL(meet)(&two, now, order[j]);
    }
    EACH
    {
        VECTOR lower = KERNEL(root)(two.second[v]);
        if (j < k)
            lower = KERNEL(smaller)(lower, gap[j] - anchor[v]);
        *(VECTOR *)(out->upper + v * LANES) = KERNEL(root)(two.first[v]);
        *(VECTOR *)(out->lower + v * LANES) = lower;
        *(MASK *)(out->label + v * LANES) = two.label[v];
    }
}

/* Runs call with D the dimensions, a constant where they are few. */
#define BY_DIMENSIONS(call)                                                                        \
    switch (d) {                                                                                   \
        ONE_OF(1, call)                                                                            \
        ONE_OF(2, call)                                                                            \
        ONE_OF(3, call) ONE_OF(4, call) ONE_OF(5, call) ONE_OF(6, call) default : call(d);         \
    }
#define ONE_OF(n, call)                                                                            \
    case n:                                                                                        \
        call(n);                                                                                   \
        break;

KERNEL_TARGET static void KERNEL(nearest)(const double *panel, size_t d, const double *centres,
                                          size_t k, struct panel_nearest *out){
#define NEAREST(dimensions) KERNEL(nearest_of)(panel, dimensions, centres, k, out)
    BY_DIMENSIONS(NEAREST)
#undef NEAREST
}

KERNEL_TARGET static void KERNEL(nearest_from)(const double *panel, size_t d, const double *centres,
                                               const uint32_t *order, const double *gap, size_t k,
                                               struct panel_bounds *out){
#define NEAREST(dimensions) KERNEL(nearest_from_of)(panel, dimensions, centres, order, gap, k, out)
    BY_DIMENSIONS(NEAREST)
#undef NEAREST
}

/* In one order for every width. */
TILE double KERNEL(sum_of)(const VECTOR values[VECTORS])
{
    double lanes[PANEL_POINTS], sum = 0;
    EACH *(VECTOR *)(lanes + v * LANES) = values[v];
    for (size_t lane = 0; lane < PANEL_POINTS; lane++)
        sum += lanes[lane];
    return sum;
}

KERNEL_TARGET static double KERNEL(lowered)(const double *panels, size_t count, size_t d,
                                            const double *point, const double *closest2,
                                            double *out)
{
    VECTOR sum[VECTORS];
    EACH sum[v] = (VECTOR){0};
    for (size_t p = 0; p < count; p++) {
        VECTOR now[VECTORS];
        KERNEL(to_point)(panels + p * d * PANEL_POINTS, d, point, now);
        EACH
        {
            size_t at = p * PANEL_POINTS + v * LANES;
            now[v] = KERNEL(smaller)(now[v], *(const VECTOR *)(closest2 + at));
            sum[v] += now[v];
            if (out)
                *(VECTOR *)(out + at) = now[v];
        }
    }
    return KERNEL(sum_of)(sum);
}

KERNEL_TARGET static double KERNEL(sum)(const double *panels, size_t n, size_t d,
                                        const double *point)
{
    VECTOR sum[VECTORS];
    double rest = 0;
    EACH sum[v] = (VECTOR){0};
    for (size_t p = 0; p * PANEL_POINTS < n; p++) {
        VECTOR now[VECTORS];
        KERNEL(to_point)(panels + p * d * PANEL_POINTS, d, point, now);
        EACH now[v] = KERNEL(root)(now[v]);
        if (n - p * PANEL_POINTS >= PANEL_POINTS) {
            EACH sum[v] += now[v];
        } else {
            for (size_t i = 0; i < n - p * PANEL_POINTS; i++)
                rest += now[i / LANES][i % LANES];
        }
    }
    return KERNEL(sum_of)(sum) + rest;
}

static const struct distance_kernels KERNEL(distance_kernels) = {
    .name = KERNEL_NAME,
    .nearest = KERNEL(nearest),
    .nearest_from = KERNEL(nearest_from),
    .lowered = KERNEL(lowered),
    .sum = KERNEL(sum),
};

#undef KERNEL
#undef KERNEL_NAME
#undef KERNEL_TARGET
#undef VECTOR_BYTES
#undef LANES
#undef VECTORS
#undef VECTOR
#undef MASK
#undef TILE
#undef EACH
#undef BY_DIMENSIONS
#undef ONE_OF
