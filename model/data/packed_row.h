/* packed_row.h - a scrobble as one run of bytes, as it lies in memory and in temporary files while
 * a log is sorted. In the machine's own byte order: never leaves the process. Header only. */
#ifndef OUTRO_DATA_PACKED_ROW_H
#define OUTRO_DATA_PACKED_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/scrobble.h"

enum { PACKED_TEXTS = 5 };

struct packed_row {
    int64_t time_ms;
    uint32_t duration_ms;
    uint16_t text_size[PACKED_TEXTS]; /* user id, artist, track, artist mbid, track mbid */
    char text[];                      /* one behind the other, without terminators */
};

/** Bytes of the whole row, a multiple of 8, so that rows can lie one behind the other. */
static inline size_t packed_row_size(const struct packed_row *row)
{
    size_t size = offsetof(struct packed_row, text);
    for (int i = 0; i < PACKED_TEXTS; i++)
        size += row->text_size[i];
    return (size + 7) & ~(size_t)7;
}

/** Fills head, all but the texts. @return false when a text is too long to be packed */
static inline bool packed_row_head(const struct scrobble *scrobble, struct packed_row *head)
{
    const struct slice text[PACKED_TEXTS] = {scrobble->user_id, scrobble->artist, scrobble->track,
                                             scrobble->artist_mbid, scrobble->track_mbid};
    head->time_ms = scrobble->time.ms;
    head->duration_ms = (uint32_t)scrobble->duration_ms;
    for (int i = 0; i < PACKED_TEXTS; i++) {
        if (text[i].size > UINT16_MAX)
            return false;
        head->text_size[i] = (uint16_t)text[i].size;
    }
    return true;
}

/** Writes the row whose head is given to row, which has packed_row_size(head) bytes. */
static inline void packed_row_fill(const struct scrobble *scrobble, const struct packed_row *head,
                                   struct packed_row *row)
{
    const struct slice text[PACKED_TEXTS] = {scrobble->user_id, scrobble->artist, scrobble->track,
                                             scrobble->artist_mbid, scrobble->track_mbid};
    memcpy(row, head, offsetof(struct packed_row, text));
    char *to = row->text;
    for (int i = 0; i < PACKED_TEXTS; i++) {
        if (text[i].size > 0) /* an empty slice may have no data at all */
            memcpy(to, text[i].data, text[i].size);
        to += text[i].size;
    }
}

/** The scrobble back; its slices point into row. */
static inline void packed_row_open(const struct packed_row *row, struct scrobble *out)
{
    struct slice *const text[PACKED_TEXTS] = {&out->user_id, &out->artist, &out->track,
                                              &out->artist_mbid, &out->track_mbid};
    const char *from = row->text;
    for (int i = 0; i < PACKED_TEXTS; i++) {
        *text[i] = (struct slice){from, row->text_size[i]};
        from += row->text_size[i];
    }
    out->time.ms = row->time_ms;
    out->duration_ms = row->duration_ms;
}

#endif
