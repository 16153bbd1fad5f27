#include "daemon/inbox.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

int inbox_init(struct inbox *inbox, struct err *err)
{
    memset(inbox, 0, sizeof *inbox);
    inbox->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    inbox->done = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (inbox->bell < 0 || inbox->done < 0) {
        err_errno(err, "eventfd");
        inbox_release(inbox);
        return -1;
    }
    return 0;
}

void tables_free(struct tables *tables)
{
    if (tables) {
        durations_free(tables->durations);
        holidays_free(tables->holidays);
        free(tables);
    }
}

void inbox_release(struct inbox *inbox)
{
    bundle_release(inbox_take_bundle(inbox));
    tables_free(inbox_take_tables(inbox));
    if (inbox->bell >= 0) {
        close(inbox->bell);
    }
    if (inbox->done >= 0) {
        close(inbox->done);
    }
}

void inbox_ring(int fd)
{
    uint64_t one = 1;
    ssize_t written = write(fd, &one, sizeof one);
    (void)written; /* full: it is ringing already */
}

void inbox_answer(int fd)
{
    uint64_t rung;
    ssize_t got = read(fd, &rung, sizeof rung);
    (void)got; /* empty: somebody answered before */
}

void inbox_offer_bundle(struct inbox *inbox, struct bundle *bundle)
{
    bundle_release(atomic_exchange(&inbox->bundle, bundle));
    inbox_ring(inbox->bell);
}

void inbox_offer_tables(struct inbox *inbox, struct tables *tables)
{
    tables_free(atomic_exchange(&inbox->tables, tables));
    inbox_ring(inbox->bell);
}

void inbox_stop(struct inbox *inbox, int64_t deadline_ms)
{
    atomic_store(&inbox->stop_deadline_ms, deadline_ms);
    atomic_store(&inbox->stop, true);
    inbox_ring(inbox->bell);
}

struct bundle *inbox_take_bundle(struct inbox *inbox)
{
    return atomic_exchange(&inbox->bundle, NULL);
}

struct tables *inbox_take_tables(struct inbox *inbox)
{
    return atomic_exchange(&inbox->tables, NULL);
}
