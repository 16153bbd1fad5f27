#include "crawl/result_files.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { DURATIONS, TAGS, FAILED, FILES };

static const struct {
    const char *name, *beside, *header;
} FORMS[FILES] = {
    [DURATIONS] = {"durations.tsv", ".durations.tsv.new", "artist\ttrack\tduration_ms\n"},
    [TAGS] = {"tags.tsv", ".tags.tsv.new", "artist\ttrack\ttag\tcount\n"},
    [FAILED] = {"failed.tsv", ".failed.tsv.new", "artist\ttrack\treason\n"},
};

static void put_text(FILE *file, struct slice text, char behind)
{
    for (size_t i = 0; i < text.size; i++) {
        char byte = text.data[i];
        putc_unlocked(byte == '\t' || byte == '\n' || byte == '\r' ? ' ' : byte, file);
    }
    putc_unlocked(behind, file);
}

static void put_name(FILE *file, struct track_name name)
{
    put_text(file, name.artist, '\t');
    put_text(file, name.track, '\t');
}

/* The names are those of the input: it is they that a log is joined on. */
static uint64_t put_record(FILE *const files[FILES], struct track_name name,
                           const struct record *record)
{
    const struct track_facts *facts = &record->facts;
    if (record->kind == RECORD_FAILED) {
        put_name(files[FAILED], name);
        put_text(files[FAILED], record->reason, '\n');
        return 0;
    }
    put_name(files[DURATIONS], name);
    fprintf(files[DURATIONS], "%" PRIu32 "\n", facts->duration_ms);
    for (size_t i = 0; i < facts->tag_count; i++) {
        put_name(files[TAGS], name);
        put_text(files[TAGS], facts->tags[i].name, '\t');
        if (facts->tags[i].count >= 0)
            fprintf(files[TAGS], "%" PRId64, facts->tags[i].count);
        putc_unlocked('\n', files[TAGS]);
    }
    return facts->tag_count;
}

static int open_files(int dir, FILE *files[FILES], struct err *err)
{
    for (int i = 0; i < FILES; i++) {
        int fd = openat(dir, FORMS[i].beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        files[i] = fd < 0 ? NULL : fdopen(fd, "wb");
        if (!files[i]) {
            err_errno(err, "%s", FORMS[i].beside);
            if (fd >= 0)
                close(fd);
            return -1;
        }
        fputs(FORMS[i].header, files[i]);
    }
    return 0;
}

/* On the disk before it has its name. */
static int finish_files(FILE *files[FILES], struct err *err)
{
    int status = 0;
    for (int i = 0; i < FILES; i++) {
        if (!files[i])
            continue;
        bool written = !ferror(files[i]) && fflush(files[i]) == 0 && fsync(fileno(files[i])) == 0;
        if (status == 0 && !written)
            status = err_errno(err, "writing %s", FORMS[i].name);
        if (fclose(files[i]) != 0 && status == 0)
            status = err_errno(err, "writing %s", FORMS[i].name);
    }
    return status;
}

static int name_files(int dir, struct err *err)
{
    for (int i = 0; i < FILES; i++)
        if (renameat(dir, FORMS[i].beside, dir, FORMS[i].name) < 0)
            return err_errno(err, "%s", FORMS[i].name);
    return fsync(dir) == 0 ? 0 : err_errno(err, "writing the folder");
}

int result_files_write(int dir, const struct track_set *set, struct journal *journal,
                       const uint64_t *offsets, uint64_t *tags_written, struct err *err)
{
    FILE *files[FILES] = {NULL};
    *tags_written = 0;
    int status = open_files(dir, files, err);
    for (uint32_t i = 0; status == 0 && i < track_set_count(set); i++) {
        struct record record;
        if (offsets[i] == NO_RECORD)
            continue;
        status = journal_read(journal, offsets[i], &record, err);
        if (status == 0) {
            *tags_written += put_record(files, track_set_get(set, i), &record);
            record_release(&record);
        }
    }
    /* Closed in any case; the first error is the one to tell. */
    if (finish_files(files, status == 0 ? err : NULL) < 0)
        status = -1;
    if (status == 0)
        return name_files(dir, err);
    for (int i = 0; i < FILES; i++)
        unlinkat(dir, FORMS[i].beside, 0);
    return -1;
}
