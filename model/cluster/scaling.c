#include "cluster/scaling.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/eigen.h"

void scaling_fit(const double *points, size_t n, size_t d, double *mean, double *scale)
{
    for (size_t c = 0; c < d; c++) {
        double sum = 0, squares = 0;
        for (size_t i = 0; i < n; i++)
            sum += points[i * d + c];
        mean[c] = sum / (double)n;
        for (size_t i = 0; i < n; i++)
            squares += (points[i * d + c] - mean[c]) * (points[i * d + c] - mean[c]);
        scale[c] = sqrt(squares / (double)n);
        /* What rounding leaves of equal values is no deviation. */
        if (scale[c] <= 1e-14 * fabs(mean[c]) || scale[c] == 0)
            scale[c] = 1;
    }
}

void scaling_apply(double *points, size_t n, size_t d, const double *mean, const double *scale)
{
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < d; c++)
            points[i * d + c] = (points[i * d + c] - mean[c]) / scale[c];
}

static void covariance_of(const double *points, size_t n, size_t d, const double *mean,
                          double *covariance)
{
    memset(covariance, 0, d * d * sizeof *covariance);
    for (size_t i = 0; i < n; i++)
        for (size_t a = 0; a < d; a++)
            for (size_t b = 0; b <= a; b++)
                covariance[a * d + b] +=
                    (points[i * d + a] - mean[a]) * (points[i * d + b] - mean[b]) / (double)n;
    for (size_t a = 0; a < d; a++)
        for (size_t b = a + 1; b < d; b++)
            covariance[a * d + b] = covariance[b * d + a];
}

static void make_largest_positive(double *vector, size_t d)
{
    size_t largest = 0;
    for (size_t c = 1; c < d; c++)
        if (fabs(vector[c]) > fabs(vector[largest]))
            largest = c;
    double sign = vector[largest] < 0 ? -1 : 1;
    for (size_t c = 0; c < d; c++)
        vector[c] *= sign;
}

int principal_components(const double *points, size_t n, size_t d, double *out, double *share,
                         struct err *err)
{
    size_t most = d < 2 ? d : 2;
    int result = -1;
    double values[2] = {0}, whole = 0;
    double *memory = calloc(d * d + 2 * d + 2 * d, sizeof *memory);
    if (!memory)
        return err_set(err, ERR_MEMORY, "out of memory for %zu columns", d);
    double *covariance = memory, *mean = covariance + d * d, *scale = mean + d, *vector = scale + d;
    scaling_fit(points, n, d, mean, scale);
    covariance_of(points, n, d, mean, covariance);
    for (size_t c = 0; c < d; c++)
        whole += covariance[c * d + c];
    if (eigen_dense(covariance, d, most, values, vector, err))
        goto out;
    memset(out, 0, 2 * n * sizeof *out);
    share[0] = share[1] = 0;
    for (size_t j = 0; j < most; j++) {
        make_largest_positive(vector + j * d, d);
        share[j] = whole > 0 ? fmax(values[j], 0) / whole : 0;
        for (size_t i = 0; i < n; i++)
            for (size_t c = 0; c < d; c++)
                out[2 * i + j] += (points[i * d + c] - mean[c]) * vector[j * d + c];
    }
    result = 0;
out:
    free(memory);
    return result;
}
