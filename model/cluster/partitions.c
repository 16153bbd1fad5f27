#include "cluster/partitions.h"

#include <stdlib.h>
#include <string.h>

#include "core/random.h"

static double pairs(double count)
{
    return count * (count - 1) / 2;
}

int adjusted_rand_index(const uint32_t *a, uint32_t a_count, const uint32_t *b, uint32_t b_count,
                        size_t n, double *out, struct err *err)
{
    size_t cells = (size_t)a_count * b_count;
    uint64_t *both = calloc(cells + a_count + b_count, sizeof *both);
    if (!both)
        return err_set(err, ERR_MEMORY, "out of memory for two partitions");
    uint64_t *in_a = both + cells, *in_b = in_a + a_count;
    double together = 0, in_first = 0, in_second = 0;
    for (size_t i = 0; i < n; i++) {
        both[(size_t)a[i] * b_count + b[i]]++;
        in_a[a[i]]++;
        in_b[b[i]]++;
    }
    for (size_t c = 0; c < cells; c++)
        together += pairs((double)both[c]);
    for (uint32_t c = 0; c < a_count; c++)
        in_first += pairs((double)in_a[c]);
    for (uint32_t c = 0; c < b_count; c++)
        in_second += pairs((double)in_b[c]);
    free(both);
    double expected = n > 1 ? in_first * in_second / pairs((double)n) : 0;
    double most = (in_first + in_second) / 2;
    *out = most > expected ? (together - expected) / (most - expected) : 1;
    return 0;
}

void partition_centroids(const double *points, size_t n, size_t d, const uint32_t *label,
                         uint32_t k, double *centroids)
{
    memset(centroids, 0, k * d * sizeof *centroids);
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < d; c++)
            centroids[label[i] * d + c] += points[i * d + c];
    for (uint32_t j = 0; j < k; j++) {
        size_t count = 0;
        for (size_t i = 0; i < n; i++)
            count += label[i] == j;
        for (size_t c = 0; count > 0 && c < d; c++)
            centroids[j * d + c] /= (double)count;
    }
}

double partition_inertia(const double *points, size_t n, size_t d, const uint32_t *label,
                         const double *centroids)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < d; c++) {
            double off = points[i * d + c] - centroids[label[i] * d + c];
            sum += off * off;
        }
    return sum;
}

void partition_shuffle(const uint32_t *label, size_t n, uint64_t seed, uint64_t number,
                       uint32_t *out)
{
    struct random random;
    random_init(&random, seed, number);
    memcpy(out, label, n * sizeof *out);
    random_shuffle(&random, out, n);
}
