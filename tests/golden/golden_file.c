#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "golden_file.h"

void golden_open(struct golden_file *golden, const char *name)
{
    char path[4096];
    struct err err = {0};
    snprintf(path, sizeof path, "%s/%s", OUTRO_GOLDEN, name);
    FILE *file = fopen(path, "rb");
    if (!file) {
        print_message("SKIPPED: no reference values at %s\n", path);
        skip();
    }
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long length = ftell(file);
    assert_true(length > 0);
    rewind(file);
    golden->bytes = malloc((size_t)length);
    assert_non_null(golden->bytes);
    assert_int_equal(fread(golden->bytes, 1, (size_t)length, file), (size_t)length);
    fclose(file);
    if (safetensors_parse(golden->bytes, (size_t)length, &golden->file, &err))
        fail_msg("%s: %s", path, err.text);
}

void golden_close(struct golden_file *golden)
{
    safetensors_release(&golden->file);
    free(golden->bytes);
}

size_t golden_count(const struct golden_file *golden, const char *name)
{
    const struct safetensor *tensor = safetensors_find(&golden->file, name);
    if (!tensor)
        fail_msg("the reference has no tensor %s", name);
    return safetensor_values(tensor);
}

/* Values of any of the types that references are stored in. */
static void read_values(const struct safetensors *file, const struct safetensor *tensor,
                        double *out)
{
    size_t count = safetensor_values(tensor);
    if (tensor->dtype == DTYPE_F64) {
        safetensor_read_f64(file, tensor, out);
    } else if (tensor->dtype == DTYPE_F32) {
        float *values = calloc(count + 1, sizeof *values);
        assert_non_null(values);
        safetensor_read_f32(file, tensor, values);
        for (size_t i = 0; i < count; i++)
            out[i] = (double)values[i];
        free(values);
    } else {
        assert_int_equal(tensor->dtype, DTYPE_I64);
        for (size_t i = 0; i < count; i++) {
            int64_t value; /* little-endian, as this machine is */
            memcpy(&value, file->data + tensor->begin + i * sizeof value, sizeof value);
            out[i] = (double)value;
        }
    }
}

double *golden_fetch(const struct golden_file *golden, const char *name, size_t count)
{
    if (golden_count(golden, name) != count)
        fail_msg("%s has %zu values, not %zu", name, golden_count(golden, name), count);
    double *values = calloc(count + 1, sizeof *values);
    assert_non_null(values);
    read_values(&golden->file, safetensors_find(&golden->file, name), values);
    return values;
}

real *golden_fetch_real(const struct golden_file *golden, const char *name, size_t count)
{
    double *values = golden_fetch(golden, name, count);
    real *out = calloc(count + 1, sizeof *out);
    assert_non_null(out);
    for (size_t i = 0; i < count; i++)
        out[i] = (real)values[i];
    free(values);
    return out;
}

double golden_distance(const real *got, const double *expected, size_t count)
{
    double worst = 0;
    for (size_t i = 0; i < count; i++) {
        double off = fabs((double)got[i] - expected[i]) / fmax(1, fabs(expected[i]));
        if (!(off <= worst))
            worst = isfinite(off) ? off : (double)INFINITY;
    }
    return worst;
}

void golden_check(const char *name, const real *got, const double *expected, size_t count,
                  double tolerance)
{
    double off = golden_distance(got, expected, count);
    print_message("%-44s %.1e\n", name, off);
    if (!(off <= tolerance))
        fail_msg("%s: off by %.3g, %.3g allowed", name, off, tolerance);
    double *spoilt = malloc(count * sizeof *spoilt);
    assert_non_null(spoilt);
    memcpy(spoilt, expected, count * sizeof *spoilt);
    spoilt[count / 2] += 3 * tolerance * fmax(1, fabs(spoilt[count / 2]));
    if (golden_distance(got, spoilt, count) <= tolerance)
        fail_msg("%s: a spoilt reference passes", name);
    free(spoilt);
}

void golden_check_tensor(const struct golden_file *golden, const char *name, const real *got,
                         size_t count, double tolerance)
{
    double *expected = golden_fetch(golden, name, count);
    golden_check(name, got, expected, count, tolerance);
    free(expected);
}
