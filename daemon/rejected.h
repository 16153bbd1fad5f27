/* rejected.h - a message that cannot be used, set aside: key and value byte for byte, and why in
 * its headers (schemas/rejected.json): reason, detail, source.topic, source.partition,
 * source.offset. */
#ifndef OUTRO_DAEMON_REJECTED_H
#define OUTRO_DAEMON_REJECTED_H

#include "core/err.h"
#include "daemon/producer.h"
#include "data/scrobble_json.h"

struct rd_kafka_message_s; /* rd_kafka_message_t */

/** Sends message to the rejected topic. @param detail one sentence  @return as producer_send */
int rejected_send(struct producer *producer, const struct rd_kafka_message_s *message,
                  enum reject_reason reason, const char *detail, struct err *err) MUST_CHECK;

#endif
