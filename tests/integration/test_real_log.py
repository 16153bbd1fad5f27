#!/usr/bin/python3
"""The real histories, all of them: every scrobble ends somewhere, and exactly where the replay says."""
import os
import subprocess
import sys
import unittest
from pathlib import Path

import harness
import parity

LOG = Path(os.environ.get("OUTRO_DATA", "")) / "scrobbles.tsv.gz"
ROWS = 920_490


class RealLog(harness.IntegrationTest):
    def test_real_log_gives_what_its_replay_gives(self):
        done = subprocess.run([harness.OUTRO, "events", "--quiet", str(LOG)], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, check=True)
        lines = done.stdout.splitlines()
        self.assertEqual(len(lines), ROWS)
        lines += parity.closers(lines)
        daemon = self.outrod(commit_interval_ms=1000).start()
        self.feed(lines)
        self.await_drained(timeout_s=600)
        metrics = self.settled_metrics(daemon, len(lines))
        self.assertEqual(daemon.stop(), 0)

        self.assertEqual(metrics.total("outro_scrobbles_consumed_total"), len(lines))
        self.assertEqual(metrics.total("outro_outcomes_total"), len(lines))
        predictions, sessions = parity.replay(lines, self.folder, harness.PREPARED / "bundle-a")
        self.assertEqual(parity.without_closers([record.value for record in self.read("sessions")]),
                         parity.without_closers(sessions))
        live = parity.by_user(record.value for record in self.read("predictions"))
        self.assertEqual(parity.differences(live, predictions), [])
        self.assertEqual(metrics.total("outro_outcomes_total", outcome="session"), sum(map(len, live.values())))
        self.assertEqual(metrics.total("outro_rejected_total"), len(self.read("rejected")))


if __name__ == "__main__":
    if not LOG.is_file():
        print(f"skipped: no reference data: {LOG} (OUTRO_DATA names its folder)")
        sys.exit(77)
    unittest.main()
