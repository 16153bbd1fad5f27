#include "daemon/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/status.h"

struct page {
    char *text;
    size_t size;
    FILE *out;
};

static struct page page_open(void)
{
    struct page page = {0};
    return page;
}

static void assert_has(const char *text, const char *line)
{
    if (!strstr(text, line)) {
        fail_msg("there is no \"%s\" in:\n%s", line, text);
    }
}

static void test_metrics_every_row_prints_its_own_field(void **state)
{
    struct metrics metrics = {0};
    struct page page = page_open();
    uint64_t value = 1000;
    char line[256];
    (void)state;
#define X(field, type, name, labels, help) metrics.field = value++;
    METRICS_TABLE(X)
#undef X
    page.out = open_memstream(&page.text, &page.size);
    metrics_print(&metrics, page.out);
    fclose(page.out);
    value = 1000;
#define X(field, type, name, labels, help)                                                         \
    snprintf(line, sizeof line, (labels)[0] ? "\n%s{%s} %llu\n" : "\n%s%s %llu\n", name, labels,   \
             (unsigned long long)value++);                                                         \
    assert_has(page.text, line);
    METRICS_TABLE(X)
#undef X
    free(page.text);
}

/* The rules of the text format: each family once, its HELP and TYPE before its samples. */
static void test_metrics_families_are_announced_once(void **state)
{
    struct metrics metrics = {0};
    struct admin_metrics admin = {0};
    struct partition_metrics partition[2] = {{.partition = 0}, {.partition = 7, .lag = 42}};
    struct page page = page_open();
    (void)state;
    page.out = open_memstream(&page.text, &page.size);
    metrics_print(&metrics, page.out);
    admin_metrics_print(&admin, page.out);
    partition_metrics_print(partition, 2, page.out);
    version_metrics_print("v1", "2.0.2", page.out);
    process_metrics_print(page.out);
    fclose(page.out);
    assert_has(page.text, "\noutro_partition_lag{partition=\"7\"} 42\n");
    assert_has(page.text, "\noutro_bundle_info{version=\"v1\"} 1\n");
    assert_has(page.text, "librdkafka=\"2.0.2\"} 1\n");
    for (const char *at = page.text; (at = strstr(at, "# TYPE ")); at++) {
        char head[128];
        snprintf(head, sizeof head, "%.*s ", (int)strcspn(at + 7, " ") + 7, at);
        assert_null(strstr(at + 1, head));
        assert_non_null(strstr(page.text, head));
    }
    free(page.text);
}

static void test_metrics_histogram_counts_cumulatively(void **state)
{
    struct metrics metrics = {0};
    struct page page = page_open();
    (void)state;
    histogram_add(&metrics.turn, .0001); /* a bound belongs to its bucket */
    histogram_add(&metrics.turn, .002);
    histogram_add(&metrics.turn, 3);
    histogram_add(&metrics.turn, 100);
    page.out = open_memstream(&page.text, &page.size);
    metrics_print(&metrics, page.out);
    fclose(page.out);
    assert_has(page.text, "\n# TYPE outro_turn_seconds histogram\n");
    assert_has(page.text, "\noutro_turn_seconds_bucket{le=\"0.0001\"} 1\n");
    assert_has(page.text, "\noutro_turn_seconds_bucket{le=\"0.001\"} 1\n");
    assert_has(page.text, "\noutro_turn_seconds_bucket{le=\"0.0025\"} 2\n");
    assert_has(page.text, "\noutro_turn_seconds_bucket{le=\"5\"} 3\n");
    assert_has(page.text, "\noutro_turn_seconds_bucket{le=\"+Inf\"} 4\n");
    assert_has(page.text, "\noutro_turn_seconds_sum 103.0021\noutro_turn_seconds_count 4\n");
    free(page.text);
}

static void test_metrics_rejections_are_named_by_reason(void **state)
{
    struct metrics metrics = {.rejected = {[REJECT_LATE] = 3, [REJECT_NOT_JSON] = 5}};
    struct page page = page_open();
    (void)state;
    page.out = open_memstream(&page.text, &page.size);
    metrics_print(&metrics, page.out);
    fclose(page.out);
    assert_has(page.text, "\noutro_rejected_total{reason=\"late\"} 3\n");
    assert_has(page.text, "\noutro_rejected_total{reason=\"not-json\"} 5\n");
    assert_has(page.text, "\noutro_rejected_total{reason=\"null-key\"} 0\n");
    free(page.text);
}

static void test_metrics_a_snapshot_is_a_copy_of_what_was_published(void **state)
{
    struct err err;
    struct status *status = status_new(&err);
    struct snapshot in = {.bundle_version = "v1", .assigned = true}, out = {0};
    (void)state;
    assert_non_null(status);
    assert_int_equal(snapshot_reserve(&in, 3, &err), 0);
    in.partitions = 2;
    in.partition[1] = (struct partition_metrics){.partition = 9, .lag = 4};
    in.metrics.consumed = 11;
    status_publish(status, &in);
    in.partition[1].lag = 5;
    in.metrics.consumed = 12;
    status_read(status, &out);
    assert_int_equal(out.partitions, 2);
    assert_int_equal(out.partition[1].lag, 4);
    assert_int_equal(out.metrics.consumed, 11);
    assert_string_equal(out.bundle_version, "v1");
    in.partitions = 0;
    status_publish(status, &in);
    status_read(status, &out);
    assert_int_equal(out.partitions, 0);
    assert_int_equal(out.metrics.consumed, 12);
    snapshot_release(&in);
    snapshot_release(&out);
    status_free(status);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metrics_every_row_prints_its_own_field),
        cmocka_unit_test(test_metrics_families_are_announced_once),
        cmocka_unit_test(test_metrics_histogram_counts_cumulatively),
        cmocka_unit_test(test_metrics_rejections_are_named_by_reason),
        cmocka_unit_test(test_metrics_a_snapshot_is_a_copy_of_what_was_published),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
