/* play_text.h - the time of a play as text, and its calendar year. Pure. Source: H. Hinnant,
 * chrono-Compatible Low-Level Date Algorithms. */
#ifndef OUTRO_PREPARE_PLAY_TEXT_H
#define OUTRO_PREPARE_PLAY_TEXT_H

#include <stdint.h>

/* "2009-05-04T23:08:57Z" */
enum { PLAY_TIME_BYTES = 20 };

/** @param time_ms from 1970 on, before the year 10000; its milliseconds are left out  @param out
 * not NUL-terminated */
void play_put_time(int64_t time_ms, char out[PLAY_TIME_BYTES]);
/** UTC. @param second from 1970 on */
int play_year(int64_t second);

#endif
