#!/usr/bin/python3
"""What the brokers refuse to keep: a record of ours stops the daemon with the reason, a rejected message is kept in part."""
import os
import unittest

import harness
import kafka_wire
import kcat


class Output(harness.IntegrationTest):
    partitions = 1

    def topic_of(self, largest_message):
        """A topic that takes nothing larger."""
        name = f"small-{self.run_id}"
        kafka_wire.create_topic(self.bootstrap, name, 1, config={"max.message.bytes": largest_message})
        self.addCleanup(lambda: kafka_wire.delete_topics(self.bootstrap, [name]))
        return name

    def test_output_a_rejected_message_that_is_too_large_is_kept_in_part(self):
        small = self.topic_of(100_000)
        value = os.urandom(300_000).hex().encode()  # does not compress below the limit
        kcat.write_message(self.bootstrap, self.topics["scrobbles"], "user", value, 0)
        self.feed([harness.scrobble_line("user", 1241478537000)])
        daemon = self.outrod(topic_rejected=small).start()
        self.assertEqual(self.await_drained(), 2)
        (record,) = kcat.read_topic(self.bootstrap, small)
        self.assertEqual(record.key, b"user")
        self.assertEqual(record.value, value[:65536])
        self.assertEqual(record.headers["truncated.from"], str(len(value)))
        self.assertEqual(record.headers["source.offset"], "0")
        self.assertEqual(len(self.read("predictions")), 1)
        metrics = self.settled_metrics(daemon, 2)
        self.assertEqual(metrics.total("outro_rejected_truncated_total"), 1)
        kept, taken_back = [metrics.total(f"outro_records_{what}_total") for what in ("acknowledged", "discarded")]
        self.assertEqual(kept + taken_back, metrics.total("outro_records_produced_total"))
        self.assertEqual(daemon.stop(), 0)

    def test_output_a_refused_prediction_stops_the_daemon_with_nothing_committed(self):
        daemon = self.outrod(topic_predictions=self.topic_of(100)).start()
        self.await_ready(daemon)
        self.feed([harness.scrobble_line("user", 1241478537000)])
        event = daemon.wait_event(lambda e: e["event"] == "engine-failed", 30, "reason")
        self.assertIn(f"small-{self.run_id}", event["message"])
        self.assertEqual(daemon.wait_exit(30), 1)
        committed = kafka_wire.committed_offsets(self.bootstrap, self.group, self.topics["scrobbles"], 1)
        self.assertLessEqual(committed[0], 0)


if __name__ == "__main__":
    unittest.main()
