/* demo_view.h - what a person sees of the demo: who is listening, how long they are said to go on,
 * and how the sessions that closed compare with what was said at their start. Reads the records as
 * they stand in the topics; prints to a FILE. No Kafka, no clock: pure but for the FILE. */
#ifndef OUTRO_DAEMON_DEMO_VIEW_H
#define OUTRO_DAEMON_DEMO_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/scrobble.h"

#define VIEW_USERS   128 /* whose sessions are followed; beyond that the least recent makes room */
#define VIEW_CLOSED  6
#define VIEW_STARTS  8
#define VIEW_WAITING 256

/* What was said at the start of a session. */
struct view_start {
    int64_t session; /* 0: its start was not seen */
    double p50_s, average_s;
};

struct view_user {
    char user_id[USER_ID_MAX + 1]; /* "": free */
    int64_t session, scrobble;
    double elapsed_s, p10_s, p50_s, p90_s;
    bool interval; /* else p50_s alone */
    bool open;
    struct view_start start[VIEW_STARTS]; /* newest first */
    uint64_t seen;                        /* when, in records */
};

struct view_closed {
    char user_id[USER_ID_MAX + 1];
    int64_t session, scrobbles;
    double length_s;
    struct view_start said; /* session 0: its start was not seen */
    int rounds;             /* since it was read */
};

struct view {
    struct view_user user[VIEW_USERS];
    struct view_closed closed[VIEW_CLOSED];   /* newest first */
    struct view_closed waiting[VIEW_WAITING]; /* for the prediction at their start: another topic,
                                                 so it may be read later */
    size_t waiting_count;
    uint64_t records, predictions, sessions;
    uint64_t scored; /* sessions whose start was seen and which are not the user's first */
    double error_s, average_error_s; /* sums of |length - said| */
    int64_t time_ms;                 /* event time of the last prediction */
    bool live;                       /* a terminal: redraw; else plain lines */
    FILE *out;
};

/* Counts that frame the picture. */
struct view_frame {
    const char *address; /* of the broker */
    uint64_t fed, total, open_sessions;
    int columns, rows; /* of the terminal, which the picture fits into; 0: not known, 80 x 24 */
};

void view_init(struct view *view, FILE *out, bool live);
/** A record of the topic of predictions or sessions; what is not one is ignored. */
void view_prediction(struct view *view, const char *json, size_t size);
void view_session(struct view *view, const char *json, size_t size);
/** Ends a round of reading: scores sessions whose start has been seen by now, and those that waited
 * too long. */
void view_settle(struct view *view);
/** Redraws (terminal), or prints one line of progress. */
void view_draw(struct view *view, const struct view_frame *frame);
/** The last picture and the sums; gives the terminal back. */
void view_end(struct view *view, const struct view_frame *frame);

#endif
