#include "daemon/demo.h"

#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "daemon/clocks.h"
#include "daemon/demo_view.h"
#include "data/log.h"
#include "data/scrobble_json.h"

#define PARTITIONS     4
#define ROWS_PER_S     200 /* what the eye follows */
#define SETS           8
#define SET_BYTES      (PATH_MAX + 64)
#define SCROBBLE_BYTES 65536
#define DRAW_MS        200
#define PLAIN_DRAW_MS  2000

static const char *const topics[] = {"scrobbles", "session-predictions", "sessions",
                                     "scrobbles-rejected", "outro-state"};

struct demo {
    struct log *log;
    uint64_t rows;
    int64_t feed_ms; /* how long feeding takes */
    rd_kafka_t *feeder, *reader;
    char address[128];
    char folder[PATH_MAX]; /* of the sample */
    char set[SETS][SET_BYTES];
    const char *sets[SETS];

    struct status *status;
    struct snapshot snapshot;
    struct view view;
    uint64_t fed;
    int64_t fed_since_ms; /* monotonic; 0 until the daemon is ready */
    _Atomic bool stop;
    bool failed;
    struct err failure;
    pthread_t thread;
};

/* The sample's folder: named by the environment, beside the installed program, or in the build
 * tree. */
static void find_sample(char out[PATH_MAX])
{
    const char *named = getenv("OUTRO_DEMO_DIR");
    char program[PATH_MAX / 2];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (named) {
        snprintf(out, PATH_MAX, "%s", named);
        return;
    }
    program[length > 0 ? length : 0] = '\0';
    snprintf(out, PATH_MAX, "%s/" OUTRO_DEMO_FROM_PROGRAM, dirname(program));
    if (access(out, R_OK) != 0) {
        snprintf(out, PATH_MAX, "%s", OUTRO_DEMO_BUILT);
    }
}

static rd_kafka_t *client(rd_kafka_type_t type, const char *const (*properties)[2], struct err *err)
{
    char reason[256] = "";
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    for (; (*properties)[0]; properties++) {
        if (rd_kafka_conf_set(conf, (*properties)[0], (*properties)[1], reason, sizeof reason) !=
            RD_KAFKA_CONF_OK) {
            err_set(err, ERR_KAFKA, "demo: %s", reason);
            rd_kafka_conf_destroy(conf);
            return NULL;
        }
    }
    rd_kafka_t *rk = rd_kafka_new(type, conf, reason, sizeof reason);
    if (!rk) {
        err_set(err, ERR_KAFKA, "demo: %s", reason);
        rd_kafka_conf_destroy(conf);
    }
    return rk;
}

/* The feeder's own cluster is the one that everybody talks to. */
static int start_broker(struct demo *demo, struct err *err)
{
    static const char *const properties[][2] = {{"client.id", "outro-demo-feeder"},
                                                {"test.mock.num.brokers", "1"},
                                                {"partitioner", "murmur2_random"},
                                                {"linger.ms", "5"},
                                                {"log_level", "3"},
                                                {NULL, NULL}};
    demo->feeder = client(RD_KAFKA_PRODUCER, properties, err);
    if (!demo->feeder) {
        return -1;
    }
    rd_kafka_mock_cluster_t *cluster = rd_kafka_handle_mock_cluster(demo->feeder);
    snprintf(demo->address, sizeof demo->address, "%s", rd_kafka_mock_cluster_bootstraps(cluster));
    for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++) {
        if (rd_kafka_mock_topic_create(cluster, topics[i], PARTITIONS, 1)) {
            return err_set(err, ERR_KAFKA, "demo: cannot make topic %s", topics[i]);
        }
    }
    return 0;
}

/* Reads both outputs from the beginning, without a group. */
static int start_reader(struct demo *demo, struct err *err)
{
    const char *const properties[][2] = {{"client.id", "outro-demo-view"},
                                         {"bootstrap.servers", demo->address},
                                         {"group.id", "outro-demo-view"},
                                         {"enable.auto.commit", "false"},
                                         {"fetch.wait.max.ms", "50"},
                                         {"log_level", "3"},
                                         {NULL, NULL}};
    demo->reader = client(RD_KAFKA_CONSUMER, properties, err);
    if (!demo->reader) {
        return -1;
    }
    rd_kafka_poll_set_consumer(demo->reader);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(2 * PARTITIONS);
    for (int i = 0; i < 2 * PARTITIONS; i++) {
        rd_kafka_topic_partition_list_add(list, topics[1 + i / PARTITIONS], i % PARTITIONS)
            ->offset = 0;
    }
    rd_kafka_resp_err_t code = rd_kafka_assign(demo->reader, list);
    rd_kafka_topic_partition_list_destroy(list);
    return code ? err_set(err, ERR_KAFKA, "demo: %s", rd_kafka_err2str(code)) : 0;
}

static int open_log(struct demo *demo, const struct demo_options *options, struct err *err)
{
    char sample[PATH_MAX + 16];
    struct log_options how = {.order = LOG_BY_TIME};
    snprintf(sample, sizeof sample, "%s/sample.tsv", demo->folder);
    demo->log = log_open(options->log_path ? options->log_path : sample, &how, err);
    if (!demo->log) {
        return -1;
    }
    demo->rows = log_counts(demo->log).rows;
    demo->feed_ms =
        options->seconds ? options->seconds * 1000 : (int64_t)(demo->rows * 1000 / ROWS_PER_S);
    return 0;
}

static void make_sets(struct demo *demo)
{
    size_t i = 0;
    snprintf(demo->set[i++], SET_BYTES, "kafka.bootstrap.servers=%s", demo->address);
    snprintf(demo->set[i++], SET_BYTES, "kafka.group.id=outro-demo");
    snprintf(demo->set[i++], SET_BYTES, "bundle.path=%s/bundle", demo->folder);
    snprintf(demo->set[i++], SET_BYTES, "admin.listen=127.0.0.1:0");
    snprintf(demo->set[i++], SET_BYTES, "commit.interval.ms=200");
    /* the in-process broker takes transactions, but does not keep their offsets */
    snprintf(demo->set[i++], SET_BYTES, "delivery=at-least-once");
    snprintf(demo->set[i++], SET_BYTES, "log.level=warn");
    /* the in-process broker is too old to be told not to */
    snprintf(demo->set[i++], SET_BYTES, "kafka.allow.auto.create.topics=true");
    for (i = 0; i < SETS; i++) {
        demo->sets[i] = demo->set[i];
    }
}

struct demo *demo_new(const struct demo_options *options, struct err *err)
{
    struct demo *demo = calloc(1, sizeof *demo);
    if (!demo) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    find_sample(demo->folder);
    if (open_log(demo, options, err) != 0 || start_broker(demo, err) != 0 ||
        start_reader(demo, err) != 0) {
        demo_free(demo);
        return NULL;
    }
    make_sets(demo);
    return demo;
}

void demo_free(struct demo *demo)
{
    if (!demo) {
        return;
    }
    if (demo->reader) {
        rd_kafka_destroy_flags(demo->reader, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    }
    if (demo->feeder) {
        rd_kafka_purge(demo->feeder, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_destroy(demo->feeder); /* the broker goes with it */
    }
    log_free(demo->log);
    snapshot_release(&demo->snapshot);
    free(demo);
}

const char *const *demo_sets(const struct demo *demo, size_t *count)
{
    *count = SETS;
    return demo->sets;
}

static int feed_one(struct demo *demo, char *json, struct err *err)
{
    struct scrobble scrobble;
    int got = log_next(demo->log, &scrobble, err);
    if (got < 0) {
        return -1;
    }
    if (got == 0) {
        demo->rows = demo->fed; /* shorter than it looked */
        return 0;
    }
    size_t size = scrobble_to_json(&scrobble, json, SCROBBLE_BYTES);
    if (size == (size_t)-1) {
        return err_set(err, ERR_INPUT, "demo: a scrobble of more than %d bytes", SCROBBLE_BYTES);
    }
    rd_kafka_resp_err_t code = rd_kafka_producev(
        demo->feeder, RD_KAFKA_V_TOPIC(topics[0]), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_KEY((void *)(uintptr_t)scrobble.user_id.data, scrobble.user_id.size),
        RD_KAFKA_V_VALUE(json, size), RD_KAFKA_V_END);
    if (code) {
        return err_set(err, ERR_KAFKA, "demo: feeding: %s", rd_kafka_err2str(code));
    }
    demo->fed++;
    return 0;
}

/* As many as the clock says. */
static int feed(struct demo *demo, char *json, struct err *err)
{
    if (!demo->fed_since_ms) {
        demo->fed_since_ms =
            demo->snapshot.assigned && demo->snapshot.metrics.partitions ? monotonic_ms() : 0;
        return 0;
    }
    double part = demo->feed_ms > 0
                      ? (double)(monotonic_ms() - demo->fed_since_ms) / (double)demo->feed_ms
                      : 1;
    uint64_t due = part >= 1 ? demo->rows : (uint64_t)((double)demo->rows * part);
    while (demo->fed < due) {
        if (feed_one(demo, json, err) != 0) {
            return -1;
        }
    }
    return 0;
}

static void show(struct demo *demo)
{
    int wait_ms = 50;
    rd_kafka_message_t *message;
    while (!atomic_load(&demo->stop) && (message = rd_kafka_consumer_poll(demo->reader, wait_ms))) {
        if (!message->err) {
            bool prediction = strcmp(rd_kafka_topic_name(message->rkt), topics[1]) == 0;
            (prediction ? view_prediction : view_session)(&demo->view, message->payload,
                                                          message->len);
        }
        rd_kafka_message_destroy(message);
        wait_ms = 0;
    }
    view_settle(&demo->view);
}

static struct view_frame frame_of(const struct demo *demo)
{
    struct winsize size = {0}; /* asked each time: windows are resized */
    if (demo->view.live && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) {
        size = (struct winsize){0};
    }
    return (struct view_frame){.address = demo->address,
                               .fed = demo->fed,
                               .total = demo->rows,
                               .open_sessions = demo->snapshot.metrics.open_sessions,
                               .columns = size.ws_col,
                               .rows = size.ws_row};
}

/* Everything fed, worked on, acknowledged and shown. */
static bool complete(const struct demo *demo)
{
    const struct metrics *metrics = &demo->snapshot.metrics;
    return demo->fed_since_ms && demo->fed == demo->rows && metrics->consumed >= demo->fed &&
           metrics->in_flight == 0 && demo->view.predictions >= metrics->predictions &&
           demo->view.sessions >= metrics->sessions_closed + metrics->sessions_revised &&
           demo->view.waiting_count == 0;
}

static void *run(void *ctx)
{
    struct demo *demo = ctx;
    char *json = malloc(SCROBBLE_BYTES);
    int64_t drawn_ms = 0;
    int rc = json ? 0 : err_set(&demo->failure, ERR_MEMORY, "out of memory");
    while (rc == 0 && !atomic_load(&demo->stop) && !complete(demo)) {
        status_read(demo->status, &demo->snapshot);
        rc = feed(demo, json, &demo->failure);
        rd_kafka_poll(demo->feeder, 0);
        show(demo);
        if (monotonic_ms() - drawn_ms >= (demo->view.live ? DRAW_MS : PLAIN_DRAW_MS)) {
            struct view_frame frame = frame_of(demo);
            drawn_ms = monotonic_ms();
            view_draw(&demo->view, &frame);
        }
    }
    demo->failed = rc != 0;
    free(json);
    if (!atomic_load(&demo->stop)) {
        kill(getpid(), SIGTERM); /* ends the daemon as an operator would */
    }
    return NULL;
}

int demo_start(struct demo *demo, struct status *status, struct err *err)
{
    demo->status = status;
    if (!isatty(STDOUT_FILENO)) {
        printf("outro demo: broker %s (look in: kcat -b %s -C -t %s)\n", demo->address,
               demo->address, topics[1]);
    }
    view_init(&demo->view, stdout, isatty(STDOUT_FILENO));
    int code = pthread_create(&demo->thread, NULL, run, demo);
    return code == 0 ? 0 : err_set(err, ERR_IO, "demo: cannot start a thread: %s", strerror(code));
}

int demo_join(struct demo *demo, struct err *err)
{
    atomic_store(&demo->stop, true);
    pthread_join(demo->thread, NULL);
    struct view_frame frame = frame_of(demo);
    view_end(&demo->view, &frame);
    if (demo->failed) {
        *err = demo->failure;
        return -1;
    }
    return 0;
}
