#!/usr/bin/python3
"""Ends of the daemon, in order and by force. At least once: nothing is missing; after SIGTERM nothing comes twice."""
import unittest

import harness
import kafka_wire
import parity


class StopRestart(harness.IntegrationTest):
    def test_sigterm_and_restart_lose_nothing_and_repeat_nothing(self):
        lines = harness.prepared_lines()
        daemon, consumed, stops = self.outrod(), 0, 4
        feeder = self.feeder()
        for turn in range(stops):
            daemon.start()
            self.await_ready(daemon)
            feeder.write(lines[turn * len(lines) // stops:(turn + 1) * len(lines) // stops])
            wanted = (turn + 1) * len(lines) // stops // 2
            kafka_wire.eventually(lambda: self.predicted() >= wanted, 60, f"{wanted} predictions")
            self.assertEqual(daemon.stop(), 0)
            consumed = self.check_committed_is_predicted()
        feeder.close()
        daemon.start()
        self.assertEqual(self.await_drained(), len(lines))
        self.assertEqual(daemon.stop(), 0)
        self.assertLessEqual(consumed, len(lines))
        self.assertEqual(harness.prediction_ids(self.read("predictions")), harness.scrobble_ids(lines))
        self.assertEqual(self.read("rejected"), [])

    def predicted(self):
        return sum(kafka_wire.end_offsets(self.bootstrap, self.topics["predictions"]).values())

    def check_committed_is_predicted(self):
        """After an orderly end the committed offsets count exactly what was published. @return that count"""
        at = kafka_wire.committed_offsets(self.bootstrap, self.group, self.topics["scrobbles"], self.partitions)
        count = sum(max(0, offset) for offset in at.values())
        self.assertEqual(len(self.read("predictions")), count)
        return count

    def test_kill_and_restart_miss_nothing(self):
        lines = harness.prepared_lines()
        half = len(lines) // 2
        # The group waits this long for the dead one before its partitions are given out again.
        daemon = self.outrod(kafka_session_timeout_ms=3000, kafka_heartbeat_interval_ms=500).start()
        self.await_ready(daemon)
        feeder = self.feeder()
        feeder.write(lines[:half])
        kafka_wire.eventually(lambda: self.predicted() >= half // 4, 60, "a quarter is predicted")
        daemon.kill()
        feeder.write(lines[half:])
        feeder.close()
        daemon.start()
        self.await_drained()
        self.assertEqual(daemon.stop(), 0)
        wanted, got = harness.scrobble_ids(lines), harness.prediction_ids(self.read("predictions"))
        self.assertEqual(set(got), set(wanted))

    def test_sigterm_and_restart_state_goes_on_at_least_once(self):
        """An orderly end in the middle cuts no session: together the two lives give what one replay gives."""
        lines = harness.prepared_lines()
        lines += parity.closers(lines)
        half = len(lines) // 2
        daemon = self.outrod(delivery="at-least-once").start()
        self.await_ready(daemon)
        self.feed(lines[:half])
        self.await_drained()
        self.assertEqual(daemon.stop(), 0)
        self.feed(lines[half:])
        daemon.start()
        self.await_drained()
        self.assertEqual(daemon.metrics().total("outro_restored_partitions_total"), self.partitions)
        self.assertEqual(daemon.stop(), 0)
        predictions, sessions = parity.replay(lines, self.folder, harness.PREPARED / "bundle-a", self.partitions)
        live = parity.by_user(record.value for record in self.read("predictions"))
        self.assertEqual(parity.differences(live, predictions), [])
        self.assertEqual(parity.without_closers([record.value for record in self.read("sessions")]),
                         parity.without_closers(sessions))

    def test_an_end_without_a_broker_is_an_end_all_the_same(self):
        """SIGTERM while no broker answers: the process ends within its deadline, and says that it could not finish."""
        daemon = self.outrod(kafka_bootstrap_servers="127.0.0.1:1", shutdown_timeout_ms=3000).start()
        self.assertEqual(daemon.get("/ready")[0], 503)
        self.assertIn(daemon.stop(), (0, 1))


if __name__ == "__main__":
    unittest.main()
