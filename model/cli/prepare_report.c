#include "cli/prepare_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static double seconds_since(int64_t begun_ns)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec * INT64_C(1000000000) + now.tv_nsec - begun_ns) / 1e9;
}

void prepare_report_reading(struct prepare_report *report)
{
    progress_begin(&report->progress, "reading", "rows", report->quiet);
}

void prepare_report_rows(void *ctx, uint64_t rows, uint64_t users, uint64_t bytes,
                         uint64_t total_bytes)
{
    struct prepare_report *report = ctx;
    double seconds = seconds_since(report->progress.begun_ns);
    progress_update(&report->progress, rows, total_bytes ? (double)bytes / (double)total_bytes : -1,
                    "  %.0f MB/s  %" PRIu64 " users",
                    seconds > 0 ? (double)bytes / 1e6 / seconds : 0, users);
}

void prepare_report_read(struct prepare_report *report, const struct history *history,
                         const char *log_path)
{
    const char *name = strcmp(log_path, "-") == 0 ? "standard input" : log_path;
    report->read_s = progress_end(&report->progress);
    for (size_t i = 0; i < history->rejected && i < HISTORY_REJECTS; i++)
        fprintf(stderr, "%s:%" PRIu64 ": %s\n", name, history->rejects[i].line,
                history->rejects[i].reason.text);
    if (history->rejected > HISTORY_REJECTS)
        fprintf(stderr, "%s: %" PRIu64 " more bad rows, all in rejected.tsv\n", name,
                history->rejected - HISTORY_REJECTS);
}

void prepare_report_writing(struct prepare_report *report)
{
    progress_begin(&report->progress, "writing", "users", report->quiet);
}

void prepare_report_users(void *ctx, uint64_t users, uint64_t total)
{
    struct prepare_report *report = ctx;
    progress_update(&report->progress, users, (double)users / (double)total, "%s", "");
}

void prepare_report_stop(struct prepare_report *report)
{
    if (report->progress.what)
        progress_end(&report->progress);
}

static void print_counts(const json_t *counts)
{
    static const struct {
        const char *key, *name;
    } ROWS[] = {{"rows", "rows"},
                {"rejected", "rejected rows"},
                {"duplicates", "  duplicates"},
                {"users", "users"},
                {"users_left_out", "  left out"},
                {"sessions", "sessions"},
                {"scrobbles", "scrobbles"},
                {"tracks", "tracks"},
                {"artists", "artists"}};
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        const json_t *count = json_object_get(counts, ROWS[i].key);
        char number[28];
        if (count)
            printf("%-13s %14s\n", ROWS[i].name,
                   progress_number((uint64_t)json_integer_value(count), number));
    }
}

static void print_stages(const json_t *stages)
{
    size_t i, j;
    const json_t *stage, *path;
    json_array_foreach(stages, i, stage)
    {
        json_array_foreach(json_object_get(stage, "paths"), j, path)
        {
            char bytes[28];
            json_int_t files = json_integer_value(json_object_get(path, "files"));
            progress_number((uint64_t)json_integer_value(json_object_get(path, "size_bytes")),
                            bytes);
            printf("%-13s %14s bytes  %s",
                   j ? "" : json_string_value(json_object_get(stage, "name")), bytes,
                   json_string_value(json_object_get(path, "path")));
            if (files != 1)
                printf(" (%" JSON_INTEGER_FORMAT " files)", files);
            putchar('\n');
        }
    }
}

static int print_json(const struct prepare_report *report, const struct prepare_manifest *manifest,
                      bool nothing, struct err *err)
{
    json_t *json =
        json_pack("{s:b, s:O, s:O, s:f, s:f}", "done_before", nothing, "counts", manifest->counts,
                  "stages", manifest->stages, "read_s", report->read_s, "write_s", report->write_s);
    int status = json && json_dumpf(json, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6)) == 0
                     ? 0
                     : err_set(err, ERR_IO, "cannot write the summary");
    putchar('\n');
    json_decref(json);
    return status;
}

int prepare_report_end(struct prepare_report *report, const struct prepare_manifest *manifest,
                       bool nothing, struct err *err)
{
    if (!nothing)
        report->write_s = progress_end(&report->progress);
    if (report->json)
        return print_json(report, manifest, nothing, err);
    if (report->quiet)
        return 0;
    print_counts(manifest->counts);
    print_stages(manifest->stages);
    if (nothing) {
        puts("all of it was there already: nothing was done");
        return 0;
    }
    json_int_t rows = json_integer_value(json_object_get(manifest->counts, "rows"));
    double seconds = report->read_s + report->write_s;
    printf("%.1f s: reading %.1f, writing %.1f; %.0f rows a second\n", seconds, report->read_s,
           report->write_s, seconds > 0 ? (double)rows / seconds : 0);
    return 0;
}
