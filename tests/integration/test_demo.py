#!/usr/bin/python3
"""The demo without a terminal: it needs no broker, shows predictions and sessions, and ends by itself."""
import os
import pty
import re
import select
import subprocess
import unittest
from pathlib import Path

OUTROD = os.environ["OUTROD_PROGRAM"]
PREPARED = Path(os.environ["OUTRO_PREPARED"])
TIMEOUT_S = 60


def demo(*options, **more):
    return subprocess.Popen([OUTROD, *options], stdin=subprocess.DEVNULL, **more)


class Demo(unittest.TestCase):
    def test_demo_runs_to_its_end_and_shows_what_it_predicts(self):
        with demo("--demo", "--demo-seconds", "2", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
            shown, said = child.communicate(timeout=TIMEOUT_S)
        self.assertEqual(child.returncode, 0, said)
        self.assertNotIn("\x1b", shown)
        self.assertRegex(shown + said, r"127\.0\.0\.1:\d+")  # where kcat can look in
        rows, predicted, closed = self.totals(shown)
        self.assertEqual(predicted, rows)
        self.assertGreater(closed, 100)
        self.assertRegex(shown, r"user_\w+\s+session\s+\d+\s+\d+ scrobbles, lasted \d+:\d\d")

    def totals(self, shown):
        """(scrobbles fed, predictions and sessions read back from the topics)"""
        fed = re.findall(r"(\d+) of (\d+) scrobbles", shown)[-1]
        self.assertEqual(fed[0], fed[1])
        read = re.search(r"(\d+) predictions and (\d+) closed sessions read from the topics", shown)
        return int(fed[1]), int(read.group(1)), int(read.group(2))

    def test_demo_takes_a_log_of_ones_own(self):
        log = PREPARED / "demo.log"
        log.write_bytes(b"".join((PREPARED / "log").read_bytes().splitlines(keepends=True)[:500]))
        with demo(f"--demo={log}", "--demo-seconds", "1", stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                  text=True) as child:
            shown, said = child.communicate(timeout=TIMEOUT_S)
        self.assertEqual(child.returncode, 0, said)
        self.assertEqual(self.totals(shown)[:2], (500, 500))

    def test_demo_on_a_terminal_redraws_and_ends_by_ctrl_c(self):
        ours, theirs = pty.openpty()
        with demo("--demo", "--demo-seconds", "600", stdout=theirs, stderr=theirs, start_new_session=True) as child:
            os.close(theirs)
            screen = b""
            try:
                while b"user_" not in screen:
                    self.assertTrue(select.select([ours], [], [], TIMEOUT_S)[0], "nothing is shown")
                    screen += os.read(ours, 65536)
                self.assertIn(b"\x1b[", screen)
                child.send_signal(2)
                self.read_to_end(ours)
                self.assertEqual(child.wait(TIMEOUT_S), 0)
            finally:
                child.kill()
                os.close(ours)

    def read_to_end(self, terminal):
        """A terminal whose other side is closed answers EIO."""
        try:
            while select.select([terminal], [], [], TIMEOUT_S)[0] and os.read(terminal, 65536):
                pass
        except OSError:
            pass


if __name__ == "__main__":
    unittest.main()
