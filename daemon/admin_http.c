#include "daemon/admin_parts.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <librdkafka/rdkafka.h>

#include "daemon/clocks.h"

/* An engine that has not published for so long is stuck: it does so every second, and while it
 * waits for a full queue it may pause for as long as a broker restart takes. */
#define BEAT_MAX_MS INT64_C(120000)

static void answer(struct evhttp_request *request, int code, const char *type, const char *text,
                   size_t size)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    struct evbuffer *body = evbuffer_new();
    if (!body) {
        evhttp_send_error(request, HTTP_INTERNAL, NULL);
        return;
    }
    evbuffer_add(body, text, size);
    evhttp_add_header(headers, "Content-Type", type);
    evhttp_add_header(headers, "Cache-Control", "no-store");
    evhttp_send_reply(request, code, NULL, body);
    evbuffer_free(body);
}

static void answer_text(struct evhttp_request *request, int code, const char *text)
{
    answer(request, code, "text/plain; charset=utf-8", text, strlen(text));
}

static void on_live(struct evhttp_request *request, void *ctx)
{
    struct admin *admin = ctx;
    admin->metrics.requests++;
    status_read(admin->status, &admin->snapshot);
    const char *doing;
    bool waits =
        watch_waited_ms(&admin->inbox->watch, &doing) > admin->config->watchdog_timeout_ms / 2;
    bool stuck = waits || monotonic_ms() - admin->snapshot.beat_ms > BEAT_MAX_MS;
    answer_text(request, stuck ? HTTP_SERVUNAVAIL : HTTP_OK,
                stuck ? "the engine does not answer\n" : "alive\n");
}

static const char *restoring(struct admin *admin)
{
    const struct restore_progress *progress = &admin->snapshot.restoring;
    snprintf(admin->text, sizeof admin->text,
             "restoring state: %zu partitions to go, %" PRId64 " of %" PRId64
             " changelog offsets read%s\n",
             progress->partitions, progress->read, progress->all,
             progress->stalled ? ", waiting for an open transaction of another writer" : "");
    return admin->text;
}

static const char *reading_side_inputs(struct admin *admin)
{
    const struct side_progress *side = &admin->snapshot.side;
    snprintf(admin->text, sizeof admin->text,
             "reading side inputs: %" PRId64 " of %" PRId64 " offsets read\n", side->read,
             side->all);
    return admin->text;
}

/* Why it is not ready; NULL when it is. */
static const char *unready(struct admin *admin)
{
    const struct snapshot *snapshot = &admin->snapshot;
    return admin->stopping || snapshot->stopping ? "stopping\n"
           : !snapshot->bundle_version[0]        ? "no bundle is loaded yet\n"
           : snapshot->side.reading              ? reading_side_inputs(admin)
           : !snapshot->assigned                 ? "no partitions are assigned yet\n"
           : snapshot->restoring.partitions      ? restoring(admin)
                                                 : NULL;
}

static void on_ready(struct evhttp_request *request, void *ctx)
{
    struct admin *admin = ctx;
    admin->metrics.requests++;
    status_read(admin->status, &admin->snapshot);
    const char *reason = unready(admin);
    answer_text(request, reason ? HTTP_SERVUNAVAIL : HTTP_OK, reason ? reason : "ready\n");
}

/* What comes from topics is known to the engine. */
static void note_followed(struct admin *admin)
{
    const struct side_progress *side = &admin->snapshot.side;
    if (*admin->config->topic_track_durations) {
        admin->metrics.durations = side->known[SIDE_DURATIONS];
    }
    if (*admin->config->topic_profiles) {
        admin->metrics.profiles = side->known[SIDE_PROFILES];
    }
}

static void on_metrics(struct evhttp_request *request, void *ctx)
{
    struct admin *admin = ctx;
    char *text = NULL;
    size_t size = 0;
    admin->metrics.requests++;
    status_read(admin->status, &admin->snapshot);
    note_followed(admin);
    FILE *out = open_memstream(&text, &size);
    if (!out) {
        evhttp_send_error(request, HTTP_INTERNAL, NULL);
        return;
    }
    metrics_print(&admin->snapshot.metrics, out);
    partition_metrics_print(admin->snapshot.partition, admin->snapshot.partitions, out);
    admin_metrics_print(&admin->metrics, out);
    version_metrics_print(admin->snapshot.bundle_version, rd_kafka_version_str(), out);
    fprintf(out,
            "# HELP outro_ready 1 when /ready answers 200\n# TYPE outro_ready gauge\n"
            "outro_ready %d\n",
            unready(admin) == NULL);
    process_metrics_print(out);
    fclose(out);
    answer(request, HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", text, size);
    free(text);
}

static void on_other(struct evhttp_request *request, void *ctx)
{
    struct admin *admin = ctx;
    admin->metrics.requests++;
    answer_text(request, HTTP_NOTFOUND, "there are /live, /ready and /metrics\n");
}

static void log_address(struct admin *admin, struct evhttp_bound_socket *bound)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    char host[INET6_ADDRSTRLEN] = "?";
    uint16_t port = 0;
    getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address, &size);
    if (address.ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)&address;
        inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
        port = ntohs(v4->sin_port);
    } else if (address.ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)&address;
        inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
        port = ntohs(v6->sin6_port);
    }
    logger_event(admin->logger, LEVEL_INFO, "admin-listening",
                 address.ss_family == AF_INET6 ? "http://[%s]:%" PRIu16 : "http://%s:%" PRIu16,
                 host, port);
}

int admin_http_open(struct admin *admin, struct err *err)
{
    char host[256];
    uint16_t port;
    if (config_listen(admin->config->admin_listen, host, &port, err) != 0) {
        return -1;
    }
    admin->http = evhttp_new(admin->base);
    if (!admin->http) {
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    evhttp_set_allowed_methods(admin->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
    evhttp_set_max_headers_size(admin->http, 16384);
    evhttp_set_max_body_size(admin->http, 4096);
    evhttp_set_timeout(admin->http, 10);
    evhttp_set_cb(admin->http, "/live", on_live, admin);
    evhttp_set_cb(admin->http, "/ready", on_ready, admin);
    evhttp_set_cb(admin->http, "/metrics", on_metrics, admin);
    evhttp_set_gencb(admin->http, on_other, admin);
    struct evhttp_bound_socket *bound = evhttp_bind_socket_with_handle(admin->http, host, port);
    if (!bound) {
        return err_errno(err, "cannot listen on admin.listen = %s", admin->config->admin_listen);
    }
    log_address(admin, bound);
    return 0;
}
