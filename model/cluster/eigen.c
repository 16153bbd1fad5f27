#include "cluster/eigen.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/random.h"

#define RESIDUAL      1e-8 /* |M v - value v| of what is found */
#define GROWTH        1e6 /* of the largest in one filter: beyond, a block loses its other vectors */
#define DEGREE_MIN    8
#define DEGREE_MAX    20000
#define ROUNDS_MAX    200
#define SPARE_VECTORS 5 /* more than asked for: what is just below them converges no slower */

/* LAPACK, as Fortran calls it. */
void dsyevr_(const char *jobz, const char *range, const char *uplo, const int *n, double *a,
             const int *lda, const double *vl, const double *vu, const int *il, const int *iu,
             const double *abstol, int *m, double *w, double *z, const int *ldz, int *isuppz,
             double *work, const int *lwork, int *iwork, const int *liwork, int *info);

/* ---- dense ---- */

static int call_lapack(double *matrix, int n, int most, double *values, double *vectors,
                       int *support, double *work, int work_size, int *iwork, int iwork_size)
{
    const int first = n - most + 1;
    const double unused = 0, tolerance = 0;
    int found, info;
    dsyevr_("V", "I", "U", &n, matrix, &n, &unused, &unused, &first, &n, &tolerance, &found, values,
            vectors, &n, support, work, &work_size, iwork, &iwork_size, &info);
    return info == 0 && (work_size < 0 || found == most) ? 0 : -1;
}

/* LAPACK's are ascending. */
static void reverse(size_t n, size_t most, double *values, double *vectors)
{
    for (size_t a = 0, b = most - 1; a < b; a++, b--) {
        double value = values[a];
        values[a] = values[b];
        values[b] = value;
        for (size_t i = 0; i < n; i++) {
            double x = vectors[a * n + i];
            vectors[a * n + i] = vectors[b * n + i];
            vectors[b * n + i] = x;
        }
    }
}

int eigen_dense(double *matrix, size_t n, size_t most, double *values, double *vectors,
                struct err *err)
{
    int result = -1, iwork_size;
    double work_size;
    assert(most >= 1 && most <= n && n <= INT_MAX / 64);
    int *support = calloc(2 * n, sizeof *support), *iwork = NULL;
    double *work = NULL, *all = calloc(n, sizeof *all); /* LAPACK wants room for n values */
    if (!support || !all) {
        err_set(err, ERR_MEMORY, "out of memory for %zu eigenvalues", n);
        goto out;
    }
    if (call_lapack(matrix, (int)n, (int)most, all, vectors, support, &work_size, -1, &iwork_size,
                    -1)) {
        err_set(err, ERR_CHECK, "LAPACK does not say what memory %zu eigenvectors need", most);
        goto out;
    }
    work = calloc((size_t)work_size, sizeof *work);
    iwork = calloc((size_t)iwork_size, sizeof *iwork);
    if (!work || !iwork) {
        err_set(err, ERR_MEMORY, "out of memory for %zu eigenvectors", most);
    } else if (call_lapack(matrix, (int)n, (int)most, all, vectors, support, work, (int)work_size,
                           iwork, iwork_size)) {
        err_set(err, ERR_CHECK, "LAPACK found no eigenvectors of a matrix of %zu rows", n);
    } else {
        memcpy(values, all, most * sizeof *values);
        reverse(n, most, values, vectors);
        result = 0;
    }
out:
    free(support);
    free(iwork);
    free(work);
    free(all);
    return result;
}

/* ---- the first few, by filtered subspace iteration ---- */

struct subspace {
    const struct eigen_operator *matrix;
    struct workers *workers;
    size_t n, width;      /* vectors, a multiple of EIGEN_BLOCK */
    double *v, *w;        /* (n, width): vectors, and the matrix times them */
    double *work;         /* by block: 3 (n, EIGEN_BLOCK) */
    double *small, *turn; /* (width, width) */
    double *row;          /* (width) */
    double *value;        /* (width) Ritz values, falling */
    double cut;           /* eigenvalues in -1 .. cut are filtered away */
    size_t degree;
    const double *known; /* (known_count, n) borrowed */
    size_t known_count;
};

static void copy_block(double *to, size_t to_width, const double *from, size_t from_width, size_t n)
{
    for (size_t i = 0; i < n; i++)
        memcpy(to + i * to_width, from + i * from_width, EIGEN_BLOCK * sizeof *to);
}

/* The Chebyshev polynomial of that degree on -1 .. cut, where it stays within 1, of the matrix
 * times a block: y_j+1 = 2 (M - c) y_j / e - y_j-1, with c and e the middle and half the width. */
static void filter_block(void *ctx, size_t worker, size_t block)
{
    struct subspace *s = ctx;
    const struct eigen_operator *matrix = s->matrix;
    size_t count = s->n * EIGEN_BLOCK;
    double c = (s->cut - 1) / 2, e = (s->cut + 1) / 2;
    double *before = s->work + block * 3 * count, *now = before + count, *product = now + count;
    (void)worker;
    copy_block(before, EIGEN_BLOCK, s->v + block * EIGEN_BLOCK, s->width, s->n);
    matrix->apply(matrix->ctx, before, now);
    for (size_t i = 0; i < count; i++)
        now[i] = (now[i] - c * before[i]) / e;
    for (size_t degree = 1; degree < s->degree; degree++) {
        matrix->apply(matrix->ctx, now, product);
        for (size_t i = 0; i < count; i++)
            product[i] = 2 / e * (product[i] - c * now[i]) - before[i];
        double *free_one = before;
        before = now;
        now = product;
        product = free_one;
    }
    copy_block(s->v + block * EIGEN_BLOCK, s->width, now, EIGEN_BLOCK, s->n);
}

static void multiply_block(void *ctx, size_t worker, size_t block)
{
    struct subspace *s = ctx;
    double *x = s->work + block * 3 * s->n * EIGEN_BLOCK, *y = x + s->n * EIGEN_BLOCK;
    (void)worker;
    copy_block(x, EIGEN_BLOCK, s->v + block * EIGEN_BLOCK, s->width, s->n);
    s->matrix->apply(s->matrix->ctx, x, y);
    copy_block(s->w + block * EIGEN_BLOCK, s->width, y, EIGEN_BLOCK, s->n);
}

/* Takes the known vectors out of v. */
static void deflate(struct subspace *s)
{
    for (size_t k = 0; k < s->known_count; k++) {
        const double *known = s->known + k * s->n;
        memset(s->row, 0, s->width * sizeof *s->row);
        for (size_t i = 0; i < s->n; i++)
            for (size_t j = 0; known[i] != 0 && j < s->width; j++)
                s->row[j] += known[i] * s->v[i * s->width + j];
        for (size_t i = 0; i < s->n; i++)
            for (size_t j = 0; known[i] != 0 && j < s->width; j++)
                s->v[i * s->width + j] -= known[i] * s->row[j];
    }
}

/* small = a' b */
static void inner_products(struct subspace *s, const double *a, const double *b)
{
    size_t width = s->width;
    memset(s->small, 0, width * width * sizeof *s->small);
    for (size_t i = 0; i < s->n; i++)
        for (size_t p = 0; p < width; p++) {
            double x = a[i * width + p];
            for (size_t q = 0; q < width; q++)
                s->small[p * width + q] += x * b[i * width + q];
        }
    for (size_t p = 0; p < width; p++)
        for (size_t q = 0; q < p; q++)
            s->small[p * width + q] = s->small[q * width + p] =
                (s->small[p * width + q] + s->small[q * width + p]) / 2;
}

/* rows = rows turn', turn (width, width) with a new vector in each row */
static void turn_rows(struct subspace *s, double *rows)
{
    size_t width = s->width;
    for (size_t i = 0; i < s->n; i++) {
        double *row = rows + i * width;
        for (size_t p = 0; p < width; p++) {
            double sum = 0;
            for (size_t q = 0; q < width; q++)
                sum += s->turn[p * width + q] * row[q];
            s->row[p] = sum;
        }
        memcpy(row, s->row, width * sizeof *row);
    }
}

/* Makes v orthonormal by the eigenvectors of its inner products; twice, since the first time leaves
 * what rounding made of an ill-conditioned block. Source: SVQB, A. Stathopoulos and K. Wu, 2002. */
static int orthonormalise(struct subspace *s, struct err *err)
{
    size_t width = s->width;
    for (int time = 0; time < 2; time++) {
        deflate(s);
        inner_products(s, s->v, s->v);
        if (eigen_dense(s->small, width, width, s->value, s->turn, err))
            return -1;
        for (size_t p = 0; p < width; p++) {
            double size2 = fmax(s->value[p], 1e-15 * s->value[0]);
            for (size_t q = 0; q < width; q++)
                s->turn[p * width + q] /= sqrt(size2);
        }
        turn_rows(s, s->v);
    }
    return 0;
}

/* Turns v so that its vectors are the best approximations it holds (Rayleigh and Ritz).
 * @return the largest residual of the first `most`, or negative with err */
static double find_ritz(struct subspace *s, size_t most, struct err *err)
{
    size_t width = s->width;
    double worst2 = 0;
    workers_run(s->workers, width / EIGEN_BLOCK, multiply_block, s);
    inner_products(s, s->v, s->w);
    if (eigen_dense(s->small, width, width, s->value, s->turn, err))
        return -1;
    turn_rows(s, s->v);
    turn_rows(s, s->w);
    memset(s->row, 0, width * sizeof *s->row);
    for (size_t i = 0; i < s->n; i++)
        for (size_t j = 0; j < most; j++) {
            double off = s->w[i * width + j] - s->value[j] * s->v[i * width + j];
            s->row[j] += off * off;
        }
    for (size_t j = 0; j < most; j++)
        worst2 = fmax(worst2, s->row[j]);
    return sqrt(worst2);
}

/* So that the largest grows by GROWTH against all that is below the cut. */
static void aim(struct subspace *s, double largest, double cut)
{
    s->cut = fmin(fmax(cut, -.9), 1 - 1e-12);
    double x = (fmin(largest, 1) - (s->cut - 1) / 2) / ((s->cut + 1) / 2);
    double degree = x > 1 ? log(2 * GROWTH) / acosh(x) : DEGREE_MAX;
    s->degree = (size_t)fmin(fmax(degree, DEGREE_MIN), DEGREE_MAX);
}

static void begin(struct subspace *s, uint64_t seed)
{
    struct random random;
    random_init(&random, seed, 0);
    for (size_t i = 0; i < s->n * s->width; i++)
        s->v[i] = random_uniform(&random) - .5;
    s->cut = .5;
    s->degree = DEGREE_MIN;
}

static int iterate(struct subspace *s, size_t most, struct err *err)
{
    for (int round = 0; round < ROUNDS_MAX; round++) {
        workers_run(s->workers, s->width / EIGEN_BLOCK, filter_block, s);
        if (orthonormalise(s, err))
            return -1;
        double residual = find_ritz(s, most, err);
        if (residual < 0)
            return -1;
        if (residual <= RESIDUAL)
            return 0;
        aim(s, s->value[0], s->value[s->width - 1]);
    }
    return err_set(err, ERR_CHECK,
                   "no eigenvectors after %d rounds: the graph hangs together by a thread; give "
                   "more columns or standardise them",
                   ROUNDS_MAX);
}

int eigen_largest(const struct eigen_operator *matrix, const double *known, size_t known_count,
                  size_t most, uint64_t seed, struct workers *workers, double *values,
                  double *vectors, struct err *err)
{
    size_t n = matrix->n,
           width = (most + SPARE_VECTORS + EIGEN_BLOCK - 1) / EIGEN_BLOCK * EIGEN_BLOCK;
    assert(most + known_count <= n && width + known_count <= n);
    struct subspace s = {.matrix = matrix,
                         .workers = workers,
                         .n = n,
                         .width = width,
                         .known = known,
                         .known_count = known_count};
    double *memory =
        malloc((2 * n * width + 3 * n * width + 2 * width * width + 2 * width) * sizeof *memory);
    if (!memory)
        return err_set(err, ERR_MEMORY, "out of memory for %zu eigenvectors of %zu", most, n);
    s.v = memory;
    s.w = s.v + n * width;
    s.work = s.w + n * width;
    s.small = s.work + 3 * n * width;
    s.turn = s.small + width * width;
    s.row = s.turn + width * width;
    s.value = s.row + width;
    begin(&s, seed);
    int result = iterate(&s, most, err);
    for (size_t j = 0; result == 0 && j < most; j++) {
        values[j] = s.value[j];
        for (size_t i = 0; i < n; i++)
            vectors[j * n + i] = s.v[i * width + j];
    }
    free(memory);
    return result;
}
