#!/usr/bin/python3
"""What the daemon really publishes is what schemas/ promises, by a validator that is not ours."""
import json
import subprocess
import sys
import unittest

import harness
import parity


class Contracts(harness.IntegrationTest):
    def validate(self, **records):
        """Each NAME=[one JSON object as bytes, ...] against schemas/NAME.json."""
        arguments = []
        for name, values in records.items():
            path = self.folder / f"{name}.ndjson"
            path.write_bytes(b"".join(value + b"\n" for value in values))
            arguments += [name, str(path)]
        done = subprocess.run([sys.executable, "-B", str(harness.HERE / "validate_schemas.py"), *arguments],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_contracts_hold_for_what_is_published(self):
        good = harness.prepared_lines()[:4000]
        good += parity.closers(good)
        bad = [b"user\tno json", b"somebody\t" + good[0].split(b"\t")[1], b"user\t{}",
               harness.scrobble_line("user", -5), harness.scrobble_line("user", 1)]
        self.outrod().start()
        self.feed(good + bad)
        self.await_drained()
        predictions, sessions, rejected = (self.read(role) for role in ("predictions", "sessions", "rejected"))
        self.assertEqual(len(predictions), len(good) + 1)  # the one of 1970 is late to nothing: its user is new
        self.assertGreater(len(sessions), 100)
        self.assertEqual(len(rejected), len(bad) - 1)
        self.validate(prediction=[r.value for r in predictions], session=[r.value for r in sessions],
                      rejected=[json.dumps(r.headers).encode() for r in rejected],
                      scrobble=[line.split(b"\t", 1)[1] for line in good])
        for record in predictions + sessions:
            self.assertEqual(record.key.decode(), json.loads(record.value)["user_id"])
            self.assertEqual(record.partition, harness.partition_of(record.key))


if __name__ == "__main__":
    unittest.main()
