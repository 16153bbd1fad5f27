#!/usr/bin/python3
"""Snapshots in state.dir: a restart reads only what the changelog got since; one that cannot be used costs a warning.
Whatever is restored from, the two lives give what one replay gives, and the audit is clean."""
import subprocess
import unittest

import harness
import kafka_wire
import parity


class Snapshot(harness.IntegrationTest):
    def setUp(self):
        super().setUp()
        self.dir = self.folder / "state"
        self.dir.mkdir()
        self.lines = harness.prepared_lines()
        self.lines += parity.closers(self.lines)

    def life(self, daemon, lines):
        """A start, lines and a clean stop. @return the records that the start read from the changelog"""
        daemon.start()
        self.await_ready(daemon)
        self.feed(lines)
        self.await_drained()
        records = daemon.metrics().total("outro_restored_records_total")
        self.assertEqual(daemon.stop(), 0)
        return records

    def events(self, daemon, name):
        return [event for event in daemon.events if event["event"] == name]

    def snapshots(self):
        return sorted(self.dir.glob("*.snapshot"))

    def changelog_records(self):
        return len(self.read("state"))

    def check_all(self, daemon):
        predictions, sessions = parity.replay(self.lines, self.folder, harness.PREPARED / "bundle-a", self.partitions)
        live = parity.by_user(record.value for record in self.read("predictions"))
        self.assertEqual(parity.differences(live, predictions), [])
        self.assertEqual(parity.without_closers([record.value for record in self.read("sessions")]),
                         parity.without_closers(sessions))
        done = subprocess.run([harness.OUTROD, "audit", "-c", daemon.config_file], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_a_clean_restart_reads_nothing_and_one_after_a_kill_the_tail(self):
        third = len(self.lines) // 3
        daemon = self.outrod(state_dir=self.dir, kafka_session_timeout_ms=3000, kafka_heartbeat_interval_ms=500)
        self.assertEqual(self.life(daemon, self.lines[:third]), 0)
        self.assertEqual(len(self.snapshots()), self.partitions)
        before = self.changelog_records()
        self.assertGreater(before, 0)
        daemon.start()
        self.await_ready(daemon)
        self.assertEqual(daemon.metrics().total("outro_restored_partitions_total"), self.partitions)
        self.assertEqual(daemon.metrics().total("outro_restored_records_total"), 0)
        self.feed(self.lines[third:2 * third])
        self.await_drained()
        daemon.kill()
        tail = self.life(daemon, self.lines[2 * third:])
        self.assertGreater(tail, 0)
        self.assertLess(tail, self.changelog_records() - before + 1)
        self.assertEqual(self.events(daemon, "snapshot-ignored"), [])
        self.assertEqual(list(self.dir.glob("*.snapshot.*")), [])
        self.check_all(daemon)

    def test_what_cannot_be_used_is_said_and_the_changelog_is_read(self):
        half = len(self.lines) // 2
        daemon = self.outrod(state_dir=self.dir)
        self.life(daemon, self.lines[:half])
        files = self.snapshots()
        self.assertEqual(len(files), self.partitions)
        whole = [path.read_bytes() for path in files]
        files[0].write_bytes(whole[0][:-100])
        files[1].write_bytes(whole[1][:300] + bytes([whole[1][300] ^ 4]) + whole[1][301:])
        files[2].write_bytes(whole[0])
        records = self.life(daemon, self.lines[half:])
        ignored = self.events(daemon, "snapshot-ignored")
        self.assertEqual(len(ignored), 3, ignored)
        self.assertTrue(all(event["level"] == "warn" for event in ignored))
        for path, reason in zip(files, ("cut off or damaged", str(files[1]), "of another cluster")):
            self.assertTrue(any(str(path) in e["message"] and reason in e["message"] for e in ignored), ignored)
        self.assertGreater(records, 0)
        self.check_all(daemon)

    def test_a_snapshot_stands_in_for_no_changelog(self):
        """The topic was emptied: what this host remembers of before is nothing, and the refusal is that without it."""
        daemon = self.outrod(state_dir=self.dir)
        self.life(daemon, self.lines[:len(self.lines) // 2])
        kafka_wire.delete_topics(self.bootstrap, [self.topics["state"]])
        kafka_wire.create_topic(self.bootstrap, self.topics["state"], self.partitions,
                                config={"cleanup.policy": "compact"})
        daemon.start()
        self.assertEqual(daemon.wait_exit(60), 1)
        ignored = self.events(daemon, "snapshot-ignored")
        self.assertTrue(ignored and all("of the changelog, which has 0 to 0" in e["message"] for e in ignored), ignored)
        self.assertIn("has no state for it", daemon.log_tail())

    def test_a_directory_that_cannot_be_written_is_said_and_nothing_else_happens(self):
        half = len(self.lines) // 2
        daemon = self.outrod(state_dir=self.folder / "not there")
        self.life(daemon, self.lines[:half])
        self.assertEqual(len(self.events(daemon, "snapshot-failed")), self.partitions)
        self.assertGreater(self.life(daemon, self.lines[half:]), 0)
        self.check_all(daemon)


if __name__ == "__main__":
    unittest.main()
