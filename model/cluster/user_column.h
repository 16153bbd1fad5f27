/* user_column.h - the columns that people are grouped by: one number of a person each, in the order
 * in which a file of profiles has them behind the user. Unknown values are values as well, so that
 * a person without a profile can be assigned. */
#ifndef OUTRO_CLUSTER_USER_COLUMN_H
#define OUTRO_CLUSTER_USER_COLUMN_H

#include "core/err.h"
#include "core/scrobble.h"

enum user_column {
    COLUMN_GENDER,         /* 1 m, 0 f, -1 unknown */
    COLUMN_AGE,            /* years; 0 unknown */
    COLUMN_COUNTRY,        /* id of a vocabulary; 0 unknown */
    COLUMN_REGISTERED,     /* epoch seconds of that day, UTC; 0 unknown */
    COLUMN_TOP_ARTIST,     /* id of a vocabulary */
    COLUMN_TOP_TRACK,      /* id of a vocabulary */
    COLUMN_TOTAL_SESSIONS, /* finished sessions */
    COLUMN_AVERAGE_LENGTH, /* of a session, s */
    COLUMN_MAX_LENGTH,     /* of a session, s */
    COLUMN_MEDIAN_LENGTH,  /* of a session, s */
    COLUMN_TOTAL_ROWS,     /* rows of the person's sessions: scrobbles */
    USER_COLUMNS
};

/** "average_session_length"; as files and options say it. */
const char *user_column_name(enum user_column column);

/** A short form that a picture shows: "average session length (s)". */
const char *user_column_label(enum user_column column);

/** @return 0, or -1 with ERR_USAGE that lists the names there are */
int user_column_find(struct slice name, enum user_column *out, struct err *err) MUST_CHECK;

#endif
