#include "cluster/spectral.h"

#include <stdlib.h>
#include <string.h>

#include "cluster/embedding.h"

/* k-means on the first k columns of the map, each k on its own: they are other points. */
static int cut(const struct embedding *embedding, uint32_t k, const struct kmeans_options *options,
               struct workers *workers, struct spectral_result *out, struct err *err)
{
    struct kmeans_result found;
    size_t n = embedding->n, most = embedding->most;
    double *rows = malloc(n * k * sizeof *rows);
    if (!rows)
        return err_set(err, ERR_MEMORY, "out of memory for %zu points", n);
    for (size_t i = 0; i < n; i++)
        memcpy(rows + i * k, embedding->map + i * most, k * sizeof *rows);
    int result = kmeans_run(rows, n, k, &k, 1, options, workers, &found, err);
    free(rows);
    if (result)
        return -1;
    *out = (struct spectral_result){k, found.label};
    found.label = NULL;
    kmeans_release(&found);
    return 0;
}

int spectral_run(const double *points, size_t n, size_t d, const uint32_t *k, size_t count,
                 const struct kmeans_options *options, struct workers *workers, size_t *parts,
                 struct spectral_result *out, struct err *err)
{
    struct embedding embedding;
    size_t most = 1, done = 0;
    for (size_t i = 0; i < count; i++)
        most = k[i] > most ? k[i] : most;
    if (embedding_init(&embedding, points, n, d, most, options->seed, workers, err))
        return -1;
    *parts = embedding.parts;
    while (done < count && cut(&embedding, k[done], options, workers, &out[done], err) == 0)
        done++;
    embedding_release(&embedding);
    if (done == count)
        return 0;
    while (done > 0)
        spectral_release(&out[--done]);
    return -1;
}

void spectral_release(struct spectral_result *result)
{
    free(result->label);
    *result = (struct spectral_result){0};
}
