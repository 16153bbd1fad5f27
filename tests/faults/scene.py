"""One round's stage: topics, up to three instances under a supervisor, the feeding, and what can be waited for."""
import os
import shutil
import signal
from collections import Counter
from pathlib import Path

import harness
import kafka_wire
import kcat
from outrod import Outrod

SLOTS = 3
ROLES = ("scrobbles", "predictions", "sessions", "rejected", "state")
ASSIGNORS = ("range", "cooperative-sticky")
TTL_DAYS = 365
REJECTED_MAX_BYTES = 100_000  # what the rejected topic takes: larger ones are cut, after an abort
MOST_ANSWERED = 0.6  # of some lines: late ones and doubles get no prediction
STEP_TIMEOUT_S = 20.0
END_TIMEOUT_S = 180.0
KILLED, FAILPOINT, ALARM = -signal.SIGKILL, 86, -signal.SIGALRM  # daemon/failpoint.h


class Broken(Exception):
    """What a round must never show; the run ends with it."""


class Slot:
    """A place for one instance; what runs in it, and what it is to the brokers, may change."""

    def __init__(self, number):
        self.number, self.generation = number, 0
        self.daemon = None
        self.doomed = False  # its end is awaited by a fault: not the supervisor's business

    @property
    def name(self):
        return f"outrod-{self.number}" + (f"-{self.generation}" if self.generation else "")


class Scene:
    def __init__(self, cluster, rng, folder, bundles, say, number):
        """@param number of the round: what has two forms takes turns"""
        self.cluster, self.rng, self.folder, self.bundles, self.say = cluster, rng, folder, bundles, say
        self.bootstrap = cluster.bootstrap
        self.partitions = rng.choice((3, 4, 6))
        self.assignor = ASSIGNORS[number % len(ASSIGNORS)]
        self.topics = {role: f"{role}-{folder.name}" for role in ROLES}
        self.group = f"group-{folder.name}"
        self.static = rng.random() < 0.5
        self.transaction_ms = rng.choice((5000, 15000))
        self.commit_ms = rng.choice((20, 100, 400))
        self.slots = [Slot(number) for number in range(1, SLOTS + 1)]
        self.faults, self.exits = Counter(), Counter()
        self.poison = set()  # (key, value) of all that can never be used
        self.lines, self.written = [], 0
        self.chunk = 400  # lines that a fault writes at a time
        self.years_pass = None  # so many lines are there before stream time leaps by two TTL_DAYS
        self.silent = set()  # who is never heard of afterwards
        self.current = folder / "current"
        self.point_at(bundles[0])
        self.emptied = rng.random() < 0.5
        for role, name in self.topics.items():
            more = {"state": {"cleanup.policy": "delete" if self.emptied else "compact"},
                    "rejected": {"max.message.bytes": REJECTED_MAX_BYTES}}.get(role, {})
            if len(cluster.node_ids()) > 1:
                more["min.insync.replicas"] = 2  # else one that dies may take acknowledged records with it
            kafka_wire.create_topic(self.bootstrap, name, self.partitions, config=more)
        if self.emptied:
            self.empty_the_changelog()
        say(f"{self.partitions} partitions, commits every {self.commit_ms} ms, transactions of at most "
            f"{self.transaction_ms} ms, " + ", ".join(self.settings()))

    def settings(self):
        """What is counted over the rounds."""
        return [f"{self.assignor} assignment", f"{'static' if self.static else 'dynamic'} members",
                f"a changelog that was {'emptied' if self.emptied else 'never used'}"]

    def empty_the_changelog(self):
        """No record in it, but its end is not 0. A broker that is killed may forget that it was deleted: a tombstone
        harms nobody."""
        topic = self.topics["state"]

        def empty():
            for partition in range(self.partitions):
                kafka_wire.delete_records(self.bootstrap, topic, partition, 1)

        def compacted():
            try:
                empty()
                return False
            except kafka_wire.KafkaError as error:
                if error.code != kafka_wire.POLICY_VIOLATION:
                    raise
                return True

        for partition in range(self.partitions):
            kcat.write_message(self.bootstrap, topic, "o:nobody", None, partition)
        empty()
        kafka_wire.set_config(self.bootstrap, topic, "cleanup.policy", "compact")
        kafka_wire.eventually(compacted, STEP_TIMEOUT_S, f"{topic} is compacted")

    # Instances

    def config(self, name, static):
        config = {
            "kafka.bootstrap.servers": self.bootstrap, "kafka.group.id": self.group, "kafka.client.id": name,
            "kafka.session.timeout.ms": 3000, "kafka.heartbeat.interval.ms": 500,
            "kafka.reconnect.backoff.max.ms": 500, "bundle.path": self.current, "bundle.poll.s": 1,
            "admin.listen": "127.0.0.1:0", "delivery": "exactly-once", "transactional.id": f"{name}-{self.group}",
            "transaction.timeout.ms": self.transaction_ms, "commit.interval.ms": self.commit_ms,
            "kafka.partition.assignment.strategy": self.assignor, "state.dir": self.state_dir(name),
            "state.ttl.days": TTL_DAYS if self.silent else 0, "time.idle.advance.ms": 0, "log.format": "json",
            **{f"topic.{role}": name for role, name in self.topics.items()},
        }
        if static:
            config["kafka.group.instance.id"] = name
        return config

    def state_dir(self, name):
        return self.folder / f"state-{name}"

    def daemon(self, name, **overrides):
        self.state_dir(name).mkdir(exist_ok=True)
        config = {**self.config(name, self.static), **overrides}
        return Outrod(harness.OUTROD, self.folder, name, {k: v for k, v in config.items() if v is not None})

    def start(self, slot, failpoint=None):
        slot.daemon = slot.daemon or self.daemon(slot.name)
        slot.doomed = failpoint is not None
        try:
            slot.daemon.start(**({"OUTRO_FAILPOINT": failpoint} if failpoint else {}))
        except AssertionError:  # it left before it had a port: the supervisor sees it next
            pass

    def end(self, slot, how, *, new_name=False):
        """Ends the instance by a signal. @return its status"""
        status = slot.daemon.stop() if how == signal.SIGTERM else slot.daemon.kill()
        self.note_exit(slot.daemon, status, expected=(KILLED if how == signal.SIGKILL else 0,))
        if new_name:
            slot.generation += 1
            slot.daemon = None
        return status

    def add_slot(self):
        self.slots.append(Slot(len(self.slots) + 1))
        return self.slots[-1]

    def remove_slot(self, slot):
        """Nothing runs in it."""
        self.slots.remove(slot)

    def running(self):
        return [slot for slot in self.slots if slot.daemon and slot.daemon.child]

    def free(self):
        return [slot for slot in self.slots if not (slot.daemon and slot.daemon.child)]

    def note_exit(self, daemon, status, expected=()):
        """Remembers why it left by itself; a crash breaks the round."""
        log = daemon.log_file.read_text(errors="replace")
        if "Sanitizer" in log or "runtime error:" in log or "Assertion" in log:
            raise Broken(f"{daemon.name} has crashed (status {status}): see {daemon.log_file}")
        if status in expected:
            return
        if status < 0:
            raise Broken(f"{daemon.name} died of signal {-status}: see {daemon.log_file}")
        with daemon.changed:
            said = [e["message"] for e in daemon.events if e.get("level") == "error"]
        reason = said[-1] if said else "said nothing"
        self.exits[reason] += 1
        self.say(f"{daemon.name} left with status {status}: {reason}")

    def tend(self):
        """The supervisor: what left by itself is started again."""
        for slot in self.running():
            if not slot.doomed and slot.daemon.child.poll() is not None:
                self.note_exit(slot.daemon, slot.daemon.wait_exit(10))
                self.start(slot)

    def await_death(self, slot, timeout_s=STEP_TIMEOUT_S):
        """Feeds a doomed instance until it dies. @return its status, None when it lives on"""
        for _ in range(4):
            self.write(self.chunk // 4)
            if self.until(lambda: slot.daemon.child.poll() is not None, timeout_s / 4, f"{slot.daemon.name} dies"):
                return slot.daemon.wait_exit(10)
        return None

    def await_death_alone(self, slot):
        """The same when the others have left it all partitions: it may have had one that is silent."""
        others = [other for other in self.running() if other is not slot]
        for other in others:
            self.end(other, signal.SIGTERM)
        status = self.await_death(slot)
        for other in others:
            self.start(other)
        return status

    def until(self, probe, timeout_s, what, must=False):
        """Waits for probe() under the supervisor's eyes. @return what it said; without must, None when it says nothing"""
        def look():
            self.tend()
            return probe()
        try:
            return kafka_wire.eventually(look, timeout_s, what)
        except TimeoutError as error:
            if must:
                raise Broken(str(error)) from error
            self.say(f"  {error}")
            return None

    # Bundles

    def point_at(self, bundle):
        self.bundle = bundle
        beside = Path(f"{self.current}.new")
        os.symlink(bundle, beside)
        beside.rename(self.current)

    def other_bundle(self):
        """One that does not serve: the same one would not be looked at."""
        return next(bundle for bundle in self.bundles if bundle != self.bundle)

    def spoiled(self, how):
        bad = self.folder / f"bad-{sum(self.faults.values())}"
        shutil.copytree(self.other_bundle(), bad)
        how(bad)
        return bad

    # The log

    def ends(self, role, **more):
        return kafka_wire.end_offsets(self.bootstrap, self.topics[role], **more)

    def insert(self, lines):
        """They are the next to be written."""
        self.lines[self.written:self.written] = lines
        if self.years_pass and self.written < self.years_pass:
            self.years_pass += len(lines)

    def write(self, count):
        """The next lines, written and acknowledged; again when brokers were away meanwhile: what the log is, is what
        the topic has in the end."""
        lines = self.lines[self.written:self.written + count]
        self.written += len(lines)

        def put():
            try:
                kcat.write_topic(self.bootstrap, self.topics["scrobbles"], lines)
                return True
            except RuntimeError as error:
                raise ConnectionError(str(error)) from error

        self.until(put, END_TIMEOUT_S, "the log is written", must=True)

    def predicted(self):
        return sum(self.ends("predictions").values())

    def flow(self, count):
        """Writes count lines and waits until some share of them has been answered, committed or not."""
        before = kafka_wire.eventually(lambda: (self.predicted(),), STEP_TIMEOUT_S, "predictions counted")[0]
        self.write(count)
        wanted = before + int(count * self.rng.uniform(0, MOST_ANSWERED))
        self.until(lambda: self.predicted() >= wanted, STEP_TIMEOUT_S, f"{wanted} predictions")

    # The end of a round

    def committed(self):
        ends = self.ends("scrobbles")
        at = kafka_wire.committed_offsets(self.bootstrap, self.group, self.topics["scrobbles"], self.partitions)
        return all(at[p] >= end or end == 0 for p, end in ends.items())

    def ready(self):
        return all(slot.daemon.get("/ready")[0] == 200 for slot in self.running())

    def no_transaction_open(self):
        return all(self.ends(role, committed=True) == self.ends(role) for role in ROLES if role != "scrobbles")

    def all_forgotten(self):
        """Whether tombstones are the last word on every user who was silent for TTL_DAYS."""
        last = {record.key: record.value for record in kcat.read_topic(self.bootstrap, self.topics["state"])}
        return not any(value for key, value in last.items() if key.split(b":", 1)[-1] in self.silent)

    def live(self):
        """The oracle that time is part of: everything comes back by itself."""
        self.until(self.committed, END_TIMEOUT_S, "lag is 0 again", must=True)
        self.until(self.ready, END_TIMEOUT_S, "every instance is ready again", must=True)
        if self.silent:
            self.until(self.all_forgotten, END_TIMEOUT_S, f"{len(self.silent)} silent users are forgotten", must=True)
        self.until(self.no_transaction_open, END_TIMEOUT_S, "no transaction is open", must=True)

    def dump(self):
        """All that can be read, for whoever looks into a failure: one line a record, partition, offset, key, value."""
        for role in ROLES[:-1]:
            with open(self.folder / f"{role}.topic", "wb") as file:
                for record in kcat.read_topic(self.bootstrap, self.topics[role]):
                    file.write(b"%d %d %b\t%b\n" % (record.partition, record.offset, record.key or b"", record.value or b""))

    def abandon(self):
        for slot in self.slots:
            if slot.daemon:
                slot.daemon.abandon()
