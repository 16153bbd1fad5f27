/* Lines of a crawl's journal, as they stand and with the checksum that they should have: what is
 * read is within its bounds, and is the same when it is written and read again. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/crc32c.h"
#include "crawl/record.h"
#include "data/durations.h"
#include "data/scrobble_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_record(const struct record *record)
{
    static char first[RECORD_LINE_MAX], second[RECORD_LINE_MAX];
    struct record again;
    assert(record->artist.size > 0 && record->artist.size <= SCROBBLE_TEXT_MAX);
    assert(record->track.size > 0 && record->track.size <= SCROBBLE_TEXT_MAX);
    assert(record->facts.duration_ms <= DURATION_MAX_MS);
    assert((record->kind == RECORD_FAILED) == (record->reason.size > 0));
    size_t size = record_encode(record, first);
    assert(size <= sizeof first);
    bool read = record_decode((struct slice){first, size - 1}, &again);
    assert(read && again.kind == record->kind);
    size_t size_again = record_encode(&again, second);
    assert(size_again == size && memcmp(first, second, size) == 0);
    record_release(&again);
}

static void decode(const char *line, size_t size)
{
    struct record record;
    if (record_decode((struct slice){line, size}, &record)) {
        check_record(&record);
        record_release(&record);
    } else {
        assert(!record.document);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { HEAD_BYTES = 9 };
    char *line = malloc(size + HEAD_BYTES + 1);
    char *alone = malloc(size ? size : 1); /* of its size, so that a byte too far is seen */
    assert(line && alone);
    if (size > 0)
        memcpy(alone, data, size);
    decode(alone, size);
    snprintf(line, HEAD_BYTES + 1, "%08x ", (unsigned)crc32c(alone, size, 0));
    memcpy(line + HEAD_BYTES, alone, size);
    decode(line, size + HEAD_BYTES);
    free(alone);
    free(line);
    return 0;
}
