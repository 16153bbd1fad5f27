#include "cli/cluster_labels.h"

#include <math.h>
#include <stdbool.h>

#include "cluster/clustering.h"

#define THREAD "nohead lw .5 lc rgb '#808080'"

/* ---- bands ---- */

#define BANDS_NAMED 20 /* as many numbers find room */
#define BANDS_LINE  10 /* of more every second stands a line higher */

void cluster_labels_of_bands(const struct band *band, uint32_t k, double width, FILE *plot)
{
    uint32_t step = (k + BANDS_NAMED - 1) / BANDS_NAMED, named = (k + step - 1) / step;
    double at[BANDS_NAMED], gap = width / (named > BANDS_LINE ? 32 : 20);
    for (uint32_t i = 0; i < named; i++) {
        double middle = band[i * step].middle;
        at[i] = i > 0 && middle < at[i - 1] + gap ? at[i - 1] + gap : middle;
    }
    for (uint32_t i = named; i-- > 0;) {
        double most = i + 1 < named ? at[i + 1] - gap : width;
        at[i] = at[i] < most ? at[i] : most;
    }
    for (uint32_t i = 0; i < named; i++) {
        const struct band *of = &band[i * step];
        double line = named > BANDS_LINE && i % 2 ? 1.14 : 1.06;
        fprintf(plot,
                "set arrow from %.6g,%.6g to %.6g,%.6g " THREAD "\n"
                "set label '%u' at %.6g,%.6g center\n",
                at[i], line - .04, of->middle, of->height > 0 ? of->height : 0, i * step, at[i],
                line);
    }
}

/* ---- points ---- */

/* Of a number with some white around it, as a part of the picture. */
#define LABEL_WIDTH  .06
#define LABEL_HEIGHT .06
#define LABEL_ROWS   24 /* tried: from the middle up and down in turns */

struct spot {
    double x, y;
};

static bool is_free(const struct spot *taken, size_t count, struct spot at)
{
    for (size_t i = 0; i < count; i++)
        if (fabs(taken[i].x - at.x) < LABEL_WIDTH && fabs(taken[i].y - at.y) < LABEL_HEIGHT)
            return false;
    return at.y >= 0 && at.y <= 1;
}

/* A row away at first: a cluster of one person would be hidden under its number. */
static bool find_spot(const struct spot *taken, size_t count, struct spot middle, struct spot *out)
{
    for (int row = 1; row <= LABEL_ROWS; row++)
        for (int sign = 1; sign >= -1; sign -= 2) {
            *out = (struct spot){middle.x, middle.y + sign * row * LABEL_HEIGHT};
            if (is_free(taken, count, *out))
                return true;
        }
    return false;
}

void cluster_labels_of_points(const double *middle, uint32_t k, const double low[2],
                              const double high[2], FILE *plot)
{
    struct spot taken[CLUSTERS_MAX];
    size_t count = 0;
    double width = high[0] > low[0] ? high[0] - low[0] : 1;
    double height = high[1] > low[1] ? high[1] - low[1] : 1;
    fputs("set style textbox opaque noborder margins .5,.5 fillcolor rgb 'white'\n", plot);
    for (uint32_t j = 0; j < k; j++) {
        struct spot of = {(middle[2 * j] - low[0]) / width, (middle[2 * j + 1] - low[1]) / height};
        struct spot at = of;
        if (!find_spot(taken, count, of, &at))
            continue;
        taken[count++] = at;
        double x = low[0] + at.x * width, y = low[1] + at.y * height;
        fprintf(plot,
                "set arrow from %.9g,%.9g to %.9g,%.9g " THREAD " front\n"
                "set label '%u' at %.9g,%.9g center front boxed\n",
                x, y, middle[2 * j], middle[2 * j + 1], j, x, y);
    }
}

/* ---- axes ---- */

void cluster_labels_of_axis(uint32_t last, FILE *plot)
{
    fprintf(plot, "set xtics %u\n", last / 20 + 1);
}

void cluster_labels_of_values(char axis, double low, double high, FILE *plot)
{
    if (!(high > low))
        return;
    double least = (high - low) / 6, step = pow(10, floor(log10(least)));
    step *= least <= step ? 1 : least <= 2 * step ? 2 : least <= 5 * step ? 5 : 10;
    fprintf(plot, "set format %c '%%.6g'\nset %ctics %.6g\n", axis, axis, step);
}
