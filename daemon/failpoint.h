/* failpoint.h - named places at which tests/faults lets the process die, as by kill -9: no handler
 * runs, nothing is flushed. Built with OUTRO_FAILPOINTS only (Debug builds); elsewhere both calls
 * are nothing.
 *
 * OUTRO_FAILPOINT=NAME:COUNT[:DELAY_US] in the environment chooses one place and how many times it
 * is passed before: before-produce, after-produce, after-send-offsets, inside-commit, after-commit,
 * mid-restore, mid-bundle-swap, mid-snapshot. */
#ifndef OUTRO_DAEMON_FAILPOINT_H
#define OUTRO_DAEMON_FAILPOINT_H

#ifdef OUTRO_FAILPOINTS

/* What the process leaves with at failpoint(). */
#define FAILPOINT_STATUS 86

/** Ends the process when it comes here for the COUNTth time. Any thread. */
void failpoint(const char *name);
/** The same DELAY_US later (default 1000), by SIGALRM: in the middle of the call that follows. */
void failpoint_soon(const char *name);

#else

static inline void failpoint(const char *name)
{
    (void)name;
}

static inline void failpoint_soon(const char *name)
{
    (void)name;
}

#endif
#endif
