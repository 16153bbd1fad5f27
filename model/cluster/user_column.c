#include "cluster/user_column.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *label;
} COLUMNS[USER_COLUMNS] = {
    [COLUMN_GENDER] = {"gender", "gender (1 m, 0 f, -1 unknown)"},
    [COLUMN_AGE] = {"age", "age (years)"},
    [COLUMN_COUNTRY] = {"country", "country (id)"},
    [COLUMN_REGISTERED] = {"registered", "registered (epoch s)"},
    [COLUMN_TOP_ARTIST] = {"top_artist", "top artist (id)"},
    [COLUMN_TOP_TRACK] = {"top_track", "top track (id)"},
    [COLUMN_TOTAL_SESSIONS] = {"total_sessions", "sessions"},
    [COLUMN_AVERAGE_LENGTH] = {"average_session_length", "average session length (s)"},
    [COLUMN_MAX_LENGTH] = {"max_session_length", "longest session (s)"},
    [COLUMN_MEDIAN_LENGTH] = {"median_session_length", "median session length (s)"},
    [COLUMN_TOTAL_ROWS] = {"total_session_rows", "scrobbles in sessions"},
};

const char *user_column_name(enum user_column column)
{
    assert(column < USER_COLUMNS);
    return COLUMNS[column].name;
}

const char *user_column_label(enum user_column column)
{
    assert(column < USER_COLUMNS);
    return COLUMNS[column].label;
}

int user_column_find(struct slice name, enum user_column *out, struct err *err)
{
    char names[300];
    size_t used = 0;
    for (int c = 0; c < USER_COLUMNS; c++) {
        if (strlen(COLUMNS[c].name) == name.size &&
            memcmp(COLUMNS[c].name, name.data, name.size) == 0) {
            *out = (enum user_column)c;
            return 0;
        }
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", c ? ", " : "",
                                 COLUMNS[c].name);
    }
    return err_set(err, ERR_USAGE, "no column \"%.*s\"; there are %s",
                   name.size > 40 ? 40 : (int)name.size, name.data, names);
}
