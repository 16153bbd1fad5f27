"""A real Apache Kafka of one or more nodes (KRaft, each broker and controller at once), for tests on one machine.

Everything of a cluster lies under one folder: state.json, and per node its properties, log and data. So several
clusters can run side by side, and a later process can stop or restart what an earlier one started.
"""
import base64
import hashlib
import json
import os
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

import kafka_wire

HERE = Path(__file__).resolve().parent
START_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 30.0
# Below the kernel's range for outgoing connections, so that no client takes a stopped broker's port for its own end.
PORTS = range(15000, 32000)
JVM = ["-Xms128m", "-Xmx320m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError"]


class BrokerError(Exception):
    """One sentence for a person: what is missing or went wrong, and where to look."""


def default_dir():
    return Path(os.environ.get("OUTRO_BROKER_DIR") or Path(tempfile.gettempdir()) / f"outro-kafka-{os.getuid()}")


def _java():
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{home}/bin") if home else None
    java = java or shutil.which("java")
    if not java:
        raise BrokerError("java is missing (17 or newer): apt-get install default-jre-headless")
    said = subprocess.run([java, "-version"], stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, check=False)
    version = re.search(rb'version "(\d+)', said.stderr)
    if not version or int(version.group(1)) < 17:
        raise BrokerError(f"{java} is older than Java 17: apt-get install default-jre-headless")
    return java


def jars():
    """The folder with Kafka's jars; the first call on a machine lets Maven fetch them (43 MB)."""
    pom = HERE / "pom.xml"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "outro"
    lib = cache / f"kafka-{hashlib.sha256(pom.read_bytes()).hexdigest()[:12]}"
    if lib.is_dir():
        return lib
    if not shutil.which("mvn"):
        raise BrokerError("mvn is missing: apt-get install maven")
    cache.mkdir(parents=True, exist_ok=True)
    fetched = Path(tempfile.mkdtemp(prefix="kafka-", dir=cache))
    command = ["mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", f"-DoutputDirectory={fetched}"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False)
        if done.returncode != 0:
            raise BrokerError(f"Maven could not fetch Kafka's jars:\n{done.stdout.strip()}")
        try:
            fetched.rename(lib)
        except OSError:  # another start published the same folder first
            if not lib.is_dir():
                raise
    finally:
        shutil.rmtree(fetched, ignore_errors=True)
    return lib


def _free_ports(count):
    """Ports that nobody listens on now, held open together so that they differ."""
    held, candidates = [], random.SystemRandom().sample(PORTS, len(PORTS))
    try:
        for port in candidates:
            if len(held) == count:
                break
            sock = socket.socket()
            try:
                sock.bind(("127.0.0.1", port))
                held.append(sock)
            except OSError:
                sock.close()
        return [sock.getsockname()[1] for sock in held]
    finally:
        for sock in held:
            sock.close()


def _kafka_id():
    """A random id as Kafka writes it: 16 bytes in base64url without padding, never with a leading dash."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text


def _birth(pid):
    """The process's start time in clock ticks, or None: tells a pid from a later one of the same number."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return None
    return None if fields[0] == "Z" else int(fields[19])


def _await_exit(pid, timeout_s):
    """Waits for the kernel's word that the process has ended."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([fd], [], [], timeout_s)[0])
    finally:
        os.close(fd)


class Cluster:
    """start(), then bootstrap; stop() ends it and removes its folder. node_* act on one node (numbered from 1)."""

    def __init__(self, directory=None):
        self.dir = Path(directory or default_dir()).resolve()
        self.children = {}
        try:
            self.state = json.loads((self.dir / "state.json").read_text())
        except FileNotFoundError:
            self.state = None

    # The cluster as a whole

    @property
    def bootstrap(self):
        return ",".join(f"127.0.0.1:{node['port']}" for node in self.state["nodes"])

    def node_ids(self):
        return [node["id"] for node in self.state["nodes"]]

    def running(self):
        return bool(self.state) and any(self._alive(node) for node in self.state["nodes"])

    def start(self, brokers=1):
        """Returns once every node takes requests and knows every other. @raise BrokerError"""
        if self.running():
            raise BrokerError(f"a broker runs already from {self.dir}: stop it first, or give another --dir")
        java, lib = _java(), jars()
        shutil.rmtree(self.dir, ignore_errors=True)
        self.dir.mkdir(parents=True)
        try:
            self._lay_out(java, lib, brokers)
            self._format()
            for node_id in self.node_ids():
                self._launch(node_id)
            for node_id in self.node_ids():
                self._await_started(node_id)
            for node in self.state["nodes"]:
                address = f"127.0.0.1:{node['port']}"
                kafka_wire.eventually(lambda a=address: len(kafka_wire.metadata(a)["brokers"]) == brokers,
                                      START_TIMEOUT_S, f"{address} sees {brokers} brokers")
        except BaseException:
            self.stop(keep=True)
            raise

    def stop(self, keep=False):
        """Ends every node. With keep the folder stays, to be read after a failure; else nothing is left of it."""
        for node in (self.state or {"nodes": []})["nodes"]:
            # What was written is thrown away or only looked at, so there is nothing that a clean end would save.
            self._end(node, signal.SIGKILL)
        if not keep:
            shutil.rmtree(self.dir, ignore_errors=True)
            self.state = None

    # One node

    def node_stop(self, node_id):
        """A clean end: leadership moves, logs are flushed. A broker that does not end in time is killed."""
        self._end(self._node(node_id), signal.SIGTERM)

    def node_kill(self, node_id):
        self._end(self._node(node_id), signal.SIGKILL)

    def node_freeze(self, node_id):
        """Nothing of it runs until node_thaw: it keeps its connections and answers nothing."""
        os.kill(self._node(node_id)["pid"], signal.SIGSTOP)

    def node_thaw(self, node_id):
        os.kill(self._node(node_id)["pid"], signal.SIGCONT)

    def node_start(self, *node_ids):
        """Starts stopped nodes on their old data and ports, and returns once they take requests. Several together:
        no node gets far before a majority of them is there."""
        for node_id in node_ids:
            if self._alive(self._node(node_id)):
                raise BrokerError(f"node {node_id} runs already")
        for node_id in node_ids:
            self._launch(node_id)
        for node_id in node_ids:
            self._await_started(node_id)

    # Inside

    def _node(self, node_id):
        for node in self.state["nodes"] if self.state else []:
            if node["id"] == node_id:
                return node
        raise BrokerError(f"no node {node_id} under {self.dir}")

    def _folder(self, node_id):
        return self.dir / f"node-{node_id}"

    def _save(self):
        beside = self.dir / "state.json.new"
        beside.write_text(json.dumps(self.state, indent=1) + "\n")
        beside.rename(self.dir / "state.json")

    def _lay_out(self, java, lib, brokers):
        ports = _free_ports(2 * brokers)
        nodes = [{"id": i + 1, "port": ports[2 * i], "controller_port": ports[2 * i + 1]} for i in range(brokers)]
        self.state = {"cluster_id": _kafka_id(), "java": java, "classpath": f"{lib}/*", "nodes": nodes}
        voters = ",".join(f"{n['id']}@127.0.0.1:{n['controller_port']}" for n in nodes)
        copies = min(3, brokers)
        for node in nodes:
            folder = self._folder(node["id"])
            folder.mkdir()
            (folder / "server.properties").write_text("\n".join([
                "process.roles=broker,controller",
                f"node.id={node['id']}",
                f"controller.quorum.voters={voters}",
                f"listeners=PLAINTEXT://127.0.0.1:{node['port']},CONTROLLER://127.0.0.1:{node['controller_port']}",
                f"advertised.listeners=PLAINTEXT://127.0.0.1:{node['port']}",
                "controller.listener.names=CONTROLLER",
                "inter.broker.listener.name=PLAINTEXT",
                f"log.dirs={folder}/data",
                "auto.create.topics.enable=false",
                f"default.replication.factor={copies}",
                f"offsets.topic.replication.factor={copies}",
                "offsets.topic.num.partitions=4",
                f"transaction.state.log.replication.factor={copies}",
                f"transaction.state.log.min.isr={min(2, copies)}",
                "transaction.state.log.num.partitions=4",
                f"share.coordinator.state.topic.replication.factor={copies}",
                f"share.coordinator.state.topic.min.isr={min(2, copies)}",
                "group.initial.rebalance.delay.ms=0",
                "group.min.session.timeout.ms=1000",
                "num.network.threads=2",
                "num.io.threads=2",
                "broker.session.timeout.ms=3000",  # a killed broker may come back this soon
                "broker.heartbeat.interval.ms=500",
                "log.cleaner.dedupe.buffer.size=8388608",
                "controlled.shutdown.enable=true",
                "",
            ]))
        self._save()

    def _command(self, *args):
        # a broker that is killed leaves what its libraries unpacked: in the cluster's own folder, then
        return [self.state["java"], *JVM, f"-Djava.io.tmpdir={self.dir}", "-Dorg.slf4j.simpleLogger.showDateTime=true",
                "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS", "-cp", self.state["classpath"], *args]

    def _format(self):
        for node_id in self.node_ids():
            done = subprocess.run(
                self._command("kafka.tools.StorageTool", "format", "-t", self.state["cluster_id"],
                              "-c", str(self._folder(node_id) / "server.properties")),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
            if done.returncode != 0:
                raise BrokerError(f"Kafka could not format its storage:\n{done.stdout.strip()}")

    def _launch(self, node_id):
        node, folder = self._node(node_id), self._folder(node_id)
        with open(folder / "broker.log", "ab") as log:
            log.write(b"--- start\n")
            log.flush()
            node["log_from"] = log.tell()
            child = subprocess.Popen(self._command("kafka.Kafka", str(folder / "server.properties")),
                                     stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder,
                                     start_new_session=True)
        self.children[node_id] = child
        node["pid"], node["birth"] = child.pid, _birth(child.pid)
        self._save()

    def _await_started(self, node_id):
        """Follows the node's log until it says that it has started; tail ends by itself when the node does."""
        node, path = self._node(node_id), self._folder(node_id) / "broker.log"
        follow = subprocess.Popen(
            ["tail", "-c", f"+{node['log_from'] + 1}", "-f", f"--pid={node['pid']}", str(path)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        deadline, seen = time.monotonic() + START_TIMEOUT_S, b""
        try:
            while b"Kafka Server started" not in seen:
                ready = select.select([follow.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]
                if not ready:
                    raise BrokerError(f"broker {node_id} did not start within {START_TIMEOUT_S:g} s: see {path}")
                part = os.read(follow.stdout.fileno(), 65536)
                if not part:
                    raise BrokerError(f"broker {node_id} ended while starting: see {path}")
                seen = seen[-64:] + part
        finally:
            follow.kill()
            follow.wait()
            follow.stdout.close()

    def _alive(self, node):
        return node.get("pid") is not None and node.get("birth") == _birth(node["pid"]) is not None

    def _end(self, node, how):
        if self._alive(node):
            os.kill(node["pid"], how)
            if not _await_exit(node["pid"], STOP_TIMEOUT_S):
                os.kill(node["pid"], signal.SIGKILL)
                _await_exit(node["pid"], STOP_TIMEOUT_S)
        child = self.children.pop(node["id"], None)
        if child:
            child.wait()
        if "pid" in node:
            node["pid"] = node["birth"] = None
            if self.dir.is_dir():
                self._save()
