#include "daemon/rejected.h"

#include <inttypes.h>

#include <librdkafka/rdkafka.h>

int rejected_send(struct producer *producer, const struct rd_kafka_message_s *message,
                  enum reject_reason reason, const char *detail, struct err *err)
{
    char partition[16], offset[24];
    snprintf(partition, sizeof partition, "%" PRId32, message->partition);
    snprintf(offset, sizeof offset, "%" PRId64, message->offset);
    const struct {
        const char *name, *value;
    } header[] = {{"reason", reject_reason_name(reason)},
                  {"detail", detail},
                  {"source.topic", rd_kafka_topic_name(message->rkt)},
                  {"source.partition", partition},
                  {"source.offset", offset}};
    size_t count = sizeof header / sizeof header[0];
    rd_kafka_headers_t *headers = rd_kafka_headers_new(count + 1);
    for (size_t i = 0; i < count; i++) {
        if (rd_kafka_header_add(headers, header[i].name, -1, header[i].value, -1) !=
            RD_KAFKA_RESP_ERR_NO_ERROR) {
            rd_kafka_headers_destroy(headers);
            return err_set(err, ERR_MEMORY, "out of memory");
        }
    }
    return producer_send_headers(producer, TOPIC_REJECTED, message->key, message->key_len,
                                 message->payload, message->len, headers, err);
}
