#include "daemon/service.h"

#include <inttypes.h>

#include <librdkafka/rdkafka.h>

#include "daemon/admin.h"
#include "daemon/engine.h"
#include "daemon/kafka_conf.h"

static void log_summary(struct logger *logger, struct status *status)
{
    struct snapshot last = {0};
    status_read(status, &last);
    const struct metrics *metrics = &last.metrics;
    logger_event(logger, LEVEL_INFO, "summary",
                 "consumed %" PRIu64 ": %" PRIu64 " in sessions, %" PRIu64 " duplicates, %" PRIu64
                 " late, %" PRIu64 " rejected; %" PRIu64 " predictions, %" PRIu64
                 " sessions closed, %" PRIu64 " records produced, %" PRIu64 " acknowledged",
                 metrics->consumed, metrics->outcome_session, metrics->outcome_duplicate,
                 metrics->outcome_late, metrics->outcome_rejected, metrics->predictions,
                 metrics->sessions_closed, metrics->produced, metrics->acknowledged);
    snapshot_release(&last);
}

static int run(struct engine *engine, struct admin *admin, struct logger *logger,
               struct status *status, struct err *err)
{
    if (engine_start(engine, err) != 0) {
        return -1;
    }
    if (admin_run(admin) != 0) {
        err_set(err, ERR_CANCELLED, "stopping took too long");
        return SERVICE_STUCK;
    }
    int rc = engine_join(engine, err);
    log_summary(logger, status);
    logger_event(logger, rc == 0 ? LEVEL_INFO : LEVEL_ERROR, "stopped", "%s",
                 rc == 0 ? "everything taken is committed" : err->text);
    return rc;
}

int service_run(struct config *config, const struct config_source *source, struct logger *logger,
                struct status *status, struct err *err)
{
    struct inbox inbox;
    struct engine *engine = NULL;
    struct admin *admin = NULL;
    int rc = -1;
    if (kafka_version_check(rd_kafka_version(), err) != 0 || inbox_init(&inbox, err) != 0) {
        return -1;
    }
    logger_event(logger, LEVEL_INFO, "starting", "outrod %s, librdkafka %s, delivery %s",
                 OUTRO_VERSION, rd_kafka_version_str(),
                 config->delivery == DELIVERY_EXACTLY_ONCE ? "exactly once" : "at least once");
    engine = engine_new(config, logger, status, &inbox, err);
    if (!engine) {
        goto out;
    }
    admin = admin_new(config, source, logger, status, &inbox, err);
    if (!admin) {
        goto out;
    }
    rc = run(engine, admin, logger, status, err);
    if (rc == SERVICE_STUCK) {
        return rc;
    }
out:
    admin_free(admin);
    engine_free(engine);
    inbox_release(&inbox);
    return rc;
}
