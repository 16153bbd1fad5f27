#include "daemon/admin.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/admin_parts.h"
#include "daemon/clocks.h"
#include "daemon/engine.h"
#include "data/profiles.h"

static void loop_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
}

void admin_block_signals(void)
{
    sigset_t set;
    loop_signals(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN); /* a reader of the log or of /metrics may go away */
}

static void tune(struct admin *admin)
{
    const struct config *config = admin->config;
    struct tuning *tuning = &admin->inbox->tuning;
    atomic_store(&tuning->commit_interval_ms, config->commit_interval_ms);
    atomic_store(&tuning->max_future_ms, config->time_max_future_ms);
    atomic_store(&tuning->idle_advance_ms, config->time_idle_advance_ms);
    atomic_store(&tuning->revoke_timeout_ms, config->revoke_timeout_ms);
    atomic_store(&admin->logger->level, (int)config->log_level);
    atomic_store(&admin->logger->format, (int)config->log_format);
}

static int read_tables(struct admin *admin, const struct config *config, struct tables *tables,
                       struct err *err)
{
    /* which of topic and file it is does not change before a restart */
    bool file = !*admin->config->topic_track_durations && *config->durations_file;
    struct profiles *profiles = NULL;
    if (file && !(tables->durations = durations_load(config->durations_file, err))) {
        return err_prefix(err, "durations.file");
    }
    if (*config->holidays_file && !(tables->holidays = holidays_load(config->holidays_file, err))) {
        return err_prefix(err, "holidays.file");
    }
    if (!tables->holidays && admin->watcher.needs_holidays) {
        return err_set(
            err, ERR_USAGE,
            "holidays.file is empty, but the bundle that serves has the feature holiday");
    }
    if (*config->profiles_file && !(profiles = profiles_load(config->profiles_file, err))) {
        return err_prefix(err, "profiles.file");
    }
    admin->metrics.profiles = profiles ? profiles_count(profiles) : 0;
    profiles_free(profiles); /* checked and counted: no feature takes anything from them yet */
    return 0;
}

/* Offers the tables only when all are good, so that a bad file changes nothing. */
static int load_tables(struct admin *admin, const struct config *config, struct err *err)
{
    struct tables *tables = calloc(1, sizeof *tables);
    if (!tables) {
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    if (read_tables(admin, config, tables, err) != 0) {
        tables_free(tables);
        return -1;
    }
    admin->metrics.durations = durations_count(tables->durations);
    admin->metrics.holidays = holidays_count(tables->holidays);
    admin->watcher.has_holidays = tables->holidays;
    inbox_offer_tables(admin->inbox, tables);
    return 0;
}

static void look_for_bundle(struct admin *admin)
{
    struct stream_params params = engine_params(admin->config);
    struct bundle *bundle;
    bool serving = admin->watcher.fingerprint[0] != '\0';
    switch (bundle_watcher_poll(&admin->watcher, admin->config->bundle_path, &params, &bundle)) {
    case BUNDLE_NEW:
        admin->metrics.bundle_loads++;
        logger_event(admin->logger, LEVEL_INFO, "bundle-loaded", "bundle %s of %s from %s",
                     bundle->version, bundle->created, admin->config->bundle_path);
        inbox_offer_bundle(admin->inbox, bundle);
        break;
    case BUNDLE_BAD:
        logger_event(
            admin->logger, LEVEL_ERROR, "bundle-refused", "%s; %s", admin->watcher.complaint.text,
            serving ? "the old one goes on serving" : "nothing is consumed until there is one");
        admin->metrics.bundle_failures++;
        break;
    case BUNDLE_STILL_BAD:
        admin->metrics.bundle_failures++;
        break;
    case BUNDLE_SAME:
        break;
    }
    admin->metrics.bundle_bad = admin->watcher.complaint.text[0] != '\0';
}

static void on_poll(evutil_socket_t fd, short what, void *ctx)
{
    struct admin *admin = ctx;
    struct timeval interval = {admin->config->bundle_poll_s, 0};
    (void)fd;
    (void)what;
    if (!admin->stopping) {
        look_for_bundle(admin);
        evtimer_add(admin->poll, &interval);
    }
}

static void on_deadline(evutil_socket_t fd, short what, void *ctx)
{
    struct admin *admin = ctx;
    (void)fd;
    (void)what;
    admin->overdue = true;
    event_base_loopbreak(admin->base);
}

static void on_stop(evutil_socket_t fd, short what, void *ctx)
{
    struct admin *admin = ctx;
    int64_t budget_ms = admin->config->shutdown_timeout_ms;
    struct timeval budget = {budget_ms / 1000, budget_ms % 1000 * 1000};
    (void)what;
    if (admin->stopping) {
        logger_event(admin->logger, LEVEL_WARN, "stop-repeated", "stopping already");
        return;
    }
    admin->stopping = true;
    logger_event(admin->logger, LEVEL_INFO, "stopping",
                 "%s: finishing what was taken, at most %" PRId64 " ms",
                 fd == SIGINT ? "SIGINT" : "SIGTERM", budget_ms);
    /* the engine gets a little less, to leave the group in order when the brokers are away */
    inbox_stop(admin->inbox, monotonic_ms() + budget_ms * 3 / 4);
    evtimer_add(admin->deadline, &budget);
}

/* An engine that waits for ever is ended: what it had not committed comes again, a process that
 * hangs does not. */
static void on_watch(evutil_socket_t fd, short what, void *ctx)
{
    struct admin *admin = ctx;
    const char *doing;
    int64_t waited_ms = watch_waited_ms(&admin->inbox->watch, &doing);
    (void)fd;
    (void)what;
    if (waited_ms > admin->config->watchdog_timeout_ms) {
        logger_event(admin->logger, LEVEL_ERROR, "engine-stuck",
                     "the engine has waited %" PRId64 " ms for %s, longer than "
                     "watchdog.timeout.ms; leaving, uncommitted",
                     waited_ms, doing);
        admin->stuck = true;
        event_base_loopbreak(admin->base);
    }
}

static void on_done(evutil_socket_t fd, short what, void *ctx)
{
    struct admin *admin = ctx;
    (void)what;
    inbox_answer(fd);
    event_base_loopbreak(admin->base);
}

static void log_change(void *ctx, const char *key, bool reloadable)
{
    struct admin *admin = ctx;
    if (reloadable) {
        logger_event(admin->logger, LEVEL_INFO, "config-changed", "%s", key);
    } else {
        logger_event(admin->logger, LEVEL_WARN, "config-needs-restart",
                     "%s differs in the file; the change needs a restart", key);
    }
}

static int reload(struct admin *admin, struct err *err)
{
    struct config fresh;
    if (config_read(&fresh, admin->source, err) != 0) {
        return -1;
    }
    int rc = load_tables(admin, &fresh, err);
    if (rc == 0) {
        config_diff(admin->config, &fresh, log_change, admin);
        config_adopt(admin->config, &fresh);
        tune(admin);
    }
    config_release(&fresh);
    return rc;
}

static void on_reload(evutil_socket_t fd, short what, void *ctx)
{
    struct admin *admin = ctx;
    struct err err = {0};
    (void)fd;
    (void)what;
    if (reload(admin, &err) != 0) {
        admin->metrics.reload_failures++;
        logger_event(admin->logger, LEVEL_ERROR, "reload-refused", "%s; nothing was changed",
                     err.text);
        return;
    }
    on_poll(-1, 0, admin); /* the bundle too, and the timer begins anew with its new interval */
    admin->metrics.reloads++;
    logger_event(admin->logger, LEVEL_INFO, "reloaded", "configuration read again");
}

static int make_events(struct admin *admin, struct err *err)
{
    struct {
        struct event **event;
        int fd;
        short what;
        event_callback_fn call;
    } table[] = {{&admin->terminate, SIGTERM, EV_SIGNAL | EV_PERSIST, on_stop},
                 {&admin->interrupt, SIGINT, EV_SIGNAL | EV_PERSIST, on_stop},
                 {&admin->hang_up, SIGHUP, EV_SIGNAL | EV_PERSIST, on_reload},
                 {&admin->done, admin->inbox->done, EV_READ | EV_PERSIST, on_done},
                 {&admin->poll, -1, 0, on_poll},
                 {&admin->watch, -1, EV_PERSIST, on_watch},
                 {&admin->deadline, -1, 0, on_deadline}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        *table[i].event = event_new(admin->base, table[i].fd, table[i].what, table[i].call, admin);
        if (!*table[i].event) {
            return err_set(err, ERR_MEMORY, "out of memory");
        }
        if ((table[i].what & (EV_SIGNAL | EV_READ)) && event_add(*table[i].event, NULL) != 0) {
            return err_set(err, ERR_IO, "cannot watch for signals");
        }
    }
    return 0;
}

struct admin *admin_new(struct config *config, const struct config_source *source,
                        struct logger *logger, struct status *status, struct inbox *inbox,
                        struct err *err)
{
    struct admin *admin = calloc(1, sizeof *admin);
    if (!admin) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    admin->config = config;
    admin->source = source;
    admin->logger = logger;
    admin->status = status;
    admin->inbox = inbox;
    admin->base = event_base_new();
    if (!admin->base) {
        err_set(err, ERR_IO, "event_base_new failed");
        goto fail;
    }
    tune(admin);
    if (make_events(admin, err) != 0 || load_tables(admin, config, err) != 0 ||
        admin_http_open(admin, err) != 0) {
        goto fail;
    }
    on_poll(-1, 0, admin);
    return admin;
fail:
    admin_free(admin);
    return NULL;
}

void admin_free(struct admin *admin)
{
    if (!admin) {
        return;
    }
    struct event *events[] = {admin->terminate, admin->interrupt, admin->hang_up, admin->done,
                              admin->poll,      admin->watch,     admin->deadline};
    if (admin->http) {
        evhttp_free(admin->http);
    }
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        if (events[i]) {
            event_free(events[i]);
        }
    }
    if (admin->base) {
        event_base_free(admin->base);
    }
    snapshot_release(&admin->snapshot);
    free(admin);
}

int admin_run(struct admin *admin)
{
    struct timeval second = {1, 0};
    sigset_t set;
    loop_signals(&set);
    event_add(admin->watch, &second);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    event_base_dispatch(admin->base);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (admin->stuck) {
        return -1;
    }
    if (admin->overdue) {
        logger_event(admin->logger, LEVEL_ERROR, "stop-overdue",
                     "the engine did not finish within shutdown.timeout.ms = %" PRId64
                     "; what was not committed comes again",
                     admin->config->shutdown_timeout_ms);
        return -1;
    }
    return 0;
}
