#include "daemon/metrics.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

const double histogram_bounds_s[HISTOGRAM_BUCKETS] = {
    .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};

struct row {
    size_t offset;
    const char *type, *name, *labels, *help;
};

static const struct row metrics_rows[] = {
#define X(field, type, name, labels, help)                                                         \
    {offsetof(struct metrics, field), #type, name, labels, help},
    METRICS_TABLE(X)
#undef X
};

static const struct row admin_rows[] = {
#define X(field, type, name, labels, help)                                                         \
    {offsetof(struct admin_metrics, field), #type, name, labels, help},
    ADMIN_TABLE(X)
#undef X
};

static const struct row histogram_rows[] = {
#define X(field, name, help) {offsetof(struct metrics, field), "histogram", name, "", help},
    HISTOGRAMS_TABLE(X)
#undef X
};

static const struct row partition_rows[] = {
#define X(field, name, help) {offsetof(struct partition_metrics, field), "gauge", name, "", help},
    PARTITIONS_TABLE(X)
#undef X
};

void histogram_add(struct histogram *histogram, double seconds)
{
    size_t i = 0;
    while (i < HISTOGRAM_BUCKETS && seconds > histogram_bounds_s[i]) {
        i++;
    }
    histogram->count[i]++;
    histogram->sum_s += seconds;
}

static void print_head(const struct row *row, FILE *out)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->help, row->name, row->type);
}

static void print_rows(const struct row *rows, size_t count, const void *base, FILE *out)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t value;
        memcpy(&value, (const char *)base + rows[i].offset, sizeof value);
        if (i == 0 || strcmp(rows[i].name, rows[i - 1].name) != 0) {
            print_head(&rows[i], out);
        }
        bool labels = rows[i].labels[0] != '\0';
        fprintf(out, "%s%s%s%s %" PRIu64 "\n", rows[i].name, labels ? "{" : "", rows[i].labels,
                labels ? "}" : "", value);
    }
}

static void print_histogram(const struct row *row, const struct histogram *histogram, FILE *out)
{
    uint64_t below = 0;
    print_head(row, out);
    for (size_t i = 0; i <= HISTOGRAM_BUCKETS; i++) {
        below += histogram->count[i];
        if (i < HISTOGRAM_BUCKETS) {
            fprintf(out, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", row->name, histogram_bounds_s[i],
                    below);
        }
    }
    fprintf(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum %.9g\n%s_count %" PRIu64 "\n",
            row->name, below, row->name, histogram->sum_s, row->name, below);
}

void metrics_print(const struct metrics *metrics, FILE *out)
{
    print_rows(metrics_rows, sizeof metrics_rows / sizeof metrics_rows[0], metrics, out);
    fputs("# HELP outro_rejected_total Records sent to the rejected topic, by reason\n"
          "# TYPE outro_rejected_total counter\n",
          out);
    for (int reason = REJECT_NONE + 1; reason < REJECT_REASONS; reason++) {
        fprintf(out, "outro_rejected_total{reason=\"%s\"} %" PRIu64 "\n",
                reject_reason_name((enum reject_reason)reason), metrics->rejected[reason]);
    }
    for (size_t i = 0; i < sizeof histogram_rows / sizeof histogram_rows[0]; i++) {
        struct histogram histogram;
        memcpy(&histogram, (const char *)metrics + histogram_rows[i].offset, sizeof histogram);
        print_histogram(&histogram_rows[i], &histogram, out);
    }
}

void partition_metrics_print(const struct partition_metrics *partition, size_t count, FILE *out)
{
    for (size_t i = 0; i < sizeof partition_rows / sizeof partition_rows[0]; i++) {
        print_head(&partition_rows[i], out);
        for (size_t p = 0; p < count; p++) {
            int64_t value;
            memcpy(&value, (const char *)&partition[p] + partition_rows[i].offset, sizeof value);
            fprintf(out, "%s{partition=\"%" PRId32 "\"} %" PRId64 "\n", partition_rows[i].name,
                    partition[p].partition, value);
        }
    }
}

void admin_metrics_print(const struct admin_metrics *metrics, FILE *out)
{
    print_rows(admin_rows, sizeof admin_rows / sizeof admin_rows[0], metrics, out);
}

void version_metrics_print(const char *bundle, const char *librdkafka, FILE *out)
{
    fprintf(out,
            "# HELP outro_build_info Versions of outrod and librdkafka\n"
            "# TYPE outro_build_info gauge\n"
            "outro_build_info{version=\"%s\",librdkafka=\"%s\"} 1\n"
            "# HELP outro_bundle_info The bundle that predicts\n# TYPE outro_bundle_info gauge\n",
            OUTRO_VERSION, librdkafka);
    if (*bundle) {
        fprintf(out, "outro_bundle_info{version=\"%s\"} 1\n", bundle);
    }
}

void process_metrics_print(FILE *out)
{
    struct rusage usage;
    long pages = 0;
    getrusage(RUSAGE_SELF, &usage);
    FILE *statm = fopen("/proc/self/statm", "re");
    if (statm) {
        if (fscanf(statm, "%*s %ld", &pages) != 1) {
            pages = 0;
        }
        fclose(statm);
    }
    double cpu = (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
                 ((double)usage.ru_utime.tv_usec + (double)usage.ru_stime.tv_usec) / 1e6;
    fprintf(out,
            "# HELP process_cpu_seconds_total User and system CPU time\n"
            "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total %.6f\n"
            "# HELP process_resident_memory_bytes Resident memory\n"
            "# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes %lld\n",
            cpu, (long long)pages * sysconf(_SC_PAGESIZE));
}
