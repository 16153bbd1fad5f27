#include "nn/clip.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "nn/settings.h"

#define TORCH_EPSILON 1e-6

struct clip_kind {
    const char *name;
    void (*clip)(double limit, double norm, real *gradient, const size_t *sizes, size_t tensors);
};

static size_t total(const size_t *sizes, size_t tensors)
{
    size_t count = 0;
    for (size_t i = 0; i < tensors; i++)
        count += sizes[i];
    return count;
}

static double norm_of(const real *gradient, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)gradient[i] * (double)gradient[i];
    return sqrt(sum);
}

static void scale_by(double factor, real *gradient, size_t count)
{
    const real scale = (real)factor;
    for (size_t i = 0; i < count; i++)
        gradient[i] *= scale;
}

static void clip_norm(double limit, double norm, real *gradient, const size_t *sizes,
                      size_t tensors)
{
    if (norm > limit)
        scale_by(limit / norm, gradient, total(sizes, tensors));
}

static void clip_norm_torch(double limit, double norm, real *gradient, const size_t *sizes,
                            size_t tensors)
{
    clip_norm(limit, norm + TORCH_EPSILON, gradient, sizes, tensors);
}

static void clip_norm_each(double limit, double norm, real *gradient, const size_t *sizes,
                           size_t tensors)
{
    (void)norm;
    for (size_t i = 0; i < tensors; gradient += sizes[i++])
        clip_norm(limit, norm_of(gradient, sizes[i]), gradient, &sizes[i], 1);
}

static void clip_value(double limit, double norm, real *gradient, const size_t *sizes,
                       size_t tensors)
{
    (void)norm;
    const real high = (real)limit;
    for (size_t i = 0, count = total(sizes, tensors); i < count; i++) {
        real g = gradient[i] > high ? high : gradient[i];
        gradient[i] = g < -high ? -high : g;
    }
}

static const struct clip_kind kinds[] = {
    {"none", NULL},
    {"norm", clip_norm},
    {"norm.torch", clip_norm_torch},
    {"norm_each", clip_norm_each},
    {"value", clip_value},
};

int clip_by_name(const char *text, struct clip *out, struct err *err)
{
    size_t size = strcspn(text, ":");
    const char *limit = text[size] ? text + size + 1 : "";
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct clip clip = {&kinds[i], 0};
        if (strlen(kinds[i].name) != size || memcmp(kinds[i].name, text, size) != 0)
            continue;
        if (kinds[i].clip ? !settings_number(limit, strlen(limit), &clip.limit) || !(clip.limit > 0)
                          : text[size] != '\0')
            break;
        *out = clip;
        return 0;
    }
    return err_set(err, ERR_INPUT,
                   "'%.60s' is no clipping; it may be none, norm:LIMIT, norm.torch:LIMIT, "
                   "norm_each:LIMIT or value:LIMIT, the limit above 0",
                   text);
}

void clip_print(const struct clip *clip, char out[CLIP_TEXT_MAX])
{
    snprintf(out, CLIP_TEXT_MAX, "%s%s", clip->kind->name, clip->kind->clip ? ":" : "");
    if (clip->kind->clip)
        settings_append_number(clip->limit, out, CLIP_TEXT_MAX);
}

double clip_gradient(const struct clip *clip, real *gradient, const size_t *sizes, size_t tensors)
{
    double norm = norm_of(gradient, total(sizes, tensors));
    if (clip->kind->clip)
        clip->kind->clip(clip->limit, norm, gradient, sizes, tensors);
    return norm;
}
