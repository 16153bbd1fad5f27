#!/usr/bin/python3
"""state.ttl.days: who was silent for so long is forgotten, in memory and in the changelog; nobody else is."""
import json
import subprocess
import unittest

import harness
import kafka_wire

DAY_MS = 86_400_000
START_MS = 1_241_478_000_000


class Ttl(harness.IntegrationTest):
    partitions = 1

    def run_days(self, delivery):
        """One user of the first day, one of every day; ten days of stream time under a limit of three."""
        daemon = self.outrod(delivery=delivery, state_ttl_days=3).start()
        self.await_ready(daemon)
        lines = [harness.scrobble_line("silent", START_MS), harness.scrobble_line("silent", START_MS + DAY_MS // 2)]
        lines += [harness.scrobble_line("faithful", START_MS + day * DAY_MS) for day in range(10)]
        self.feed(lines)
        kafka_wire.eventually(lambda: daemon.metrics().total("outro_users_evicted_total") == 1, 60, "one is forgotten")
        kafka_wire.eventually(lambda: self.last_of("o:silent") is None, 60, "a tombstone is read")
        self.assertIsNone(self.last_of("h:silent"))
        self.assertTrue(self.last_of("o:faithful"))
        self.assertEqual(daemon.metrics().total("outro_users"), 1)
        self.assertEqual(daemon.stop(), 0)
        daemon.start()
        self.await_ready(daemon)
        kafka_wire.eventually(lambda: daemon.metrics().total("outro_users") == 1, 60, "the faithful one is restored")
        self.feed([harness.scrobble_line(user, START_MS + 10 * DAY_MS) for user in ("silent", "faithful")])
        self.await_drained()
        self.assertEqual(daemon.stop(), 0)
        last = {p["user_id"]: p for p in (json.loads(record.value) for record in self.read("predictions"))}
        self.assertEqual(last["silent"]["session"], 1)  # somebody new
        self.assertEqual(last["faithful"]["session"], 11)
        return daemon

    def last_of(self, key):
        """The value of the last record with that key; fails when there is none."""
        values = [record.value for record in self.read("state") if record.key == key.encode()]
        self.assertNotEqual(values, [], key)
        return values[-1] or None

    def test_the_silent_are_forgotten_exactly_once(self):
        daemon = self.run_days("exactly-once")
        audit = subprocess.run([harness.OUTROD, "audit", "-c", daemon.config_file], stdin=subprocess.DEVNULL,
                               capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(audit.returncode, 0, audit.stdout + audit.stderr)

    def test_the_silent_are_forgotten_at_least_once(self):
        self.run_days("at-least-once")


if __name__ == "__main__":
    unittest.main()
