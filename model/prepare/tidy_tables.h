/* tidy_tables.h - the tidy form's tables of the whole log: tracks.tsv, artists.tsv, countries.tsv;
 * and the numbers by which the others name them, from 1, the most played first. UTF-8, LF, a
 * header; a text that holds a tab, a double quote or a line end stands in double quotes, those
 * inside doubled; what is unknown is empty. */
#ifndef OUTRO_PREPARE_TIDY_TABLES_H
#define OUTRO_PREPARE_TIDY_TABLES_H

#include "core/err.h"
#include "prepare/history.h"
#include "prepare/output.h"
#include "prepare/vocabulary.h"

/* What the rows say of a variant. */
struct tidy_names {
    uint32_t track_id, artist_id; /* 0: an artist without a word */
    uint32_t duration_ms;         /* 0 unknown */
};

struct tidy_tables {
    const struct history *history; /* borrowed */
    uint32_t *tracks, *artists;    /* numbers of the catalog, most played first */
    uint64_t *artist_plays;        /* by number */
    uint32_t *artist_tracks;       /* by number */
    struct tidy_names *names;      /* by variant */
    struct countries countries;
};

/** Caller's memory. @param profiles may be NULL  @return 0, -1 with ERR_MEMORY */
int tidy_tables_make(struct tidy_tables *tables, const struct history *history,
                     const struct profiles *profiles, struct err *err) MUST_CHECK;
void tidy_tables_clear(struct tidy_tables *tables);

int tidy_write_tracks(const struct tidy_tables *tables, int folder, struct err *err) MUST_CHECK;
int tidy_write_artists(const struct tidy_tables *tables, int folder, struct err *err) MUST_CHECK;
int tidy_write_countries(const struct tidy_tables *tables, int folder, struct err *err) MUST_CHECK;

/** A text as a field, quoted if it must be. */
void tidy_put_text(struct output *output, struct slice text);
/** A whole line, its end included. */
void tidy_put_literal(struct output *output, const char *text);

#endif
