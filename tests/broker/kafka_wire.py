"""The few requests of Kafka's protocol that tests need beside kcat: topics, offsets, groups.

Each call opens one connection, sends one request in a version that has no tagged fields, and returns plain
lists and dicts. Source: the protocol guide of Apache Kafka; versions are those that brokers 2.x to 4.x share.
"""
import socket
import struct
import threading
import time

ERRORS = {
    3: "UNKNOWN_TOPIC_OR_PARTITION", 5: "LEADER_NOT_AVAILABLE", 7: "REQUEST_TIMED_OUT",
    14: "COORDINATOR_LOAD_IN_PROGRESS", 15: "COORDINATOR_NOT_AVAILABLE", 16: "NOT_COORDINATOR",
    36: "TOPIC_ALREADY_EXISTS", 38: "INVALID_REPLICATION_FACTOR", 41: "NOT_CONTROLLER",
}
POLICY_VIOLATION = 44
RETRIABLE = (3, 5, 6, 7, 14, 15, 16, 41)


class KafkaError(Exception):
    """A broker's refusal: code is Kafka's error number."""

    def __init__(self, code, where):
        super().__init__(f"{where}: {ERRORS.get(code, 'error')} ({code})")
        self.code = code


class _Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def number(self, form):
        size = struct.calcsize(form)
        value = struct.unpack_from(form, self.data, self.at)[0]
        self.at += size
        return value

    def i8(self):
        return self.number(">b")

    def i16(self):
        return self.number(">h")

    def i32(self):
        return self.number(">i")

    def i64(self):
        return self.number(">q")

    def raw(self, size):
        value = self.data[self.at:self.at + size]
        self.at += size
        return value

    def string(self):
        size = self.i16()
        return None if size < 0 else self.raw(size).decode()

    def blob(self):
        size = self.i32()
        return None if size < 0 else self.raw(size)

    def array(self, item):
        return [item() for _ in range(self.i32())]


def _string(text):
    if text is None:
        return struct.pack(">h", -1)
    data = text.encode()
    return struct.pack(">h", len(data)) + data


def _array(items):
    return struct.pack(">i", len(items)) + b"".join(items)


def _receive(sock, size):
    parts = b""
    while len(parts) < size:
        part = sock.recv(size - len(parts))
        if not part:
            raise ConnectionError("the broker closed the connection")
        parts += part
    return parts


def _connect(addresses, timeout_s):
    """A socket to the first of "host:port,host:port" that answers."""
    refused = None
    for address in addresses.split(","):
        host, port = address.rsplit(":", 1)
        try:
            return socket.create_connection((host, int(port)), timeout=timeout_s)
        except OSError as error:
            refused = error
    raise refused


def request(addresses, key, version, body, timeout_s=10.0):
    """Sends one request to the first broker that answers, and returns a reader of its reply."""
    head = struct.pack(">hhi", key, version, 1) + _string("outro-tests")
    with _connect(addresses, timeout_s) as sock:
        sock.sendall(struct.pack(">i", len(head) + len(body)) + head + body)
        size = struct.unpack(">i", _receive(sock, 4))[0]
        return _Reader(_receive(sock, size)[4:])


def eventually(probe, timeout_s, what, every_s=0.05):
    """Calls probe() until it returns something true; an answer of Kafka's that says "not yet" counts as false."""
    deadline, nap, last = time.monotonic() + timeout_s, threading.Event(), None
    while True:
        try:
            value = probe()
            if value:
                return value
        except (OSError, KafkaError) as error:
            if isinstance(error, KafkaError) and error.code not in RETRIABLE:
                raise
            last = error
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {timeout_s:g} s" + (f" ({last})" if last else ""))
        nap.wait(every_s)


def metadata(address, topics=None):
    """{"brokers": {id: "host:port"}, "topics": {name: {partition: {"leader", "replicas", "isr"}}}}"""
    names = struct.pack(">i", -1) if topics is None else _array([_string(t) for t in topics])
    r = request(address, 3, 5, names + b"\0")
    r.i32()
    brokers = {}
    for _ in range(r.i32()):
        node, host, port = r.i32(), r.string(), r.i32()
        r.string()
        brokers[node] = f"{host}:{port}"
    r.string()
    r.i32()
    found = {}
    for _ in range(r.i32()):
        code, name = r.i16(), r.string()
        r.i8()
        partitions = {}
        for _ in range(r.i32()):
            r.i16()
            index, leader = r.i32(), r.i32()
            replicas, isr = r.array(r.i32), r.array(r.i32)
            r.array(r.i32)
            partitions[index] = {"leader": leader, "replicas": replicas, "isr": isr}
        if code == 0:
            found[name] = partitions
    return {"brokers": brokers, "topics": found}


def create_topic(address, name, partitions=1, replication=-1, config=None, timeout_s=20.0):
    """Creates a topic and returns once every partition has a leader; replication -1: the broker's default."""
    entries = [_string(k) + _string(str(v)) for k, v in (config or {}).items()]
    topic = _string(name) + struct.pack(">ih", partitions, replication) + _array([]) + _array(entries)
    r = request(address, 19, 4, _array([topic]) + struct.pack(">ib", int(timeout_s * 1000), 0), timeout_s)
    r.i32()
    for _ in range(r.i32()):
        r.string()
        code = r.i16()
        detail = r.string()
        if code:
            raise KafkaError(code, f"create topic {name}" + (f": {detail}" if detail else ""))

    def led():
        found = metadata(address, [name])["topics"].get(name, {})
        return len(found) == partitions and all(p["leader"] >= 0 for p in found.values())

    eventually(led, timeout_s, f"topic {name} has leaders")


def delete_topics(address, names):
    """Deletes topics; one that is not there is no error."""
    r = request(address, 20, 3, _array([_string(n) for n in names]) + struct.pack(">i", 10000))
    r.i32()
    for _ in range(r.i32()):
        name, code = r.string(), r.i16()
        if code not in (0, 3):
            raise KafkaError(code, f"delete topic {name}")


def end_offsets(address, topic, timestamp=-1, committed=False):
    """{partition: end offset}, asked of each partition's leader; timestamp -2: the first offset instead;
    committed: the end of what read_committed readers see, which is before the first open transaction."""
    meta = metadata(address, [topic])
    partitions = meta["topics"].get(topic)
    if not partitions:
        raise KafkaError(3, f"offsets of {topic}")
    offsets = {}
    for index, where in partitions.items():
        wanted = _array([_string(topic) + _array([struct.pack(">iq", index, timestamp)])])
        if where["leader"] not in meta["brokers"]:
            raise KafkaError(5, f"offsets of {topic}-{index}")
        r = request(meta["brokers"][where["leader"]], 2, 2, struct.pack(">ib", -1, int(committed)) + wanted)
        r.i32()
        for _ in range(r.i32()):
            r.string()
            for _ in range(r.i32()):
                number, code = r.i32(), r.i16()
                r.i64()
                offset = r.i64()
                if code:
                    raise KafkaError(code, f"offsets of {topic}-{number}")
                offsets[number] = offset
    return offsets


def delete_records(address, topic, partition, before):
    """Moves the first offset of a partition up to `before`, as retention does."""
    meta = metadata(address, [topic])
    leader = meta["topics"][topic][partition]["leader"]
    if leader not in meta["brokers"]:
        raise KafkaError(5, f"records of {topic}-{partition}")
    wanted = _array([_string(topic) + _array([struct.pack(">iq", partition, before)])])
    r = request(meta["brokers"][leader], 21, 1, wanted + struct.pack(">i", 10000))
    r.i32()
    for _ in range(r.i32()):
        r.string()
        for _ in range(r.i32()):
            number = r.i32()
            r.i64()
            code = r.i16()
            if code:
                raise KafkaError(code, f"records of {topic}-{number}")


def set_config(address, topic, key, value):
    """Changes one setting of a topic."""
    setting = _string(key) + struct.pack(">b", 0) + _string(value)
    resource = struct.pack(">b", 2) + _string(topic) + _array([setting])
    r = request(address, 44, 0, _array([resource]) + b"\0")
    r.i32()
    for _ in range(r.i32()):
        code = r.i16()
        detail = r.string()
        if code:
            raise KafkaError(code, f"setting {key} of {topic}: {detail}")
        r.i8()
        r.string()


def _coordinator(address, group):
    r = request(address, 10, 1, _string(group) + b"\0")
    r.i32()
    code = r.i16()
    r.string()
    if code:
        raise KafkaError(code, f"coordinator of {group}")
    r.i32()
    host, port = r.string(), r.i32()
    return f"{host}:{port}"


def committed_offsets(address, group, topic, partitions):
    """{partition: committed offset}, -1 where the group has committed none."""
    wanted = _array([_string(topic) + _array([struct.pack(">i", p) for p in range(partitions)])])
    r = request(_coordinator(address, group), 9, 3, _string(group) + wanted)
    r.i32()
    offsets = {}
    for _ in range(r.i32()):
        r.string()
        for _ in range(r.i32()):
            number, offset = r.i32(), r.i64()
            r.string()
            code = r.i16()
            if code:
                raise KafkaError(code, f"offset of {group} on {topic}-{number}")
            offsets[number] = offset
    code = r.i16()
    if code:
        raise KafkaError(code, f"offsets of {group}")
    return offsets


def describe_group(address, group):
    """{"state": "Stable", "members": [client.id, ...]}"""
    r = request(_coordinator(address, group), 15, 1, _array([_string(group)]))
    r.i32()
    answer = {"state": "Dead", "members": []}
    for _ in range(r.i32()):
        code = r.i16()
        r.string()
        answer["state"] = r.string()
        r.string()
        r.string()
        for _ in range(r.i32()):
            r.string()
            answer["members"].append(r.string())
            r.string()
            r.blob()
            r.blob()
        if code:
            raise KafkaError(code, f"group {group}")
    return answer
