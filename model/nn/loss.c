#include "nn/loss.h"

#include <math.h>

double loss_pinball(const struct loss_rows *rows, const double *levels, real *gradient)
{
    double sum = 0;
    for (size_t row = 0; row < rows->rows; row++)
        for (size_t o = 0; o < rows->outputs; o++) {
            size_t i = row * rows->outputs + o;
            double e = (double)rows->target[row] - (double)rows->prediction[i];
            double slope = e > 0   ? levels[o]
                           : e < 0 ? levels[o] - 1
                                   : 0 * e; /* 0 * NaN stays NaN */
            sum += slope * e;
            if (gradient)
                gradient[i] = (real)(-slope * rows->scale);
        }
    return sum * rows->scale;
}

double loss_mae(const struct loss_rows *rows, real *gradient)
{
    double sum = 0;
    for (size_t row = 0; row < rows->rows; row++)
        for (size_t o = 0; o < rows->outputs; o++) {
            size_t i = row * rows->outputs + o;
            double e = (double)rows->prediction[i] - (double)rows->target[row];
            sum += fabs(e);
            if (gradient)
                gradient[i] = (real)((double)((e > 0) - (e < 0)) * rows->scale);
        }
    return sum * rows->scale;
}

double loss_mse(const struct loss_rows *rows, real *gradient)
{
    double sum = 0;
    for (size_t row = 0; row < rows->rows; row++)
        for (size_t o = 0; o < rows->outputs; o++) {
            size_t i = row * rows->outputs + o;
            double e = (double)rows->prediction[i] - (double)rows->target[row];
            sum += e * e;
            if (gradient)
                gradient[i] = (real)(2 * e * rows->scale);
        }
    return sum * rows->scale;
}
