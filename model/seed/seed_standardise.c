#include "seed/seed_standardise.h"

#include <math.h>
#include <stdlib.h>

static double *column(struct seed_row *row, int k)
{
    return k == 0   ? &row->input[SEED_PREVIOUS]
           : k == 1 ? &row->input[SEED_AVERAGE]
                    : &row->length_s;
}

void seed_scaler_fit(struct seed_scaler *scaler, const struct seed_rows *rows)
{
    double n = rows->count ? (double)rows->count : 1;
    for (int k = 0; k < SEED_SCALED; k++) {
        double sum = 0, squares = 0;
        for (size_t i = 0; i < rows->count; i++)
            sum += *column(&rows->row[i], k);
        double mean = sum / n;
        for (size_t i = 0; i < rows->count; i++) {
            double d = *column(&rows->row[i], k) - mean;
            squares += d * d;
        }
        scaler->mean[k] = mean;
        scaler->sd[k] = squares > 0 ? sqrt(squares / n) : 1;
    }
}

void seed_scaler_apply(const struct seed_scaler *scaler, struct seed_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        for (int k = 0; k < SEED_SCALED; k++) {
            double *value = column(&rows->row[i], k);
            *value = (*value - scaler->mean[k]) / scaler->sd[k];
        }
}

/* Where the rows of each place begin in the order by place: a counting sort. Places beyond the set
 * are counted at its end. @return (count + 2) */
static size_t *place_offsets(const struct seed_rows *rows)
{
    size_t *offset = calloc(rows->count + 2, sizeof *offset);
    for (size_t i = 0; offset && i < rows->count; i++) {
        size_t place = rows->row[i].place;
        offset[(place < rows->count ? place : rows->count) + 1]++;
    }
    for (size_t k = 1; offset && k < rows->count + 2; k++)
        offset[k] += offset[k - 1];
    return offset;
}

int seed_rows_misjoin(struct seed_rows *rows, struct err *err)
{
    size_t *offset = place_offsets(rows);
    struct seed_row *joined = malloc((rows->count + 1) * sizeof *joined);
    if (!offset || !joined) {
        free(offset);
        free(joined);
        return err_set(err, ERR_MEMORY, "out of memory joining %zu sessions", rows->count);
    }
    size_t kept = offset[rows->count];
    for (size_t i = 0; i < rows->count; i++) {
        struct seed_row row = rows->row[i];
        if (row.place >= rows->count)
            continue;
        for (int k = 0; k < SEED_SCALED; k++)
            *column(&row, k) = *column(&rows->row[row.place], k);
        joined[offset[row.place]++] = row;
    }
    rows->capacity = rows->count + 1;
    rows->count = kept;
    free(offset);
    free(rows->row);
    rows->row = joined;
    return 0;
}
