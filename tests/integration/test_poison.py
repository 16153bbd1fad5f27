#!/usr/bin/python3
"""Messages that cannot be used: each is set aside as it came, with its reason and source, and the stream goes on."""
import json
import time
import unittest

import harness
import kcat

DAY_MS = 86400 * 1000
GOOD_MS = 1241478537000


def scrobble(**fields):
    record = {"user_id": "user", "timestamp": GOOD_MS, "artist": "an artist", "track": "a track"}
    record.update(fields)
    return json.dumps({k: v for k, v in record.items() if v is not None}, separators=(",", ":")).encode()


def nested(depth):
    return scrobble().replace(b'"a track"', b'"a track","more":' + b"[" * depth + b"]" * depth)


# (what it is, key, value, reason)
CASES = [
    ("text that is no JSON", "user", b"not json at all", "not-json"),
    ("JSON cut short", "user", scrobble()[:40], "not-json"),
    ("JSON that is no object", "user", b"[1,2,3]", "not-json"),
    ("two objects", "user", scrobble() + scrobble(), "not-json"),
    ("a UTF-8 sequence cut short", "user", scrobble().replace(b"an artist", b"Beyonc\xc3"), "not-utf8"),
    ("bytes that are never UTF-8", "user", b"\xff\xfe\x01\x02", "not-utf8"),
    ("a raw NUL", "user", scrobble().replace(b"an artist", b"an\0artist"), "not-json"),
    ("an escaped NUL", "user", scrobble().replace(b"an artist", b"an\\u0000artist"), "bad-field"),
    ("a lone surrogate", "user", scrobble().replace(b"an artist", b"\\ud800"), "not-json"),
    ("a null value", "user", None, "null-value"),
    ("no key, though the body names a user", None, scrobble(), "null-key"),
    ("neither key nor body names a user", None, scrobble(user_id=None), "null-key"),
    ("another user's key", "somebody", scrobble(), "key-mismatch"),
    ("no timestamp", "user", scrobble(timestamp=None), "missing-field"),
    ("no artist", "user", scrobble(artist=None), "missing-field"),
    ("an empty artist", "user", scrobble(artist=""), "bad-field"),
    ("a timestamp that is text", "user", scrobble(timestamp="yesterday"), "bad-field"),
    ("a number that fits nothing", "user", scrobble().replace(str(GOOD_MS).encode(), b"1" + b"0" * 400), "bad-field"),
    ("a negative time", "user", scrobble(timestamp=-1), "time-out-of-range"),
    ("a time in the next century", "user", scrobble(timestamp=4133980800000), "time-out-of-range"),
    ("a time in the future", "user", scrobble(timestamp=int(time.time() * 1000) + 30 * DAY_MS), "time-in-future"),
    ("an artist of a megabyte less a bit", "user", scrobble(artist="x" * 900_000), "too-large"),
    ("nesting past all use", "user", nested(20_000), "too-large"),
]


class Poison(harness.IntegrationTest):
    partitions = 1

    def test_poison_is_set_aside_and_the_stream_goes_on(self):
        daemon = self.outrod().start()
        for number, (_, key, value, _) in enumerate(CASES):
            kcat.write_message(self.bootstrap, self.topics["scrobbles"], key, value, 0)
            self.feed([harness.scrobble_line("honest", GOOD_MS + number * 60_000)])
        self.assertEqual(self.await_drained(), 2 * len(CASES))

        rejected = {int(record.headers["source.offset"]): record for record in self.read("rejected")}
        self.assertEqual(sorted(rejected), [2 * number for number in range(len(CASES))])
        for number, (what, key, value, reason) in enumerate(CASES):
            with self.subTest(what):
                record = rejected[2 * number]
                self.assertEqual(record.key, key.encode() if key is not None else None)
                self.assertEqual(record.value, value)
                self.assertEqual(record.headers["reason"], reason)
                self.assertTrue(record.headers["detail"])
                self.assertEqual(record.headers["source.topic"], self.topics["scrobbles"])
                self.assertEqual(record.headers["source.partition"], "0")

        predicted = harness.prediction_ids(self.read("predictions"))
        self.assertEqual(sorted(t for _, t in predicted), [GOOD_MS + n * 60_000 for n in range(len(CASES))])
        metrics = self.settled_metrics(daemon, 2 * len(CASES))
        self.assertEqual(metrics.total("outro_outcomes_total", outcome="rejected"), len(CASES))
        self.assertEqual(metrics.total("outro_outcomes_total", outcome="session"), len(CASES))
        for reason in {case[3] for case in CASES}:
            self.assertEqual(metrics.total("outro_rejected_total", reason=reason),
                             sum(1 for case in CASES if case[3] == reason), reason)
        self.assertEqual(daemon.stop(), 0)

    def test_one_clock_that_is_wrong_makes_nobody_late(self):
        ahead = int(time.time() * 1000) + DAY_MS
        self.outrod().start()
        self.feed([harness.scrobble_line("wrong", ahead)] + [harness.scrobble_line("honest", GOOD_MS)])
        self.await_drained()
        self.assertEqual(list(harness.prediction_ids(self.read("predictions"))), [("honest", GOOD_MS)])
        self.assertEqual([r.headers["reason"] for r in self.read("rejected")], ["time-in-future"])

    def test_what_comes_too_late_is_set_aside_with_its_bytes(self):
        late = harness.scrobble_line("user", GOOD_MS - 40 * DAY_MS)
        daemon = self.outrod().start()
        self.feed([harness.scrobble_line("user", GOOD_MS), late])
        self.await_drained()
        (record,) = self.read("rejected")
        self.assertEqual(record.headers["reason"], "late")
        self.assertEqual(record.key + b"\t" + record.value, late)
        self.assertEqual(self.settled_metrics(daemon, 2).total("outro_outcomes_total", outcome="late"), 1)

    def test_the_same_scrobble_twice_is_counted_and_dropped(self):
        line = harness.scrobble_line("user", GOOD_MS)
        daemon = self.outrod().start()
        self.feed([line, line])
        self.await_drained()
        self.assertEqual(len(self.read("predictions")), 1)
        self.assertEqual(self.read("rejected"), [])
        self.assertEqual(self.settled_metrics(daemon, 2).total("outro_outcomes_total", outcome="duplicate"), 1)


if __name__ == "__main__":
    unittest.main()
