#include "cli/score_table.h"

#include <math.h>

static const char *const names[SCORED] = {
    [SCORED_NET] = "net",          [SCORED_KERNEL] = "kernel KM",   [SCORED_RUNNING] = "KM running",
    [SCORED_STATIC] = "KM static", [SCORED_MEDIAN] = "user median", [SCORED_MEAN] = "user mean",
};

static void put_ratio(FILE *out, double ratio)
{
    if (isnan(ratio))
        fprintf(out, "%8s", "-");
    else
        fprintf(out, ratio < 100 ? "%8.4f" : " %7.6g", ratio); /* columns never touch */
}

static void put_checkpoints(FILE *out, const char *what, const double at[CHECKPOINTS])
{
    fprintf(out, "%-32s", what);
    for (int c = 0; c < CHECKPOINTS; c++)
        fprintf(out, "%8.4f", at[c]);
    fputc('\n', out);
}

static void put_interval(FILE *out, const char *what, double net, double kernel,
                         struct interval interval)
{
    fprintf(out, "  %-4s %+.4f [%+.4f, %+.4f]\n", what, net - kernel, interval.low, interval.high);
}

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

/* @param text of room for it */
static const char *within(double coverage, char text[48])
{
    if (isnan(coverage))
        return "no interval";
    snprintf(text, 48, "%.1f %% within p10-p90", 100 * coverage);
    return text;
}

void score_table_print(const struct score_report *report, FILE *out)
{
    char text[48];
    if (report->whole.sessions > 0)
        fprintf(out,
                "\nMAE at the start of %llu session%s: net %.0f s, the user's running mean %.0f s, "
                "running median %.0f s; %s\n",
                (unsigned long long)report->whole.sessions, plural(report->whole.sessions),
                report->whole.net_s, report->whole.running_mean_s, report->whole.running_median_s,
                within(report->whole.coverage, text));
    if (report->rows == 0) {
        fputs("scores       none: no user has enough sessions to leave a fifth for testing\n", out);
        return;
    }
    const struct score *net = &report->of[SCORED_NET], *kernel = &report->of[SCORED_KERNEL];
    fprintf(out,
            "\nOn the last fifth of each user's sessions: %llu user%s, %llu session%s, "
            "%llu prediction%s\n"
            "%-12s %10s %8s%8s%8s%8s%8s%8s%10s\n",
            (unsigned long long)report->users, plural(report->users),
            (unsigned long long)report->sessions, plural(report->sessions),
            (unsigned long long)report->rows, plural(report->rows), "", "MAE start", "M1", "macro",
            "M2i", "M3", "PBi", "PB1", "p10-p90");
    for (int who = 0; who < SCORED; who++) {
        const struct score *score = &report->of[who];
        fprintf(out, "%-12s %8.1f s", names[who], score->mae_start_s);
        put_ratio(out, score->m1);
        put_ratio(out, score->m1_macro);
        put_ratio(out, score->m2i);
        put_ratio(out, score->m3);
        put_ratio(out, score->pbi);
        put_ratio(out, score->pb1);
        if (isnan(score->coverage))
            fprintf(out, "%10s\n", "-");
        else
            fprintf(out, "%8.1f %%\n", 100 * score->coverage);
    }
    fputs("M1: MAE at session start / user mean's. "
          "M2i: total length at every scrobble, weight 1/i / user median's.\n"
          "M3: remaining time at scrobbles 1 2 5 10 20, "
          "PBi and PB1: pinball at every scrobble (weight 1/i) and at\n"
          "start / KM static's.\n\n",
          out);
    fprintf(out, "%-32s%8s%8s%8s%8s%8s\n", "net at scrobble", "1", "2", "5", "10", "20");
    put_checkpoints(out, "remaining time / KM static", net->m3_at);
    put_checkpoints(out, "the same of kernel KM", kernel->m3_at);
    if (isnan(net->coverage))
        fputs("no interval: the net gives a single value\n", out);
    else {
        put_checkpoints(out, "share below p10", net->below_at);
        put_checkpoints(out, "share above p90", net->above_at);
    }
    fputs("\nnet - kernel KM, with a paired 95 % bootstrap interval over users\n", out);
    put_interval(out, "M1", net->m1, kernel->m1, report->m1);
    put_interval(out, "M3", net->m3, kernel->m3, report->m3);
    if (!isnan(net->pbi))
        put_interval(out, "PBi", net->pbi, kernel->pbi, report->pbi);
    fprintf(out, "predictions below the elapsed time: %llu\n",
            (unsigned long long)report->below_elapsed);
}

static void put_value(FILE *out, double value)
{
    if (isnan(value))
        fputc('\t', out);
    else
        fprintf(out, "\t%.6g", value);
}

void score_table_write(const struct score_report *report, FILE *out)
{
    static const int at[CHECKPOINTS] = {1, 2, 5, 10, 20};
    static const char *const what[] = {"m3", "below", "above"};
    fputs("predictor\tmae_start_s\tm1\tm1_macro\tm2i\tm3\tpbi\tpb1\tcoverage", out);
    for (size_t w = 0; w < sizeof what / sizeof *what; w++)
        for (int c = 0; c < CHECKPOINTS; c++)
            fprintf(out, "\t%s_at_%d", what[w], at[c]);
    fputc('\n', out);
    for (int who = 0; who < SCORED && report->rows; who++) {
        const struct score *s = &report->of[who];
        const double one[] = {s->mae_start_s, s->m1,  s->m1_macro, s->m2i,
                              s->m3,          s->pbi, s->pb1,      s->coverage};
        const double *const five[] = {s->m3_at, s->below_at, s->above_at};
        fputs(names[who], out);
        for (size_t i = 0; i < sizeof one / sizeof *one; i++)
            put_value(out, one[i]);
        for (size_t w = 0; w < sizeof five / sizeof *five; w++)
            for (int c = 0; c < CHECKPOINTS; c++)
                put_value(out, who < SCORED_MEDIAN ? five[w][c] : (double)NAN);
        fputc('\n', out);
    }
}
