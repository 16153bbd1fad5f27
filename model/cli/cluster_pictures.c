#include "cli/cluster_pictures.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cluster_labels.h"
#include "cli/cluster_summary.h"
#include "cluster/partitions.h"
#include "cluster/scaling.h"

#define DRAWN_MOST  4000 /* marks in a picture; the data file has everybody */
#define LEGEND_MOST 8    /* clusters; with more it takes the picture's room, and signs repeat */

/* Of Okabe and Ito: told apart by the colour-blind, and of different greys. */
static const char *const colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                      "#e69f00", "#56b4e9", "#000000"};
static const int shapes[] = {6, 8, 4, 12, 10, 2};
static const int hatches[] = {3, 5, 2, 6, 7, 4, 1};

#define AT(array, i) ((array)[(i) % (sizeof(array) / sizeof *(array))])

/* Small enough for a telephone, where it is scaled to the width. */
static const char HEAD[] =
    "set terminal svg size 480,360 dynamic font 'sans-serif,13' background 'white' name '%s'\n"
    "set output '%s.svg'\n"
    "set border 3\nset tics nomirror out\nset key outside top center horizontal\n";
static const char TAIL[] = "set terminal pngcairo size 960,720 font 'sans-serif,20' lw 1.6\n"
                           "set output '%s.png'\nreplot\n";

struct drawing {
    const struct cluster_study *study;
    const char *path;
    struct pictures *out;
};

static const struct cluster_trial *chosen_of(const struct cluster_study *study)
{
    return &study->trial[study->chosen];
}

/* ---- one picture ---- */

struct sheet {
    struct picture *picture;
    FILE *data;   /* NAME.tsv */
    char *script; /* the plot commands, as text; owned */
    size_t size;
    FILE *plot; /* writes script */
};

static int sheet_open(struct drawing *d, const char *name, struct sheet *sheet, struct err *err)
{
    char file[PICTURE_NAME_MAX + 8];
    *sheet = (struct sheet){.picture = &d->out->picture[d->out->count++]};
    snprintf(sheet->picture->name, sizeof sheet->picture->name, "%s", name);
    snprintf(file, sizeof file, "%s.tsv", name);
    sheet->data = report_folder_open(d->path, file, err);
    if (!sheet->data)
        return -1;
    sheet->plot = open_memstream(&sheet->script, &sheet->size);
    if (!sheet->plot) {
        fclose(sheet->data);
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    fprintf(sheet->plot, HEAD, name, name);
    return 0;
}

static int sheet_close(struct drawing *d, struct sheet *sheet, struct err *err)
{
    char file[PICTURE_NAME_MAX + 8];
    enum plot_outcome outcome = PLOT_DRAWN;
    const char *name = sheet->picture->name;
    fprintf(sheet->plot, TAIL, name);
    bool failed = fclose(sheet->plot) != 0;
    snprintf(file, sizeof file, "%s.tsv", name);
    int result = report_folder_close(d->path, file, sheet->data, err);
    if (result == 0 && failed)
        result = err_set(err, ERR_MEMORY, "out of memory");
    if (result == 0)
        result = report_folder_draw(d->path, name, sheet->script, &outcome, err);
    if (outcome != PLOT_DRAWN)
        d->out->outcome = outcome;
    free(sheet->script);
    return result;
}

/* ---- curves over k ---- */

static int draw_elbow(struct drawing *d, struct err *err)
{
    struct sheet sheet;
    const struct cluster_study *s = d->study;
    uint32_t k = chosen_of(s)->k;
    if (sheet_open(d, "elbow", &sheet, err))
        return -1;
    snprintf(sheet.picture->title, sizeof sheet.picture->title, "Elbow: inertia of k-means");
    snprintf(
        sheet.picture->says, sizeof sheet.picture->says,
        "The sum of squared distances to the nearest centroid. It always falls; where the fall "
        "slows down, more clusters split what belongs together. The cross is k = %u.",
        k);
    fputs("k\tinertia\n", sheet.data);
    for (uint32_t i = 1; i <= s->elbow_max; i++)
        fprintf(sheet.data, "%u\t%.17g\n", i, s->elbow[i]);
    fprintf(sheet.plot,
            "set xlabel 'k, number of clusters'\nset ylabel 'inertia'\nset yrange [0:*]\n"
            "set xrange [0:%u]\nset format y '%%.6g'\nunset key\n"
            "plot 'elbow.tsv' using 1:2 every ::1 with linespoints lc rgb '%s' pt 7 ps .5, \\\n"
            "     '' using ($1==%u?$1:NaN):2 every ::1 with points lc rgb '%s' pt 2 ps 1.6 lw 2\n",
            s->elbow_max + 1, colours[0], k, colours[1]);
    return sheet_close(d, &sheet, err);
}

static int draw_silhouettes(struct drawing *d, struct err *err)
{
    struct sheet sheet;
    const struct cluster_study *s = d->study;
    uint32_t k = chosen_of(s)->k;
    if (sheet_open(d, "silhouettes", &sheet, err))
        return -1;
    snprintf(sheet.picture->title, sizeof sheet.picture->title, "Mean silhouette by k");
    snprintf(sheet.picture->says, sizeof sheet.picture->says,
             "1: everybody is far nearer to their own cluster than to the next; 0: they might as "
             "well be in the next. The cross is k = %u.",
             k);
    fputs("k\tsilhouette\n", sheet.data);
    for (size_t t = 0; t < s->trials; t++)
        if (s->trial[t].k > 1)
            fprintf(sheet.data, "%u\t%.17g\n", s->trial[t].k, s->trial[t].silhouette);
    cluster_labels_of_axis(s->trial[s->trials - 1].k, sheet.plot);
    fprintf(
        sheet.plot,
        "set xlabel 'k, number of clusters'\nset ylabel 'mean silhouette'\n"
        "set xrange [1.5:%u.5]\nset yrange [*<0:*]\nunset key\n"
        "plot 'silhouettes.tsv' using 1:2 every ::1 with linespoints lc rgb '%s' pt 7 ps .7, \\\n"
        "     '' using ($1==%u?$1:NaN):2 every ::1 with points lc rgb '%s' pt 2 ps 1.6 lw 2\n",
        s->trial[s->trials - 1].k, colours[0], k, colours[1]);
    return sheet_close(d, &sheet, err);
}

/* ---- everybody's silhouette ---- */

struct mark {
    uint32_t person, label;
    double silhouette;
};

static int by_cluster_and_silhouette(const void *a, const void *b)
{
    const struct mark *x = a, *y = b;
    if (x->label != y->label)
        return x->label < y->label ? -1 : 1;
    if (x->silhouette != y->silhouette)
        return x->silhouette > y->silhouette ? -1 : 1;
    return x->person < y->person ? -1 : 1;
}

/* @param mark (n) in order  @param band (k) out */
static void find_bands(const struct mark *mark, size_t n, struct band *band)
{
    for (size_t first = 0, next; first < n; first = next) {
        for (next = first; next < n && mark[next].label == mark[first].label;)
            next++;
        band[mark[first].label] =
            (struct band){(double)(first + next + 1) / 2, mark[(first + next - 1) / 2].silhouette};
    }
}

static int write_marks(const struct cluster_study *s, FILE *file, struct band *band,
                       struct err *err)
{
    struct mark *mark = malloc(s->n * sizeof *mark);
    if (!mark)
        return err_set(err, ERR_MEMORY, "out of memory for %zu people", s->n);
    for (uint32_t i = 0; i < s->n; i++)
        mark[i] = (struct mark){i, chosen_of(s)->label[i], s->silhouette[i]};
    qsort(mark, s->n, sizeof *mark, by_cluster_and_silhouette);
    find_bands(mark, s->n, band);
    fputs("place\tsilhouette\tcluster\tuser\n", file);
    for (size_t i = 0; i < s->n; i++) {
        if (i > 0 && mark[i].label != mark[i - 1].label)
            fputs("\n\n", file); /* a data set of gnuplot's for each cluster */
        fprintf(file, "%zu\t%.6f\t%u\t%s\n", i + 1, mark[i].silhouette, mark[i].label,
                s->people->person[mark[i].person].user_id);
    }
    free(mark);
    return 0;
}

static int draw_silhouette(struct drawing *d, struct err *err)
{
    struct sheet sheet;
    struct band band[CLUSTERS_MAX] = {0};
    const struct cluster_study *s = d->study;
    uint32_t k = chosen_of(s)->k;
    size_t every = s->n / DRAWN_MOST + 1;
    if (sheet_open(d, "silhouette", &sheet, err))
        return -1;
    snprintf(sheet.picture->title, sizeof sheet.picture->title, "Everybody's silhouette");
    snprintf(sheet.picture->says, sizeof sheet.picture->says,
             "One bar a person, by cluster, whose number is above. Below 0: nearer to another "
             "cluster. Dashed: the mean, %.3f.",
             cluster_summary_rounded(chosen_of(s)->silhouette, 3));
    int result = write_marks(s, sheet.data, band, err);
    fprintf(sheet.plot,
            "set xlabel 'people, by cluster'\nset ylabel 'silhouette'\nset xrange [0:%zu]\n"
            "set yrange [*<0:1.2]\nset ytics -1,.2,1\nset boxwidth %zu\nunset key\n",
            s->n + 1, every);
    if (result == 0)
        cluster_labels_of_bands(band, k, (double)(s->n + 1), sheet.plot);
    fputs("plot \\\n", sheet.plot);
    for (uint32_t j = 0; j < k; j++)
        fprintf(sheet.plot,
                "  'silhouette.tsv' index %u using 1:2 every %zu%s with boxes lc rgb '%s' fs solid "
                "border lc rgb '%s', \\\n",
                j, every, j == 0 ? "::1" : "", AT(colours, j), AT(colours, j));
    fprintf(sheet.plot, "  %.6f with lines dt 2 lw 2 lc rgb 'black' notitle\n",
            chosen_of(s)->silhouette);
    return sheet_close(d, &sheet, err) || result ? -1 : 0;
}

/* ---- scatter ---- */

static int scatter_values(const struct cluster_study *s, const enum user_column *columns,
                          double *values, char labels[2][80], struct err *err)
{
    double share[2];
    if (columns) {
        for (size_t i = 0; i < s->n; i++)
            for (size_t c = 0; c < 2; c++)
                values[2 * i + c] = s->people->person[i].column[columns[c]];
        for (size_t c = 0; c < 2; c++)
            snprintf(labels[c], 80, "%s", user_column_label(columns[c]));
        return 0;
    }
    if (principal_components(s->points, s->n, s->d, values, share, err))
        return -1;
    for (size_t c = 0; c < 2; c++)
        snprintf(labels[c], 80, "component %zu (%.0f %% of the variance)", c + 1, 100 * share[c]);
    return 0;
}

static void write_scatter(const struct cluster_study *s, const double *values, FILE *file)
{
    const struct cluster_trial *chosen = chosen_of(s);
    fputs("x\ty\tcluster\tuser\n", file);
    for (uint32_t j = 0; j < chosen->k; j++) {
        if (j > 0)
            fputs("\n\n", file);
        for (size_t i = 0; i < s->n; i++)
            if (chosen->label[i] == j)
                fprintf(file, "%.9g\t%.9g\t%u\t%s\n", values[2 * i], values[2 * i + 1], j,
                        s->people->person[i].user_id);
    }
}

/* Numbers of clusters and along the axes. @param values (n, 2) */
static void label_scatter(const struct cluster_study *s, const double *values, FILE *plot)
{
    const struct cluster_trial *chosen = chosen_of(s);
    double middle[2 * CLUSTERS_MAX], low[2], high[2];
    partition_centroids(values, s->n, 2, chosen->label, chosen->k, middle);
    for (size_t c = 0; c < 2; c++) {
        low[c] = high[c] = values[c];
        for (size_t i = 1; i < s->n; i++) {
            low[c] = fmin(low[c], values[2 * i + c]);
            high[c] = fmax(high[c], values[2 * i + c]);
        }
        cluster_labels_of_values("xy"[c], low[c], high[c], plot);
    }
    cluster_labels_of_points(middle, chosen->k, low, high, plot);
}

static int draw_scatter(struct drawing *d, const enum user_column *columns, struct err *err)
{
    struct sheet sheet;
    const struct cluster_study *s = d->study;
    char labels[2][80];
    double *values = malloc(2 * s->n * sizeof *values);
    if (!values)
        return err_set(err, ERR_MEMORY, "out of memory for %zu people", s->n);
    if (scatter_values(s, columns, values, labels, err) || sheet_open(d, "scatter", &sheet, err)) {
        free(values);
        return -1;
    }
    snprintf(sheet.picture->title, sizeof sheet.picture->title, "Everybody, by cluster");
    snprintf(sheet.picture->says, sizeof sheet.picture->says, "%s",
             columns
                 ? "Two columns as they are."
                 : "The two directions in which people differ most (principal components of the "
                   "columns that were clustered). Clusters may overlap here and not in all "
                   "dimensions.");
    write_scatter(s, values, sheet.data);
    label_scatter(s, values, sheet.plot);
    free(values);
    fprintf(sheet.plot, "set xlabel '%s'\nset ylabel '%s'\n%splot \\\n", labels[0], labels[1],
            chosen_of(s)->k > LEGEND_MOST ? "unset key\n" : "");
    for (uint32_t j = 0; j < chosen_of(s)->k; j++)
        fprintf(sheet.plot,
                "%s  'scatter.tsv' index %u using 1:2 every %zu%s with points pt %d ps 1 lc rgb "
                "'%s' title 'cluster %u'",
                j ? ", \\\n" : "", j, s->n / DRAWN_MOST + 1, j == 0 ? "::1" : "", AT(shapes, j),
                AT(colours, j), j);
    fputc('\n', sheet.plot);
    return sheet_close(d, &sheet, err);
}

/* ---- distributions ---- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Between the two values that stand around it. @param values (n) ascending */
static double quantile(const double *values, size_t n, double q)
{
    double at = q * (double)(n - 1);
    size_t below = (size_t)at;
    double above = below + 1 < n ? values[below + 1] : values[below];
    return values[below] + (at - (double)below) * (above - values[below]);
}

int cluster_spread(const struct cluster_study *study, uint32_t column, uint32_t label,
                   struct spread *out, struct err *err)
{
    const struct cluster_study *s = study;
    double *values = malloc(s->n * sizeof *values), sum = 0;
    size_t n = 0;
    if (!values)
        return err_set(err, ERR_MEMORY, "out of memory for %zu people", s->n);
    for (size_t i = 0; i < s->n; i++)
        if (chosen_of(s)->label[i] == label) {
            values[n] = s->people->person[i].column[s->options.column[column]];
            sum += values[n++];
        }
    *out = (struct spread){0};
    if (n > 0) {
        qsort(values, n, sizeof *values, by_value);
        *out = (struct spread){values[0],
                               quantile(values, n, .1),
                               quantile(values, n, .25),
                               quantile(values, n, .5),
                               quantile(values, n, .75),
                               quantile(values, n, .9),
                               values[n - 1],
                               sum / (double)n};
    }
    free(values);
    return 0;
}

static void distribution_name(enum user_column column, char name[PICTURE_NAME_MAX])
{
    snprintf(name, PICTURE_NAME_MAX, "distribution_%s", user_column_name(column));
}

static int draw_distribution(struct drawing *d, uint32_t column, struct err *err)
{
    struct sheet sheet;
    char name[PICTURE_NAME_MAX];
    const struct cluster_study *s = d->study;
    const char *label = user_column_label(s->options.column[column]);
    uint32_t k = chosen_of(s)->k;
    int result = 0;
    distribution_name(s->options.column[column], name);
    if (sheet_open(d, name, &sheet, err))
        return -1;
    snprintf(sheet.picture->title, sizeof sheet.picture->title, "By cluster: %s", label);
    snprintf(sheet.picture->says, sizeof sheet.picture->says,
             "Boxes from the first to the third quartile, the thick line is the median, whiskers "
             "from 10 to 90 %%.");
    fputs("cluster\tlow\tp10\tp25\tmedian\tp75\tp90\thigh\tmean\n", sheet.data);
    for (uint32_t j = 0; result == 0 && j < k; j++) {
        struct spread spread = {0};
        if (cluster_spread(s, column, j, &spread, err))
            result = -1;
        else
            fprintf(sheet.data, "%u\t%.9g\t%.9g\t%.9g\t%.9g\t%.9g\t%.9g\t%.9g\t%.9g\n", j,
                    spread.low, spread.p10, spread.p25, spread.median, spread.p75, spread.p90,
                    spread.high, spread.mean);
    }
    cluster_labels_of_axis(k, sheet.plot);
    fprintf(sheet.plot,
            "set xlabel 'cluster'\nset ylabel '%s'\nset format y '%%.6g'\nset xrange [-.7:%u.7]\n"
            "set yrange [*<0:*]\nset boxwidth .6\nunset key\nplot \\\n",
            label, k - 1);
    for (uint32_t j = 0; j < k; j++)
        fprintf(sheet.plot,
                "  '%s.tsv' using 1:4:3:7:6 every ::%u::%u with candlesticks whiskerbars .5 "
                "lc rgb '%s' fs pattern %d border lc rgb '%s', \\\n",
                name, j + 1, j + 1, AT(colours, j), AT(hatches, j), AT(colours, j));
    fprintf(sheet.plot,
            "  '%s.tsv' using 1:5:5:5:5 every ::1 with candlesticks lw 3 lc rgb 'black'\n", name);
    return sheet_close(d, &sheet, err) || result ? -1 : 0;
}

/* ---- all ---- */

/* A report of before may have had other columns, another gnuplot, one cluster more. */
static int remove_earlier(const char *path, struct err *err)
{
    static const char *const pictures[] = {"scatter", "silhouette", "silhouettes", "elbow"};
    for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++)
        if (report_folder_remove_picture(path, pictures[i], err))
            return -1;
    for (int c = 0; c < USER_COLUMNS; c++) {
        char name[PICTURE_NAME_MAX];
        distribution_name((enum user_column)c, name);
        if (report_folder_remove_picture(path, name, err))
            return -1;
    }
    return report_folder_remove(path, "members.tsv", err) ||
                   report_folder_remove(path, "index.html", err)
               ? -1
               : 0;
}

static int write_members(const struct cluster_study *s, const char *path, struct err *err)
{
    FILE *file = report_folder_open(path, "members.tsv", err);
    if (!file)
        return -1;
    for (size_t i = 0; i < s->n; i++)
        fprintf(file, "%s\t%u\n", s->people->person[i].user_id, chosen_of(s)->label[i]);
    return report_folder_close(path, "members.tsv", file, err);
}

int cluster_pictures_draw(const struct cluster_study *study, const enum user_column *scatter,
                          const char *path, struct pictures *out, struct err *err)
{
    struct drawing d = {study, path, out};
    *out = (struct pictures){.outcome = PLOT_DRAWN};
    if (remove_earlier(path, err) || write_members(study, path, err) ||
        draw_scatter(&d, scatter, err))
        return -1;
    for (uint32_t c = 0; c < study->options.columns; c++)
        if (draw_distribution(&d, c, err))
            return -1;
    if (chosen_of(study)->k > 1 && draw_silhouette(&d, err))
        return -1;
    return draw_silhouettes(&d, err) || draw_elbow(&d, err) ? -1 : 0;
}
