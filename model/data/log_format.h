/* log_format.h - one record of a listening log, in any readable form, as a scrobble. The form is
 * told by the record itself: `{...` is JSON (ours, ListenBrainz, Last.fm or Spotify, told by its
 * fields), `key \t {...` is JSON behind its user id (what `outro events` writes), and all else is a
 * row of the Last.fm-1K table (table_row.h). Whoever knows better says which form it must be. */
#ifndef OUTRO_DATA_LOG_FORMAT_H
#define OUTRO_DATA_LOG_FORMAT_H

#include <stdbool.h>

#include "core/err.h"
#include "core/scrobble.h"
#include "data/scrobble_json.h"
#include "data/table_row.h"

enum log_form {
    LOG_FORM_ANY = 0,
    LOG_FORM_LASTFM_1K,    /* "lastfm-1k": the table */
    LOG_FORM_JSON,         /* "json": our own */
    LOG_FORM_LISTENBRAINZ, /* "listenbrainz": listens */
    LOG_FORM_LASTFM,       /* "lastfm": tracks of user.getRecentTracks */
    LOG_FORM_SPOTIFY,      /* "spotify": streaming history, extended or of the account data */
    LOG_FORMS
};

/** @return its name, "any" for LOG_FORM_ANY */
const char *log_form_name(enum log_form form);
/** @return 0, or -1 with ERR_USAGE, which lists the names */
int log_form_named(const char *name, enum log_form *form, struct err *err) MUST_CHECK;

struct log_parser {
    enum log_form form;
    struct slice user; /* of records that name nobody, borrowed; size 0: there is none */
    struct scrobble_scratch *scratch; /* borrowed */
};

/** A line of a file. @param line borrowed; the scrobble's slices point into it, into scratch or to
 * the user's name  @param first whether it is the first line of its file, which may be a header */
enum log_line log_line_parse(const struct log_parser *parser, struct slice line, bool first,
                             struct scrobble *out, struct err *err) MUST_CHECK;

/** A JSON record that was cut out of an array or a page. */
enum log_line log_element_parse(const struct log_parser *parser, struct slice json,
                                struct scrobble *out, struct err *err) MUST_CHECK;

/** Whether a line that gave a scrobble is a row of a table, not JSON. */
bool log_line_is_table(struct slice line);

#endif
