#!/usr/bin/python3
"""Snapshots in state.dir: a restart reads only what the changelog got since; one that cannot be used costs a warning.
Whatever is restored from, the two lives give what one replay gives, and the audit is clean."""
import struct
import subprocess
import unittest

import harness
import kafka_wire
import parity

DAY_MS = 86_400_000
START_MS = 1_241_478_000_000


def crc32c(data):
    """Castagnoli's, bit by bit: schemas/state.md."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


class SnapshotTest(harness.IntegrationTest):
    """Daemons on one state.dir."""

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

    def counted(self, daemon, result):
        return daemon.metrics().total("outro_snapshots_total", result=result)

    def restart(self, daemon):
        """Until every partition is restored."""
        daemon.start()
        kafka_wire.eventually(
            lambda: daemon.metrics().total("outro_restored_partitions_total") == self.partitions, 60, "all restored")

    def audit(self, daemon):
        done = subprocess.run([harness.OUTROD, "audit", "-c", daemon.config_file], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)

    def check_all(self, daemon):
        predictions, sessions = parity.replay(self.lines, self.folder, harness.PREPARED / "bundle-a", self.partitions)
        live = parity.by_user(record.value for record in self.read("predictions"))
        self.assertEqual(parity.differences(live, predictions), [])
        self.assertEqual(parity.without_closers([record.value for record in self.read("sessions")]),
                         parity.without_closers(sessions))
        self.audit(daemon)


class Snapshot(SnapshotTest):
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
        self.assertEqual(self.counted(daemon, "used"), self.partitions)
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

    def test_at_least_once_reads_only_the_tail(self):
        daemon = self.outrod(state_dir=self.dir, delivery="at-least-once")
        self.life(daemon, self.lines[:4000])
        self.restart(daemon)
        self.assertEqual(self.counted(daemon, "used"), self.partitions)
        self.assertEqual(daemon.metrics().total("outro_restored_records_total"), 0)
        self.assertEqual(daemon.stop(), 0)

    def test_one_of_before_another_instance_went_on(self):
        daemon = self.outrod(state_dir=self.dir)
        self.life(daemon, self.lines[:3000])
        self.life(self.outrod("elsewhere"), self.lines[3000:6000])
        self.restart(daemon)
        self.assertEqual(self.counted(daemon, "used"), self.partitions)
        self.assertGreater(daemon.metrics().total("outro_restored_records_total"), 0)
        self.feed(self.lines[6000:])
        self.await_drained()
        self.assertEqual(daemon.stop(), 0)
        self.check_all(daemon)

    def test_partitions_that_move_are_written_while_the_daemon_runs(self):
        first, second = (self.outrod(name, state_dir=self.dir) for name in ("first", "second"))
        self.life(first, self.lines[:2000])
        self.restart(first)
        second.start()
        kafka_wire.eventually(lambda: self.counted(first, "written") >= 1, 60, "one is written")
        self.await_ready(first, second)
        self.feed(self.lines[2000:])
        self.await_drained()
        self.assertEqual((first.stop(), second.stop()), (0, 0))
        self.assertEqual(self.events(first, "snapshot-ignored") + self.events(second, "snapshot-ignored"), [])
        self.check_all(first)

    def rewrite(self, path, **changes):
        """The head of a snapshot with other numbers, its checksum right."""
        data = bytearray(path.read_bytes())
        for name, change in changes.items():
            at = {"changelog_end": 16, "written_ms": 24, "input_offset": 32}[name]
            data[at:at + 8] = struct.pack("<q", struct.unpack_from("<q", data, at)[0] + change)
        end = 48
        for _ in range(3):
            end += 1 + data[end]
        data[end:end + 4] = struct.pack("<I", crc32c(data[:end]))
        path.write_bytes(data)

    def test_one_that_is_not_of_this_log_or_moment_is_ignored(self):
        """Older than records it covers, as when the topic was made anew; older than tombstones; a state of its own."""
        half = len(self.lines) // 2
        daemon = self.outrod(state_dir=self.dir)
        self.life(daemon, self.lines[:half])
        files = self.snapshots()
        self.rewrite(files[0], written_ms=-3_600_000)
        self.rewrite(files[1], written_ms=3_600_000)
        self.rewrite(files[2], input_offset=-1)
        self.restart(daemon)
        self.assertEqual((self.counted(daemon, "used"), self.counted(daemon, "ignored")), (0, 3))
        said = "\n".join(event["message"] for event in self.events(daemon, "snapshot-ignored"))
        for partition, reason in enumerate(("which it covers, is younger than it", "keeps tombstones for 86400 s",
                                            "somebody has changed one of them")):
            self.assertRegex(said, f"partition {partition}: .*{reason}")
        self.feed(self.lines[half:])
        self.await_drained()
        self.assertEqual(daemon.stop(), 0)
        self.check_all(daemon)


class TombstonesInTheTail(SnapshotTest):
    partitions = 1

    def test_who_was_forgotten_since_is_not_brought_back(self):
        daemon = self.outrod(state_dir=self.dir, state_ttl_days=3, kafka_session_timeout_ms=6000,
                             kafka_heartbeat_interval_ms=500)
        self.life(daemon, [harness.scrobble_line("silent", START_MS), harness.scrobble_line("faithful", START_MS)])
        self.restart(daemon)
        self.assertEqual(daemon.metrics().total("outro_users"), 2)
        self.feed([harness.scrobble_line("faithful", START_MS + day * DAY_MS) for day in range(1, 10)])
        kafka_wire.eventually(lambda: any(r.key == b"o:silent" and not r.value for r in self.read("state")), 60,
                              "a tombstone is read")
        daemon.kill()
        self.restart(daemon)
        self.assertEqual(self.counted(daemon, "used"), 1)
        self.assertEqual(daemon.metrics().total("outro_users"), 1)
        self.assertEqual(daemon.stop(), 0)
        self.audit(daemon)


if __name__ == "__main__":
    unittest.main()
