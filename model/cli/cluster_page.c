#include "cli/cluster_page.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cluster_summary.h"

static const char STYLE[] =
    "<style>\n"
    ":root{color-scheme:light}\n"
    "body{margin:0 auto;max-width:68rem;padding:1rem;font:16px/1.5 system-ui,sans-serif;"
    "color:#222;background:#fff}\n"
    "h1{font-size:1.5rem;line-height:1.2;margin:.5rem 0}h2{font-size:1.15rem;margin:1.5rem 0 "
    ".5rem}\n"
    "p{max-width:42rem;margin:.5rem 0}\n"
    ".beware{border-left:4px solid #d55e00;padding-left:.75rem}\n"
    ".wide{overflow-x:auto}\n"
    "table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}\n"
    "th,td{padding:.25rem .6rem;text-align:right;border-bottom:1px solid #ddd}\n"
    "th{vertical-align:bottom;min-width:4rem}thead th{border-bottom:2px solid #222}"
    "th:first-child,td:first-child{text-align:left}\n"
    ".pictures{display:grid;gap:1.5rem;grid-template-columns:repeat(auto-fit,minmax(min(100%,"
    "26rem),1fr))}\n"
    "figure{margin:0;break-inside:avoid}figure svg{width:100%;height:auto;display:block}\n"
    "figcaption{font-size:.9rem}figcaption b{display:block;font-size:1rem}\n"
    "footer{margin-top:2rem;font-size:.85rem;color:#555}\n"
    "</style>\n";

static const struct cluster_trial *chosen_of(const struct cluster_study *study)
{
    return &study->trial[study->chosen];
}

static void put_text(FILE *out, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '&':
            fputs("&amp;", out);
            break;
        default:
            fputc(*text, out);
        }
}

/* What a writer of sentences says, as text of the page. */
static int put_said(FILE *out, void (*say)(const struct cluster_study *study, FILE *out),
                    const struct cluster_study *study, const char *before, const char *after,
                    struct err *err)
{
    char *text = NULL, *rest = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    if (!file)
        return err_set(err, ERR_MEMORY, "out of memory");
    say(study, file);
    if (fclose(file)) {
        free(text);
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        fputs(before, out);
        put_text(out, line);
        fputs(after, out);
    }
    free(text);
    return 0;
}

/* ---- parts of the page ---- */

static int put_head(const struct cluster_study *s, FILE *out, struct err *err)
{
    const struct cluster_trial *chosen = chosen_of(s);
    const char *plural = chosen->k == 1 ? "" : "s";
    fprintf(out,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
            "<title>%u cluster%s of %zu people</title>\n%s</head>\n<body>\n"
            "<h1>%u cluster%s of %zu people</h1>\n",
            chosen->k, plural, s->n, STYLE, chosen->k, plural, s->n);
    fprintf(out, "<p>%s on ",
            s->options.method == CLUSTER_KMEANS ? "k-means"
                                                : "Spectral clustering (10 nearest neighbours)");
    for (uint32_t c = 0; c < s->options.columns; c++) {
        fputs(c == 0 ? "" : c + 1 == s->options.columns ? " and " : ", ", out);
        put_text(out, user_column_label(s->options.column[c]));
    }
    fprintf(out, "%s.", s->options.standardise ? ", standardised" : ", not standardised");
    if (s->people->left_out > 0)
        fprintf(out, " %zu %s left out by the filters.", s->people->left_out,
                s->people->left_out == 1 ? "person was" : "people were");
    fprintf(out, "</p>\n<p>Why %u: ", chosen->k);
    if (put_said(out, cluster_summary_choice, s, "", "", err))
        return -1;
    fprintf(out, ". %.1f&nbsp;%% of the variance is between the clusters.</p>\n",
            cluster_summary_between(s));
    if (put_said(out, cluster_summary_random, s, "<p>", ".</p>\n", err))
        return -1;
    return put_said(out, cluster_summary_warnings, s, "<p class=\"beware\">Beware: ", ".</p>\n",
                    err);
}

static void count_people(const struct cluster_study *s, uint32_t label, size_t *people,
                         double *silhouette)
{
    double sum = 0;
    *people = 0;
    for (size_t i = 0; i < s->n; i++)
        if (chosen_of(s)->label[i] == label) {
            ++*people;
            sum += s->silhouette ? s->silhouette[i] : 0;
        }
    *silhouette = *people ? sum / (double)*people : 0;
}

static int put_table(const struct cluster_study *s, FILE *out, struct err *err)
{
    fputs("<h2>The clusters</h2>\n<div class=\"wide\"><table>\n<thead><tr><th>cluster<th>people"
          "<th>share<th>mean silhouette",
          out);
    for (uint32_t c = 0; c < s->options.columns; c++) {
        fputs("<th>median<br>", out);
        put_text(out, user_column_label(s->options.column[c]));
    }
    fputs("</tr></thead>\n<tbody>\n", out);
    for (uint32_t j = 0; j < chosen_of(s)->k; j++) {
        size_t people;
        double silhouette;
        count_people(s, j, &people, &silhouette);
        fprintf(out, "<tr><td>%u<td>%zu<td>%.1f&nbsp;%%<td>%.3f", j, people,
                100.0 * (double)people / (double)s->n, cluster_summary_rounded(silhouette, 3));
        for (uint32_t c = 0; c < s->options.columns; c++) {
            struct spread spread;
            if (cluster_spread(s, c, j, &spread, err))
                return -1;
            fprintf(out, fabs(spread.median) < 1000 ? "<td>%.4g" : "<td>%.0f", spread.median);
        }
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
    return 0;
}

/* All drawings are in one document: what each calls its patterns and marks must be its own. */
static void put_with_own_names(const char *text, const char *name, FILE *out)
{
    static const char *const before[] = {" id='", " id=\"", "url(#", "href='#"};
    while (*text) {
        size_t marker = 0;
        for (size_t i = 0; i < sizeof before / sizeof *before && marker == 0; i++)
            if (strncmp(text, before[i], strlen(before[i])) == 0)
                marker = strlen(before[i]);
        if (marker > 0)
            fprintf(out, "%.*s%s-", (int)marker, text, name);
        else
            fputc(*text, out);
        text += marker > 0 ? marker : 1;
    }
}

/* The drawing itself, without the line that says it is a file of its own. */
static int put_svg(const char *path, const struct picture *picture, FILE *out, struct err *err)
{
    char whole[PATH_MAX], *text = NULL;
    size_t capacity = 0;
    bool begun = false;
    if (snprintf(whole, sizeof whole, "%s/%s.svg", path, picture->name) >= (int)sizeof whole)
        return err_set(err, ERR_IO, "%.80s...: the name is too long", path);
    FILE *file = fopen(whole, "re");
    if (!file)
        return err_errno(err, "%s", whole);
    while (getline(&text, &capacity, file) >= 0) {
        begun = begun || strncmp(text, "<svg", 4) == 0;
        if (begun)
            put_with_own_names(text, picture->name, out);
    }
    bool failed = ferror(file) != 0;
    fclose(file);
    free(text);
    return failed ? err_set(err, ERR_IO, "%s: cannot be read", whole) : 0;
}

static int put_pictures(const struct pictures *pictures, const char *path, FILE *out,
                        struct err *err)
{
    fputs("<h2>Pictures</h2>\n<div class=\"pictures\">\n", out);
    for (size_t i = 0; i < pictures->count; i++) {
        const struct picture *picture = &pictures->picture[i];
        fputs("<figure>\n", out);
        if (put_svg(path, picture, out, err))
            return -1;
        fputs("<figcaption><b>", out);
        put_text(out, picture->title);
        fputs("</b>", out);
        put_text(out, picture->says);
        fprintf(out, " Data: <code>%s.tsv</code></figcaption>\n</figure>\n", picture->name);
    }
    fputs("</div>\n", out);
    return 0;
}

/* What stands in the place of pictures. */
static void put_data_files(const struct pictures *pictures, FILE *out)
{
    fputs("<h2>Data</h2>\n<p>gnuplot drew no pictures; the data files beside this page have what "
          "would be in them:</p>\n<ul>\n",
          out);
    for (size_t i = 0; i < pictures->count; i++) {
        fprintf(out, "<li><code>%s.tsv</code> ", pictures->picture[i].name);
        put_text(out, pictures->picture[i].title);
        fputs("</li>\n", out);
    }
    fputs("</ul>\n", out);
}

static int put_page(const struct cluster_study *s, const struct pictures *pictures,
                    const char *path, FILE *out, struct err *err)
{
    if (put_head(s, out, err) || put_table(s, out, err))
        return -1;
    if (pictures->outcome != PLOT_DRAWN)
        put_data_files(pictures, out);
    else if (put_pictures(pictures, path, out, err))
        return -1;
    fprintf(out,
            "<footer>outro %s, seed %llu. Who is in which cluster: <code>members.tsv</code>."
            "</footer>\n</body>\n</html>\n",
            OUTRO_VERSION, (unsigned long long)s->options.seed);
    return 0;
}

int cluster_page_write(const struct cluster_study *study, const struct pictures *pictures,
                       const char *path, struct err *err)
{
    FILE *file = report_folder_open(path, "index.html", err);
    if (!file)
        return -1;
    int result = put_page(study, pictures, path, file, err);
    return report_folder_close(path, "index.html", file, result ? NULL : err) ? -1 : result;
}
