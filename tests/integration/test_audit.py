#!/usr/bin/python3
"""`outrod audit`: clean after a run, and after each way of damaging a topic it names topic, partition and offset."""
import json
import re
import subprocess
import time
import unittest

import harness
import kafka_wire
import kcat

DAY_MS = 86400 * 1000


def mixed_lines():
    """A piece of the prepared log with everything in it that does not end in order."""
    lines = harness.prepared_lines()[:4000]
    mixed = []
    for number, line in enumerate(lines):
        mixed.append(line)
        if number % 401 == 400:
            mixed.append(line)  # the same once more
            mixed.append(lines[number - 30])  # and one that was long ago
        if number % 997 == 996:
            key, value = line.split(b"\t", 1)
            old = json.loads(value)
            old["timestamp"] -= 40 * DAY_MS
            mixed.append(key + b"\t" + json.dumps(old).encode())  # too late
            mixed.append(key + b"\tno json")
            old["timestamp"] = int(time.time() * 1000) + 30 * DAY_MS
            mixed.append(key + b"\t" + json.dumps(old).encode())  # ahead of the clock
    return mixed


def write_copy(bootstrap, topic, partitions, records):
    """Writes records into a new topic, each in the partition it has, in the order they have."""
    kafka_wire.create_topic(bootstrap, topic, partitions)
    runs = []
    for record in records:
        options = ["-p", str(record.partition)]
        for name, value in record.headers.items():
            options += ["-H", f"{name}={value}"]
        if runs and runs[-1][0] == options:
            runs[-1][1].append(record)
        else:
            runs.append((options, [record]))
    for options, run in runs:
        text = b"".join(record.key + b"\t" + record.value + b"\n" for record in run)
        subprocess.run(["kcat", "-b", bootstrap, "-P", "-t", topic, "-K", "\t", "-X", "enable.idempotence=true", *options],
                       input=text, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=60, check=True)


def places(records):
    """The offset that each of records has once write_copy has written them."""
    found, ends = [], {}
    for record in records:
        found.append(ends.setdefault(record.partition, 0))
        ends[record.partition] += 1
    return found


def without(records, at):
    return records[:at] + records[at + 1:]


def doubled(records, at):
    return records[:at + 1] + records[at:]


def swapped(records, at, other):
    found = list(records)
    found[at], found[other] = found[other], found[at]
    return found


def changed(records, at, old, new):
    value = re.sub(old, new, records[at].value)
    return records[:at] + [records[at]._replace(value=value)] + records[at + 1:]


def two_of_a_user(records):
    """Where a user's record is, somewhere in the middle, and where the user's next one is."""
    for at in range(len(records) // 3, len(records)):
        for later in range(at + 1, len(records)):
            if records[at].key == records[later].key and records[at].partition == records[later].partition:
                return at, later
    raise AssertionError("nobody has two records")


class Audit(harness.IntegrationTest):
    def audit(self, daemon, *settings, **topics):
        """(exit status, what it printed) of an audit by daemon's configuration, with other settings and topics."""
        sets = [f"--set={setting}" for setting in settings]
        sets += [f"--set=topic.{role}={name}" for role, name in topics.items()]
        done = subprocess.run([harness.OUTROD, "audit", "-c", daemon.config_file, *sets], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=120, check=False)
        return done.returncode, done.stdout + done.stderr

    def await_written(self, predictions):
        """Until so many predictions are written, committed or not."""
        kafka_wire.eventually(
            lambda: sum(kafka_wire.end_offsets(self.bootstrap, self.topics["predictions"]).values()) >= predictions, 60,
            f"{predictions} predictions")

    def totals(self, text):
        names = re.search(r"^partition +(.*)$", text, re.M).group(1).split()
        values = re.search(r"^total +(.*)$", text, re.M).group(1).split()
        return dict(zip(names, map(int, values)))

    def run_through(self, lines):
        daemon = self.outrod().start()
        self.feed(lines)
        total = self.await_drained()
        metrics = self.settled_metrics(daemon, total)
        self.assertEqual(daemon.stop(), 0)
        return daemon, metrics

    def test_audit_a_clean_run_is_clean_and_each_damage_is_named(self):
        daemon, metrics = self.run_through(mixed_lines())
        status, text = self.audit(daemon)
        self.assertEqual(status, 0, text)
        self.assertRegex(text, r"(?m)^open transactions: 0$")
        totals = self.totals(text)
        for column, outcome in (("sessions", "session"), ("duplicates", "duplicate"), ("late", "late"),
                                ("rejected", "rejected")):
            self.assertEqual(totals[column], metrics.total("outro_outcomes_total", outcome=outcome), column)
            self.assertGreater(totals[column], 0, column)
        self.assertEqual(totals["inputs"], metrics.total("outro_scrobbles_consumed_total"))
        self.assertEqual([totals[c] for c in ("lost", "doubled", "disorder", "orphaned", "differing")], [0] * 5)
        self.check_damages(daemon)

    def check_damages(self, daemon):
        predictions, sessions, rejected = (self.read(role) for role in ("predictions", "sessions", "rejected"))
        (p, p_next), (s, s_next), r = two_of_a_user(predictions), two_of_a_user(sessions), len(rejected) // 2
        last = max(i for i, record in enumerate(predictions) if record.key == predictions[p].key)
        source = f"{self.topics['scrobbles']} partition {rejected[r].headers['source.partition']} " \
                 f"offset {rejected[r].headers['source.offset']}: lost"
        lost = self.topics["scrobbles"] + r" partition \d+ offset \d+: lost: "
        cases = [
            # what, role, its records, column, how many, where (an index of the records: that record's place)
            ("a prediction is missing", "predictions", without(predictions, p), "lost", 1, lost + "prediction of user "),
            ("a user's last prediction is missing", "predictions", without(predictions, last), "lost", 1, lost),
            ("a prediction is there twice", "predictions", doubled(predictions, p), "doubled", 1, p + 1),
            ("two predictions changed places", "predictions", swapped(predictions, p, p_next), "disorder", 1, p),
            ("a prediction says another time", "predictions", changed(predictions, p, b'"timestamp":1', b'"timestamp":2'),
             "differing", 1, p),
            ("a prediction of nobody", "predictions", changed(predictions, p, b"^.*$", b'{"hello":1}'),
             "orphaned", 1, p),
            ("a session is missing", "sessions", without(sessions, s), "lost", 1, lost + "session of user "),
            ("a session is there twice", "sessions", doubled(sessions, s), "doubled", 1, s + 1),
            ("two sessions changed places", "sessions", swapped(sessions, s, s_next), "disorder", 1, s),
            ("a session counts one more", "sessions", changed(sessions, s, rb'"scrobbles":\d+', b'"scrobbles":7777'),
             "differing", 1, s),
            ("a rejected record is missing", "rejected", without(rejected, r), "lost", 1, source),
            ("a rejected record is there twice", "rejected", doubled(rejected, r), "doubled", 1, r + 1),
            ("a rejected record has other bytes", "rejected", changed(rejected, r, b"^", b" "), "differing", 1, r),
        ]
        for number, (what, role, records, column, count, where) in enumerate(cases):
            with self.subTest(what):
                copy = self.topics[what] = f"{self.topics[role]}-{number}"
                write_copy(self.bootstrap, copy, self.partitions, records)
                if isinstance(where, int):
                    where = re.escape(f"{copy} partition {records[where].partition} offset {places(records)[where]}: ")
                status, text = self.audit(daemon, **{role: copy})
                self.assertEqual(status, 1, text)
                self.assertRegex(text, where)
                self.assertEqual(self.totals(text)[column], count, text)
                self.assertTrue(text.endswith("wrong\n"), text)

    def test_audit_a_running_system_is_audited_up_to_what_is_committed(self):
        lines = harness.prepared_lines()
        daemon = self.outrod().start()
        self.await_ready(daemon)
        feeder = self.feeder()
        for begin in range(0, 10000, 2500):
            feeder.write(lines[begin:begin + 2500])
            status, text = self.audit(daemon)
            self.assertEqual(status, 0, text)
        feeder.close()
        inputs = self.await_drained()
        status, text = self.audit(daemon)
        self.assertEqual((status, self.totals(text)["inputs"]), (0, inputs), text)
        self.assertEqual(daemon.stop(), 0)

    def test_audit_exactly_once_is_clean_between_kills_and_after(self):
        lines = mixed_lines()
        daemon = self.outrod(delivery="exactly-once", transaction_timeout_ms=3000, kafka_session_timeout_ms=3000,
                             kafka_heartbeat_interval_ms=500)
        for turn in range(2):
            daemon.start()
            self.feed(lines[turn::2])
            self.await_written((turn + 1) * len(lines) // 4)
            daemon.kill()
            status, text = self.audit(daemon)
            self.assertEqual(status, 0, text)
        daemon.start()
        self.await_drained()
        self.assertEqual(daemon.stop(), 0)
        status, text = self.audit(daemon)
        self.assertEqual((status, self.totals(text)["inputs"]), (0, len(lines)), text)
        rows = re.findall(r"(?m)^\d .* (\d+) +(\d+)$", text)
        self.assertEqual([committed for committed, _ in rows], [meta for _, meta in rows], text)

        empty = self.topics["empty"] = f"empty-{self.run_id}"
        kafka_wire.create_topic(self.bootstrap, empty, self.partitions, config={"cleanup.policy": "compact"})
        status, text = self.audit(daemon, state=empty)
        self.assertEqual(status, 1, text)
        self.assertRegex(text, rf"{empty} partition 0: the meta record stands at input offset -1")

    def test_audit_users_who_were_forgotten_and_came_back_are_no_fault(self):
        day, first = 86400 * 1000, 1241478537000
        gone, other, *_ = (u for u in (f"user_{n}" for n in range(50)) if harness.partition_of(u.encode()) == 0)
        daemon = self.outrod(delivery="exactly-once", state_ttl_days=2).start()
        self.feed([harness.scrobble_line(gone, first), harness.scrobble_line(other, first + 5 * day)])
        kafka_wire.eventually(lambda: daemon.metrics().total("outro_users_evicted_total") == 1, 60, "somebody is forgotten")
        self.feed([harness.scrobble_line(gone, first + 5 * day + minute * 60000) for minute in range(5)])
        self.await_drained()
        self.assertEqual(daemon.stop(), 0)
        sessions = [json.loads(record.value)["session"] for record in self.read("predictions")
                    if record.key.decode() == gone]
        self.assertEqual(sessions, [1] * 6)  # two lives
        status, text = self.audit(daemon)
        self.assertEqual(status, 0, text)
        self.assertIn("users back after state.ttl.days, not compared: 1\n", text)
        # and whoever may not be forgotten is still held to it
        status, text = self.audit(daemon, "state.ttl.days=0")
        self.assertEqual(status, 1, text)

    def test_audit_state_that_lost_a_record_is_named(self):
        daemon = self.outrod(delivery="exactly-once").start()
        for minute in range(3):
            self.feed([harness.scrobble_line(user, 1241478537000 + 60000 * minute) for user in ("ann", "bob")])
            self.await_drained()  # a transaction of its own for each
        self.assertEqual(daemon.stop(), 0)
        status, text = self.audit(daemon)
        self.assertEqual(status, 0, text)
        self.assertIn("users whose state was compared: 2\n", text)

        records = self.read("state")
        last = max(i for i, record in enumerate(records) if record.key == b"o:ann")
        for what, at, says in (("stale", last, "the open part differs of user ann"),
                               ("gone", None, "nothing is known of user ann")):
            with self.subTest(what):
                copy = self.topics[what] = f"{what}-{self.run_id}"
                kafka_wire.create_topic(self.bootstrap, copy, self.partitions, config={"cleanup.policy": "compact"})
                kept = [record for i, record in enumerate(records)
                        if (i != at if at is not None else record.key != b"o:ann")]
                for record in kept:
                    kcat.write_message(self.bootstrap, copy, record.key.decode(), record.value, record.partition)
                status, text = self.audit(daemon, state=copy)
                self.assertEqual(status, 1, text)
                self.assertRegex(text, rf"{copy} partition {records[last].partition}: {says}")

    def test_audit_a_transaction_that_does_not_end_is_named(self):
        daemon = self.outrod(delivery="exactly-once", transaction_timeout_ms=60000, commit_interval_ms=20000).start()
        self.feed(harness.prepared_lines()[:100])
        self.await_written(100)
        daemon.kill()
        status, text = self.audit(daemon, "transaction.timeout.ms=3000", "commit.interval.ms=1000")
        self.assertEqual(status, 1, text)
        self.assertRegex(text, rf"{self.topics['predictions']} partition \d offset 0: a transaction is open")
        self.assertNotIn("open transactions: 0", text)

    def test_audit_sessions_that_the_clock_closed_are_right(self):
        daemon = self.outrod(bundle_path=harness.PREPARED / "bundle-brisk", session_gap_s=2,
                             time_idle_advance_ms=300).start()
        lines = [harness.scrobble_line(f"user_{user}", 1241478537000 + 1000 * second)
                 for second in range(5) for user in range(20)]
        follower = self.follow("sessions")
        self.feed(lines)
        follower.wait(lambda records: len(records) >= 20, 60, "every session closed")
        # within the gap of what was closed: goes on with it, which is then published again
        self.feed([harness.scrobble_line(f"user_{user}", 1241478537000 + 6000) for user in range(20)])
        follower.wait(lambda records: len(records) >= 40, 60, "every session closed again")
        self.await_drained()
        self.assertEqual(daemon.stop(), 0)
        status, text = self.audit(daemon)
        self.assertEqual(status, 0, text)


if __name__ == "__main__":
    unittest.main()
