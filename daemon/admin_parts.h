/* admin_parts.h - the inside of the admin loop, for its own files only: admin.c has the loop,
 * signals and reload, admin_http.c the three pages. */
#ifndef OUTRO_DAEMON_ADMIN_PARTS_H
#define OUTRO_DAEMON_ADMIN_PARTS_H

#include <stdbool.h>

#include <event2/event.h>
#include <event2/http.h>

#include "daemon/admin.h"
#include "daemon/bundle_watcher.h"

struct admin {
    struct config *config;
    const struct config_source *source;
    struct logger *logger;
    struct status *status;
    struct inbox *inbox;

    struct event_base *base;
    struct evhttp *http;
    struct event *terminate, *interrupt, *hang_up; /* signals */
    struct event *done, *poll, *watch, *deadline;

    struct bundle_watcher watcher;
    struct admin_metrics metrics;
    struct snapshot snapshot; /* last one read */
    bool stopping, overdue, stuck;
    char text[160]; /* why it is not ready */
};

/** Binds admin.listen and answers /live, /ready, /metrics. @return 0, -1 ERR_IO */
int admin_http_open(struct admin *admin, struct err *err) MUST_CHECK;

#endif
