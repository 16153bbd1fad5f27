"""Writing and reading topics with kcat: exact bytes, keys, headers; every wait has a deadline."""
import re
import subprocess
import tempfile
import threading
from typing import NamedTuple, Optional

# One line of facts, then the bytes as they are: with their lengths known, nothing in a message looks like framing.
FORMAT = r"%p %o %K %S %h\n%k%s\n"
FACTS = re.compile(rb"(\d+) (\d+) (-?\d+) (-?\d+) (.*)\n", re.S)
HEADER_NAMES = (b"reason", b"detail", b"source.topic", b"source.partition", b"source.offset")
HEADERS = re.compile(rb",".join(rb"(%b)=(.*?)" % re.escape(name) for name in HEADER_NAMES)
                     + rb"(?:,(truncated\.from)=(.*))?", re.S)


class Record(NamedTuple):
    """A message as it lies in its topic; headers are those of the rejected topic, or empty."""
    partition: int
    offset: int
    key: Optional[bytes]
    value: Optional[bytes]
    headers: dict


def _headers(text):
    found = HEADERS.fullmatch(text)
    words = [word.decode() for word in found.groups() if word is not None] if found else []
    return dict(zip(words[::2], words[1::2]))


def _read_exactly(stream, size):
    data = stream.read(size)
    if len(data) != size:
        raise EOFError("kcat ended in the middle of a message")
    return data


def _records(stream):
    """Yields the records that kcat prints, until it ends."""
    while True:
        line = stream.readline()
        if not line:
            return
        partition, offset, key_size, value_size, headers = FACTS.fullmatch(line).groups()
        key = _read_exactly(stream, max(0, int(key_size)))
        value = _read_exactly(stream, max(0, int(value_size)))
        _read_exactly(stream, 1)
        yield Record(int(partition), int(offset), key if int(key_size) >= 0 else None,
                     value if int(value_size) >= 0 else None, _headers(headers))


def _consumer(bootstrap, topic, *options):
    return ["kcat", "-b", bootstrap, "-C", "-t", topic, "-o", "beginning", "-q", "-u", "-f", FORMAT,
            "-X", "fetch.wait.max.ms=50", *options]


def read_topic(bootstrap, topic, timeout_s=60.0):
    """All records from the first to the last of now, partition by partition in order."""
    with subprocess.Popen(_consumer(bootstrap, topic, "-e"), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        guard = threading.Timer(timeout_s, child.kill)
        guard.start()
        try:
            records = list(_records(child.stdout))
            said = child.stderr.read().decode(errors="replace")
            child.wait()
        finally:
            guard.cancel()
            child.kill()
    if child.returncode != 0:
        raise RuntimeError(f"kcat could not read {topic} (status {child.returncode}): {said}")
    return records


class Follower:
    """Reads a topic as it grows. wait(condition) sleeps until the records so far satisfy it."""

    def __init__(self, bootstrap, topic):
        self.topic, self.records = topic, []
        self.changed = threading.Condition()
        self.child = subprocess.Popen(_consumer(bootstrap, topic), stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        for record in _records(self.child.stdout):
            with self.changed:
                self.records.append(record)
                self.changed.notify_all()

    def wait(self, condition, timeout_s, what):
        """@param condition takes the list of records so far"""
        with self.changed:
            if not self.changed.wait_for(lambda: condition(self.records), timeout_s):
                raise TimeoutError(f"{what}: not within {timeout_s:g} s; {len(self.records)} records in {self.topic}")
            return list(self.records)

    def close(self):
        self.child.kill()
        self.child.wait()
        self.thread.join(10)
        self.child.stdout.close()


class Feeder:
    """A producer kept open: write(lines of key TAB value) as often as wanted, close() returns when all is acknowledged.

    Keys go where Java clients put them. Order is kept and nothing is doubled while leaders move (idempotence),
    but kcat gives up when no broker at all is left.
    """

    def __init__(self, bootstrap, topic):
        self.errors = tempfile.TemporaryFile()
        self.child = subprocess.Popen(
            ["kcat", "-b", bootstrap, "-P", "-t", topic, "-K", "\t", "-X", "partitioner=murmur2_random",
             "-X", "enable.idempotence=true", "-X", "linger.ms=5", "-X", "queue.buffering.max.messages=1000000"],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self.errors)

    def write(self, lines):
        self.child.stdin.write(b"".join(line + b"\n" for line in lines))
        self.child.stdin.flush()

    def close(self, timeout_s=120.0):
        self.child.stdin.close()
        status = self.child.wait(timeout_s)
        self.errors.seek(0)
        said = self.errors.read().decode(errors="replace")
        self.errors.close()
        if status != 0 or "Delivery failed" in said:
            raise RuntimeError(f"kcat could not write everything (status {status}): {said}")

    def abandon(self):
        """Ends it whatever its state; for cleaning up."""
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        if not self.child.stdin.closed:
            try:
                self.child.stdin.close()
            except BrokenPipeError:
                pass
        self.errors.close()


def write_topic(bootstrap, topic, lines, timeout_s=120.0):
    """Writes lines of key TAB value and returns when the broker has acknowledged all of them."""
    feeder = Feeder(bootstrap, topic)
    try:
        feeder.write(lines)
        feeder.close(timeout_s)
    finally:
        feeder.abandon()


def write_message(bootstrap, topic, key, value, partition, timeout_s=30.0):
    """Writes one message of any bytes into one partition; None is a null key or value."""
    command = ["kcat", "-b", bootstrap, "-P", "-t", topic, "-p", str(partition), "-Z"]
    with tempfile.NamedTemporaryFile() as file:
        if value:  # a file is one message whatever is in it
            file.write(value)
            file.flush()
            command += ["-k", key] if key is not None else []
            command.append(file.name)
        else:  # but an empty file is none: an empty line is, and -Z makes its emptiness a null
            command += ["-K", "\t"]
        done = subprocess.run(command, input=f"{key or ''}\t\n".encode(), stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, timeout=timeout_s, check=False)
    if done.returncode != 0 or done.stderr:
        raise RuntimeError(f"kcat could not write a message: {done.stderr.decode(errors='replace')}")
