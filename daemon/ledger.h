/* ledger.h - which produced records are still on their way, so that offsets are committed only
 * behind them. Records are counted in two epochs. Closing an epoch fixes the offsets of that
 * moment; later records count in the other one; when the closed epoch has no record left in flight,
 * its offsets may be committed. State records are counted apart: they are sent when the closed
 * epoch has settled. Acknowledgements may come in any order. Pure, header only, one thread. */
#ifndef OUTRO_DAEMON_LEDGER_H
#define OUTRO_DAEMON_LEDGER_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#define LEDGER_STATE 2 /* instead of an epoch */

struct ledger {
    uint64_t in_flight[3]; /* by epoch; of state */
    unsigned current;      /* epoch that new records count in: 0 or 1 */
    bool closing;          /* the other epoch waits for its last records */
};

/** Counts one record. @return its epoch, to be given back with the acknowledgement */
static inline unsigned ledger_produced(struct ledger *ledger)
{
    ledger->in_flight[ledger->current]++;
    return ledger->current;
}

/** Counts one record of state. @return what it is to be acknowledged with */
static inline unsigned ledger_state_produced(struct ledger *ledger)
{
    ledger->in_flight[LEDGER_STATE]++;
    return LEDGER_STATE;
}

static inline void ledger_acknowledged(struct ledger *ledger, unsigned epoch)
{
    assert(epoch <= LEDGER_STATE && ledger->in_flight[epoch] > 0);
    ledger->in_flight[epoch]--;
}

static inline uint64_t ledger_in_flight(const struct ledger *ledger)
{
    return ledger->in_flight[0] + ledger->in_flight[1] + ledger->in_flight[LEDGER_STATE];
}

/** Closes the current epoch. @return false, and nothing happens, while another one is still closing
 */
static inline bool ledger_close(struct ledger *ledger)
{
    if (ledger->closing) {
        return false;
    }
    ledger->closing = true;
    ledger->current ^= 1;
    return true;
}

/** Whether everything of the closed epoch is acknowledged. */
static inline bool ledger_settled(const struct ledger *ledger)
{
    return ledger->closing && ledger->in_flight[ledger->current ^ 1] == 0;
}

/** Whether every record of state is acknowledged. */
static inline bool ledger_state_settled(const struct ledger *ledger)
{
    return ledger->in_flight[LEDGER_STATE] == 0;
}

/** The closed epoch is committed, or given up: the next one may close. */
static inline void ledger_reopen(struct ledger *ledger)
{
    ledger->closing = false;
}

#endif
