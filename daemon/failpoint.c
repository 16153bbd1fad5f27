#include "daemon/failpoint.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define DELAY_US 1000

/* One place a process: the environment is read at each, which a Debug build can afford.
 * @return whether this is the time; *delay_us is what stands behind the count */
static bool reached(const char *name, long *delay_us)
{
    static atomic_long passed;
    const char *wanted = getenv("OUTRO_FAILPOINT");
    size_t size = strlen(name);
    char *end;
    if (!wanted || strncmp(wanted, name, size) != 0 || wanted[size] != ':') {
        return false;
    }
    long count = strtol(wanted + size + 1, &end, 10);
    *delay_us = *end == ':' ? strtol(end + 1, NULL, 10) : DELAY_US;
    return atomic_fetch_add(&passed, 1) + 1 == count;
}

void failpoint(const char *name)
{
    long delay_us;
    if (reached(name, &delay_us)) {
        _exit(FAILPOINT_STATUS);
    }
}

void failpoint_soon(const char *name)
{
    long delay_us;
    if (reached(name, &delay_us)) {
        struct itimerval once = {.it_value = {delay_us / 1000000, delay_us % 1000000}};
        setitimer(ITIMER_REAL, &once, NULL);
    }
}
