#include <inttypes.h>

#include "daemon/audit_parts.h"

static const char *const columns[] = {"inputs", "sessions", "duplicates", "late",     "rejected",
                                      "lost",   "doubled",  "disorder",   "orphaned", "differing"};

enum { COLUMNS = sizeof columns / sizeof columns[0], OUTCOMES_SHOWN = 5 };

static void add(uint64_t total[COLUMNS], const struct audit_row *row)
{
    const uint64_t outcome[OUTCOMES_SHOWN] = {row->inputs, row->sessions, row->duplicates,
                                              row->late, row->rejected};
    for (int i = 0; i < COLUMNS; i++) {
        total[i] += i < OUTCOMES_SHOWN ? outcome[i] : row->finding[i - OUTCOMES_SHOWN];
    }
}

static void print_line(FILE *out, const char *name, const uint64_t value[COLUMNS])
{
    fprintf(out, "%-9s", name);
    for (int i = 0; i < COLUMNS; i++) {
        fprintf(out, " %10" PRIu64, value[i]);
    }
}

static void print_offset(FILE *out, int64_t offset)
{
    if (offset >= 0) {
        fprintf(out, " %12" PRId64, offset);
    } else {
        fprintf(out, " %12s", "-");
    }
}

static void print_table(const struct audit *audit, FILE *out)
{
    uint64_t total[COLUMNS] = {0};
    fprintf(out, "%-9s", "partition");
    for (int i = 0; i < COLUMNS; i++) {
        fprintf(out, " %10s", columns[i]);
    }
    fprintf(out, " %12s %12s\n", "committed", "meta");
    for (size_t i = 0; i < audit->input.partitions; i++) {
        uint64_t value[COLUMNS] = {0};
        char name[24];
        snprintf(name, sizeof name, "%zu", i);
        add(value, &audit->row[i]);
        add(total, &audit->row[i]);
        print_line(out, name, value);
        print_offset(out, audit->row[i].committed);
        print_offset(out, audit->row[i].meta);
        fputc('\n', out);
    }
    print_line(out, "total", total);
    fputc('\n', out);
}

static void print_offender(const struct audit_offender *offender, FILE *out)
{
    fprintf(out, "%s", offender->topic);
    if (offender->partition >= 0) {
        fprintf(out, " partition %" PRId32, offender->partition);
    }
    if (offender->offset >= 0) {
        fprintf(out, " offset %" PRId64, offender->offset);
    }
    fprintf(out, ": %s\n", offender->text);
}

void audit_report(const struct audit *audit, FILE *out)
{
    print_table(audit, out);
    if (audit->state_users > 0) {
        fprintf(out, "users whose state was compared: %" PRIu64 "\n", audit->state_users);
    }
    if (audit->excused > 0) {
        fprintf(out, "users back after state.ttl.days, not compared: %" PRIu64 "\n",
                audit->excused);
    }
    if (audit->doubtful > 0) {
        fprintf(out, "users of tracks whose durations changed, not compared: %" PRIu64 "\n",
                audit->doubtful);
    }
    fprintf(out, "open transactions: %" PRIu64 "\n", audit->open_transactions);
    for (size_t i = 0; i < audit->offenders; i++) {
        print_offender(&audit->offender[i], out);
    }
    if (audit->wrong > audit->offenders) {
        fprintf(out, "and %" PRIu64 " more\n", audit->wrong - audit->offenders);
    }
    fputs(audit->wrong ? "wrong\n" : "clean\n", out);
}
