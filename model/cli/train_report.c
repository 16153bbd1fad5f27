#include "cli/train_report.h"

#include <stdlib.h>

#include "cli/report_folder.h"
#include "cli/score_table.h"

static const char PLOT[] = "set terminal svg size 800,500\n"
                           "set output 'loss.svg'\n"
                           "set xlabel 'epoch'\n"
                           "set ylabel 'training loss'\n"
                           "set y2label 'validation, of the kernel KM'\n"
                           "set ytics nomirror\n"
                           "set y2tics\n"
                           "set key autotitle columnhead\n"
                           "plot 'loss.tsv' using 1:2 with linespoints, \\\n"
                           "     'loss.tsv' using 1:3 axes x1y2 with linespoints\n";

static int write_curve(const char *path, const struct trainer_report *report, struct err *err)
{
    if (report_folder_remove_picture(path, "loss", err))
        return -1;
    FILE *file = report_folder_open(path, "loss.tsv", err);
    if (!file)
        return -1;
    fputs("epoch\ttraining_loss\tvalidation\tlearning_rate\n", file);
    for (uint32_t i = 0; i < report->epochs; i++)
        fprintf(file, "%u\t%.6g\t%.6g\t%.6g\n", i + 1, report->curve[i].loss,
                report->curve[i].validation, report->curve[i].learning_rate);
    return report_folder_close(path, "loss.tsv", file, err);
}

static int write_scores(const char *path, const struct score_report *report, struct err *err)
{
    FILE *file = report_folder_open(path, "scores.txt", err);
    if (!file)
        return -1;
    score_table_print(report, file);
    if (report_folder_close(path, "scores.txt", file, err))
        return -1;
    file = report_folder_open(path, "scores.tsv", err);
    if (!file)
        return -1;
    score_table_write(report, file);
    return report_folder_close(path, "scores.tsv", file, err);
}

int train_report(const char *path, const struct recipe *recipe, const struct train_source *source,
                 const struct train_data *data, struct predictor *net,
                 const struct trainer_report *report, struct err *err)
{
    struct score_report said;
    enum plot_outcome drawn = PLOT_DRAWN;
    int result = -1;
    char *text = recipe_text(recipe, err);
    struct scores *scores = text ? train_score(source, data, net, NULL, source->quiet, err) : NULL;
    if (scores && report_folder_text(path, "recipe", text, err) == 0 &&
        write_curve(path, report, err) == 0 &&
        scores_report(scores, SCORE_TABLE_SEED, &said, err) == 0 &&
        write_scores(path, &said, err) == 0)
        result = report_folder_draw(path, "loss", PLOT, &drawn, err);
    if (result == 0)
        report_folder_regret("train", path, drawn);
    scores_free(scores);
    free(text);
    return result;
}
