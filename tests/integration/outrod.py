"""One outrod process under test: its configuration, its log as events, its HTTP answers, its end."""
import http.client
import json
import os
import re
import signal
import subprocess
import threading
from pathlib import Path

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 60.0
SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')


class Metrics(dict):
    """{(name, frozenset of labels): value} of one answer of /metrics."""

    @classmethod
    def parse(cls, text):
        found = cls()
        for line in text.splitlines():
            if not line or line.startswith("#"):
                continue
            sample = SAMPLE.fullmatch(line)
            if not sample:
                raise ValueError(f"not a line of Prometheus text: {line!r}")
            name, labels, value = sample.groups()
            found[name, frozenset(LABEL.findall(labels or ""))] = float(value)
        return found

    def total(self, name, **labels):
        """Sum of all samples of that name that carry those labels; KeyError when there is none."""
        wanted = set(labels.items())
        values = [value for (n, have), value in self.items() if n == name and wanted <= have]
        if not values:
            raise KeyError(f"{name}{labels or ''} is not in /metrics")
        return sum(values)


class Outrod:
    """Started by start(); wait_event, get, metrics while it runs; stop() or kill() ends it."""

    def __init__(self, program, folder, name, config):
        self.program, self.name = str(program), name
        self.config = dict(config)
        self.config_file = Path(folder) / f"{name}.conf"
        self.log_file = Path(folder) / f"{name}.log"
        self.child = None
        self.events, self.changed = [], threading.Condition()
        self.port, self.log_ended = None, False

    def write_config(self):
        self.config_file.write_text("".join(f"{key} = {value}\n" for key, value in self.config.items()))

    def start(self, **environment):
        """Starts the process and waits until it says where its admin port is."""
        self.write_config()
        self.events, self.port, self.log_ended = [], None, False
        self.child = subprocess.Popen([self.program, "-c", str(self.config_file)], stdin=subprocess.DEVNULL,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                      env={**os.environ, **environment})
        self.thread = threading.Thread(target=self._read_log, args=(self.child.stderr,), daemon=True)
        self.thread.start()
        event = self.wait_event(lambda e: e["event"] == "admin-listening", START_TIMEOUT_S, "admin port")
        self.port = int(re.search(r":(\d+)", event["message"]).group(1))
        return self

    def _read_log(self, stream):
        with open(self.log_file, "ab") as log:
            for line in stream:
                log.write(line)
                log.flush()
                try:
                    event = json.loads(line)
                except ValueError:
                    event = {"level": "raw", "event": "", "message": line.decode(errors="replace")}
                with self.changed:
                    self.events.append(event)
                    self.changed.notify_all()
        with self.changed:
            self.log_ended = True
            self.changed.notify_all()

    def wait_event(self, condition, timeout_s, what, after=0):
        """The first event past number `after` that satisfies the condition; fails at once when the process ends."""
        def find():
            return next((e for e in self.events[after:] if condition(e)), None)

        with self.changed:
            self.changed.wait_for(lambda: find() or self.log_ended, timeout_s)
            found = find()
        if not found:
            raise AssertionError(f"{self.name}: no {what} within {timeout_s:g} s\n{self.log_tail()}")
        return found

    def mark(self):
        """How many events there are now, for wait_event's `after`."""
        with self.changed:
            return len(self.events)

    def log_tail(self, lines=40):
        try:
            text = self.log_file.read_text(errors="replace")
        except FileNotFoundError:
            return "(no log)"
        return "\n".join(text.splitlines()[-lines:])

    def get(self, path):
        """(status, body) of one GET."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def metrics(self):
        status, body = self.get("/metrics")
        if status != 200:
            raise AssertionError(f"/metrics answered {status}")
        return Metrics.parse(body)

    def signal(self, number):
        self.child.send_signal(number)

    def stop(self):
        """SIGTERM; returns the exit status."""
        self.child.send_signal(signal.SIGTERM)
        return self.wait_exit(STOP_TIMEOUT_S)

    def kill(self):
        self.child.kill()
        return self.wait_exit(STOP_TIMEOUT_S)

    def wait_exit(self, timeout_s):
        status = self.child.wait(timeout_s)
        self.thread.join(10)
        self.child.stderr.close()
        self.child = None
        return status

    def abandon(self):
        """Ends it whatever its state; for cleaning up."""
        if self.child:
            self.kill()
