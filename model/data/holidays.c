#include "data/holidays.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/line_reader.h"
#include "data/timestamp.h"

#define DAY_MS    86400000
#define DAYS      (EVENT_TIME_END_MS / DAY_MS)
#define DATE_SIZE 10 /* YYYY-MM-DD */

struct holidays {
    size_t count;
    bool day[DAYS]; /* since 1970-01-01 */
};

static struct slice trim(struct slice text)
{
    while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = (struct slice){text.data + 1, text.size - 1};
    while (text.size > 0 && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
        text.size--;
    return text;
}

static int take_line(struct holidays *holidays, const struct line *line, struct err *err)
{
    struct slice text = line->text;
    struct event_time midnight;
    char whole[32];
    if (line->too_long)
        return err_set(err, ERR_INPUT, "it has more than %d bytes", LINE_MAX_BYTES);
    const char *comment = text.size > 0 ? memchr(text.data, '#', text.size) : NULL;
    if (comment)
        text.size = (size_t)(comment - text.data);
    text = trim(text);
    if (text.size == 0)
        return 0;
    int size = snprintf(whole, sizeof whole, "%.*sT00:00:00Z",
                        text.size == DATE_SIZE ? DATE_SIZE : 0, text.data);
    if (timestamp_parse(whole, (size_t)size, &midnight) != TIMESTAMP_OK)
        return err_set(err, ERR_INPUT, "\"%.*s\" is not a date from 1970 to 2099 like 2009-12-25",
                       line_printable(text), text.data);
    bool *day = &holidays->day[midnight.ms / DAY_MS];
    holidays->count += !*day;
    *day = true;
    return 0;
}

static int read_lines(struct holidays *holidays, struct line_reader *reader, struct err *err)
{
    struct line line;
    int status;
    while ((status = line_reader_next(reader, &line, err)) > 0)
        if (take_line(holidays, &line, err) < 0)
            return err_prefix(err, "%s:%" PRIu64, line_reader_name(reader), line.number);
    return status;
}

struct holidays *holidays_load(const char *path, struct err *err)
{
    struct line_reader *reader = line_reader_open(path, err);
    if (!reader)
        return NULL;
    struct holidays *holidays = calloc(1, sizeof *holidays);
    int status = holidays ? read_lines(holidays, reader, err)
                          : err_set(err, ERR_MEMORY, "out of memory for holidays");
    line_reader_free(reader);
    if (status < 0) {
        holidays_free(holidays);
        return NULL;
    }
    return holidays;
}

bool holidays_has(const struct holidays *holidays, struct event_time time)
{
    assert(event_time_valid(time));
    return holidays->day[time.ms / DAY_MS];
}

size_t holidays_count(const struct holidays *holidays)
{
    return holidays ? holidays->count : 0;
}

void holidays_free(struct holidays *holidays)
{
    free(holidays);
}
