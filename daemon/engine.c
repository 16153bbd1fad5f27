#include "daemon/engine.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/clocks.h"
#include "daemon/engine_parts.h"
#include "daemon/failpoint.h"
#include "daemon/topics.h"

/* Micro-batch of the nets: large enough for the matrix products of each of many clusters, small
   enough for the cache. */
#define PIPELINE_ROWS 512
/* How often its counters are published while there is work. */
#define PUBLISH_MS 100
/* What is left of a stop's time when snapshots are given up. */
#define SNAPSHOT_MARGIN_MS 1000

struct stream_params engine_params(const struct config *config)
{
    struct stream_params params = STREAM_PARAMS_DEFAULTS;
    params.gap_ms = config->session_gap_s * 1000;
    params.allowed_lateness_ms = config->session_allowed_lateness_ms;
    params.cluster_min_sessions = (uint32_t)config->cluster_min_sessions;
    params.cluster_recheck_sessions = (uint32_t)config->cluster_recheck_sessions;
    params.ttl_ms = config->state_ttl_days * INT64_C(86400000);
    return params;
}

void engine_fail(struct engine *engine, const struct err *err)
{
    if (!engine->failed) {
        engine->failed = true;
        engine->failure = *err;
        logger_event(engine->logger, LEVEL_ERROR, "engine-failed", "%s", err->text);
    }
    if (engine->base) {
        event_base_loopbreak(engine->base);
    }
}

void engine_flush(struct engine *engine)
{
    struct err err = {0};
    if (!engine->failed && pipeline_flush(engine->pipeline, &err) != 0) {
        engine_fail(engine, &err);
    }
}

static void soon(struct event *event)
{
    struct timeval now = {0, 0};
    evtimer_add(event, &now);
}

/* Input stops while too much is on its way, resumes at half of that. Paused partitions keep us in
 * the group when it lasts. */
static void watch_water(struct engine *engine)
{
    uint64_t in_flight = ledger_in_flight(&engine->ledger);
    if (!engine->stalled && in_flight > producer_high_water(engine->producer)) {
        engine->stalled = true;
        engine->snapshot.metrics.stalls++;
    } else if (engine->stalled && in_flight <= producer_low_water(engine->producer)) {
        engine->stalled = false;
        if (engine->paused) {
            engine->paused = false;
            consumer_pause(engine->consumer, false);
            logger_event(engine->logger, LEVEL_INFO, "resumed", "output gets through again");
        }
        soon(engine->again);
    }
}

static void after_acknowledgements(struct engine *engine)
{
    const struct err *refused = producer_failure(engine->producer);
    if (refused) {
        engine_fail(engine, refused);
        return;
    }
    if (engine->exactly_once) {
        engine_txn_check(engine);
    } else {
        engine_commit_settled(engine);
    }
    watch_water(engine);
}

static void turn(struct engine *engine)
{
    if (engine->failed || (engine->stalled && !engine->paused)) {
        return;
    }
    bool drained = engine_take_batch(engine);
    if (drained) {
        engine_flush(engine); /* nothing to wait for: what waits goes out now */
    }
    producer_poll(engine->producer, 0);
    after_acknowledgements(engine);
    if (!drained && !engine->stalled) {
        soon(engine->again); /* the bell rings for an empty queue only */
    }
    if (monotonic_ms() - engine->published_ms >= PUBLISH_MS) {
        engine_publish(engine);
    }
}

static void on_messages(evutil_socket_t fd, short what, void *ctx)
{
    (void)what;
    inbox_answer(fd);
    turn(ctx);
}

static void on_again(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    turn(ctx);
}

static void on_acknowledgements(evutil_socket_t fd, short what, void *ctx)
{
    struct engine *engine = ctx;
    (void)what;
    inbox_answer(fd);
    producer_poll(engine->producer, 0);
    after_acknowledgements(engine);
}

static void on_restored(evutil_socket_t fd, short what, void *ctx)
{
    struct engine *engine = ctx;
    (void)what;
    inbox_answer(fd);
    engine_install_restored(engine);
    engine_publish(engine);
    soon(engine->again); /* what was held back has rung already */
}

/* Joins the group as soon as there is a bundle, the side inputs are read, and brokers take
 * transactions. */
static void join(struct engine *engine)
{
    struct err err = {0};
    if (engine->failed || !engine->snapshot.bundle_version[0] || !engine->side_whole ||
        consumer_subscribed(engine->consumer) ||
        (engine->exactly_once && !engine_txn_open(engine))) {
        return;
    }
    watch_begin(&engine->inbox->watch, "topics_check");
    int rc = topics_check(engine->config, engine->logger, &err);
    watch_end(&engine->inbox->watch);
    if (rc != 0 || consumer_subscribe(engine->consumer, &err) != 0) {
        engine_fail(engine, &err);
    }
}

static void on_sides(evutil_socket_t fd, short what, void *ctx)
{
    struct engine *engine = ctx;
    bool whole = engine->side_whole;
    (void)what;
    inbox_answer(fd);
    engine_take_side_inputs(engine);
    if (!whole && engine->side_whole) {
        join(engine);
        engine_publish(engine);
    }
}

static void take_bundle(struct engine *engine, struct bundle *bundle)
{
    struct err err = {0};
    if (pipeline_set_bundle(engine->pipeline, bundle, &err) != 0) {
        engine_fail(engine, &err);
    } else {
        failpoint("mid-bundle-swap");
        memcpy(engine->snapshot.bundle_version, bundle->version, sizeof bundle->version);
        engine->snapshot.metrics.bundle_swaps++;
        logger_event(engine->logger, LEVEL_INFO, "bundle-serving", "bundle %s", bundle->version);
    }
    bundle_release(bundle);
    join(engine);
    engine_publish(engine);
}

/* Into the engine's hands; what they replace goes out with the wrapper. */
static void take_tables(struct engine *engine, struct tables *tables)
{
    struct err err = {0};
    struct tables old = {.holidays = engine->holidays};
    if (pipeline_set_holidays(engine->pipeline, tables->holidays, &err) != 0) {
        tables_free(tables);
        engine_fail(engine, &err);
        return;
    }
    engine->holidays = tables->holidays;
    if (!*engine->config->topic_track_durations) {
        old.durations = engine->durations;
        engine->intake.durations = engine->durations = tables->durations;
    }
    *tables = old;
    tables_free(tables);
}

static void on_mail(evutil_socket_t fd, short what, void *ctx)
{
    struct engine *engine = ctx;
    (void)what;
    inbox_answer(fd);
    struct tables *tables = inbox_take_tables(engine->inbox);
    if (tables) {
        take_tables(engine, tables);
    }
    struct bundle *bundle = inbox_take_bundle(engine->inbox);
    if (bundle) {
        take_bundle(engine, bundle);
    }
    if (atomic_load(&engine->inbox->stop)) {
        event_base_loopbreak(engine->base);
    }
}

/* Every second anew while it lasts: partitions that arrived meanwhile are not paused yet. */
static void pause_input(struct engine *engine)
{
    if (!engine->paused) {
        logger_event(engine->logger, LEVEL_WARN, "paused",
                     "input is paused: %" PRIu64 " records wait for the brokers",
                     ledger_in_flight(&engine->ledger));
    }
    engine->paused = true;
    consumer_pause(engine->consumer, true);
}

/* Once a second whatever happens: a consumer that is only polled when it rings is put out of its
 * group. */
static void on_second(evutil_socket_t fd, short what, void *ctx)
{
    struct engine *engine = ctx;
    (void)fd;
    (void)what;
    if (engine->stalled) {
        pause_input(engine);
    }
    join(engine);
    turn(engine);
    engine_advance_idle(engine);
    engine_flush(engine);
    engine_evict(engine);
    for (size_t i = 0; i < engine->partitions.slots; i++) {
        if (engine->partitions.slot[i].store) {
            engine->partitions.slot[i].end_offset =
                consumer_end_offset(engine->consumer, (int32_t)i);
        }
    }
    engine_publish(engine);
}

static void on_commit_timer(evutil_socket_t fd, short what, void *ctx)
{
    struct engine *engine = ctx;
    int64_t interval_ms = atomic_load(&engine->inbox->tuning.commit_interval_ms);
    struct timeval interval = {interval_ms / 1000, interval_ms % 1000 * 1000};
    (void)fd;
    (void)what;
    engine_commit_begin(engine);
    evtimer_add(engine->commit, &interval);
}

static int make_events(struct engine *engine, struct err *err)
{
    const short bell = EV_READ | EV_PERSIST;
    engine->base = event_base_new();
    if (!engine->base) {
        return err_set(err, ERR_IO, "event_base_new failed");
    }
    struct {
        struct event **event;
        int fd;
        short what;
        event_callback_fn call;
    } table[] = {{&engine->messages, engine->consumer_bell, bell, on_messages},
                 {&engine->acknowledgements, engine->producer_bell, bell, on_acknowledgements},
                 {&engine->mail, engine->inbox->bell, bell, on_mail},
                 {&engine->restored, engine->restorer_bell, bell, on_restored},
                 {&engine->sides, engine->side_bell, bell, on_sides},
                 {&engine->second, -1, EV_PERSIST, on_second},
                 {&engine->commit, -1, 0, on_commit_timer},
                 {&engine->again, -1, 0, on_again}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        *table[i].event =
            event_new(engine->base, table[i].fd, table[i].what, table[i].call, engine);
        if (!*table[i].event) {
            return err_set(err, ERR_MEMORY, "out of memory");
        }
    }
    return 0;
}

static int make_parts(struct engine *engine, const struct config *config, struct err *err)
{
    struct pipeline_sink sink = engine_sink(engine);
    struct consumer_owner owner = engine_owner(engine);
    struct metrics *metrics = &engine->snapshot.metrics;
    engine->consumer_bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    engine->producer_bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    engine->restorer_bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    engine->side_bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (engine->consumer_bell < 0 || engine->producer_bell < 0 || engine->restorer_bell < 0 ||
        engine->side_bell < 0) {
        return err_errno(err, "eventfd");
    }
    engine->intake.scratch = scrobble_scratch_new();
    if (!engine->intake.scratch) {
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    engine->pipeline = pipeline_new(&engine->params, &sink, PIPELINE_ROWS, err);
    if (!engine->pipeline) {
        return -1;
    }
    engine->producer = producer_new(config, &engine->ledger, metrics, engine->logger,
                                    &engine->inbox->watch, engine->producer_bell, err);
    if (!engine->producer) {
        return -1;
    }
    engine->restorer =
        restorer_new(config, &engine->params, engine->logger, engine->restorer_bell, err);
    if (!engine->restorer) {
        return -1;
    }
    engine->saver = *config->state_dir ? snapshot_saver_new(config, engine->logger, err) : NULL;
    if (*config->state_dir && !engine->saver) {
        return -1;
    }
    if (engine_open_side_inputs(engine, err) != 0) {
        return -1;
    }
    engine->consumer =
        consumer_new(config, &owner, metrics, engine->logger, engine->consumer_bell, err);
    return engine->consumer ? make_events(engine, err) : -1;
}

struct engine *engine_new(const struct config *config, struct logger *logger, struct status *status,
                          struct inbox *inbox, struct err *err)
{
    struct engine *engine = calloc(1, sizeof *engine);
    if (!engine) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    engine->logger = logger;
    engine->status = status;
    engine->inbox = inbox;
    engine->config = config;
    engine->params = engine_params(config);
    engine->batch_messages = (size_t)config->batch_messages;
    engine->exactly_once = config->delivery == DELIVERY_EXACTLY_ONCE;
    engine->txn_messages_max = (uint64_t)config->commit_max_messages;
    engine->txn_bytes_max = (uint64_t)config->commit_max_bytes;
    engine->consumer_bell = engine->producer_bell = engine->restorer_bell = engine->side_bell = -1;
    if (make_parts(engine, config, err) != 0) {
        engine_free(engine);
        return NULL;
    }
    engine_publish(engine);
    return engine;
}

/* Leaves the group and drops what is queued: the clients are gone afterwards, so that nothing calls
 * back any more. */
static void close_clients(struct engine *engine)
{
    int64_t stop_deadline_ms = atomic_load(&engine->inbox->stop_deadline_ms);
    consumer_close(engine->consumer);
    engine->consumer = NULL;
    restorer_free(engine->restorer);
    engine->restorer = NULL;
    /* what left with the consumer is written before we go, if there is time */
    snapshot_saver_free(engine->saver, stop_deadline_ms - SNAPSHOT_MARGIN_MS);
    engine->saver = NULL;
    side_inputs_free(engine->side);
    engine->side = NULL;
    producer_free(engine->producer);
    engine->producer = NULL;
}

void engine_free(struct engine *engine)
{
    if (!engine) {
        return;
    }
    struct event *events[] = {
        engine->messages, engine->acknowledgements, engine->mail,   engine->restored,
        engine->sides,    engine->second,           engine->commit, engine->again};
    close_clients(engine);
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        if (events[i]) {
            event_free(events[i]);
        }
    }
    if (engine->base) {
        event_base_free(engine->base);
    }
    if (engine->consumer_bell >= 0) {
        close(engine->consumer_bell);
    }
    if (engine->producer_bell >= 0) {
        close(engine->producer_bell);
    }
    if (engine->restorer_bell >= 0) {
        close(engine->restorer_bell);
    }
    if (engine->side_bell >= 0) {
        close(engine->side_bell);
    }
    pipeline_free(engine->pipeline);
    partition_set_release(&engine->partitions);
    scrobble_scratch_free(engine->intake.scratch);
    durations_free(engine->durations);
    holidays_free(engine->holidays);
    key_table_free(engine->profiles);
    snapshot_release(&engine->snapshot);
    free(engine->offset);
    free(engine->value);
    backlog_release(&engine->backlog);
    free(engine);
}

/* What was taken is finished and committed, the rest is left to the next. */
static void finish(struct engine *engine)
{
    int64_t deadline_ms = atomic_load(&engine->inbox->stop_deadline_ms);
    struct err err = {0};
    engine->snapshot.stopping = true;
    engine_publish(engine);
    if (!engine->failed && engine->partitions.live > 0 &&
        engine_commit_all(engine, deadline_ms, &err) != 0) {
        engine_fail(engine, &err);
    }
    if (engine->failed) {
        engine_txn_leave(engine);
    }
    engine_publish(engine);
    close_clients(engine);
}

static void *run(void *ctx)
{
    struct engine *engine = ctx;
    struct timeval second = {1, 0};
    event_add(engine->messages, NULL);
    event_add(engine->acknowledgements, NULL);
    event_add(engine->mail, NULL);
    event_add(engine->restored, NULL);
    event_add(engine->sides, NULL);
    event_add(engine->second, &second);
    on_commit_timer(-1, 0, engine);
    event_base_dispatch(engine->base);
    finish(engine);
    inbox_ring(engine->inbox->done);
    return NULL;
}

int engine_start(struct engine *engine, struct err *err)
{
    int code = pthread_create(&engine->thread, NULL, run, engine);
    if (code != 0) {
        return err_set(err, ERR_IO, "cannot start the engine's thread: %s", strerror(code));
    }
    pthread_setname_np(engine->thread, "engine");
    return 0;
}

int engine_join(struct engine *engine, struct err *err)
{
    pthread_join(engine->thread, NULL);
    if (engine->failed) {
        *err = engine->failure;
        return -1;
    }
    return 0;
}
