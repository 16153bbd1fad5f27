/* seed_tables.h - the files of the re-implemented system that a whole log gives: tracks.csv, the
 * three vocabularies, unique_users.txt; and the numbers its other files use. Its format: CRLF, no
 * header, texts in double quotes and numbers not, tabs between (tracks.csv: commas). */
#ifndef OUTRO_PREPARE_SEED_TABLES_H
#define OUTRO_PREPARE_SEED_TABLES_H

#include "core/err.h"
#include "prepare/history.h"
#include "prepare/vocabulary.h"

struct seed_tables {
    const struct history *history; /* borrowed */
    uint32_t *tracks;              /* most played first */
    struct vocabulary artists, titles;
    struct countries countries;
};

/** Caller's memory. @param profiles may be NULL  @return 0, -1: ERR_MEMORY, ERR_INPUT */
int seed_tables_make(struct seed_tables *tables, const struct history *history,
                     const struct profiles *profiles, struct err *err) MUST_CHECK;
void seed_tables_clear(struct seed_tables *tables);

/** Each writes its files into an open folder. @return 0, -1 with err */
int seed_write_tracks(const struct seed_tables *tables, int folder, struct err *err) MUST_CHECK;
int seed_write_vocabularies(const struct seed_tables *tables, int folder,
                            struct err *err) MUST_CHECK;

#endif
