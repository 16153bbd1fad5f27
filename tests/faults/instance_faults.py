"""Instances that die, stall, come and go. Called on a running scene; at least one instance runs afterwards."""
import signal

import kafka_wire
from scene import ALARM, FAILPOINT, STEP_TIMEOUT_S


def kill_at_random(scene):
    slot = scene.rng.choice(scene.running())
    scene.flow(scene.chunk)
    scene.end(slot, signal.SIGKILL)
    if scene.running() and scene.rng.random() < 0.5:
        scene.flow(scene.chunk)  # the others take over first
    scene.start(slot)


def kill_at_failpoint(scene, name, most):
    """The instance comes back to die at the named place, and once more to live."""
    slot = scene.rng.choice(scene.running())
    scene.flow(scene.chunk)
    scene.end(slot, scene.rng.choice((signal.SIGTERM, signal.SIGKILL)))
    # the first bundle that is served is no swap
    where = f"{name}:{2 if name == 'mid-bundle-swap' else scene.rng.randrange(1, most + 1)}"
    if name == "inside-commit":
        where += f":{scene.rng.randrange(100, 8000)}"
    if name == "mid-restore":  # from the changelog, not from a snapshot
        for path in scene.state_dir(slot.name).glob("*.snapshot"):
            path.unlink()
    scene.start(slot, where)
    if name == "mid-bundle-swap":
        daemon = slot.daemon
        scene.until(lambda: daemon.log_ended or any(e["event"] == "bundle-serving" for e in daemon.events),
                    STEP_TIMEOUT_S, "a bundle")
        scene.point_at(scene.other_bundle())
    status = scene.await_death(slot)
    if status is None:
        status = scene.await_death_alone(slot)
    if status is None:
        scene.faults[f"({name} not reached)"] += 1
        scene.end(slot, signal.SIGKILL)
    else:
        scene.note_exit(slot.daemon, status, expected=(FAILPOINT, ALARM))
    scene.start(slot)


def kill_and_forget(scene):
    """Its open transaction stays until the brokers end it: who comes next has another name."""
    slot = scene.rng.choice(scene.running())
    scene.flow(scene.chunk)
    scene.end(slot, signal.SIGKILL, new_name=True)
    scene.start(slot)
    scene.flow(scene.chunk)


def members(scene):
    return kafka_wire.describe_group(scene.bootstrap, scene.group)["members"]


def stall(scene):
    """SIGSTOP until the group has given it up, SIGCONT: it finds itself without partitions, perhaps fenced."""
    slot = scene.rng.choice(scene.running())
    scene.flow(scene.chunk)
    slot.daemon.signal(signal.SIGSTOP)
    try:
        scene.until(lambda: slot.daemon.name not in members(scene), STEP_TIMEOUT_S, f"{slot.daemon.name} is given up")
        if len(scene.running()) > 1 and scene.rng.random() < 0.5:
            scene.flow(scene.chunk)  # others work on its partitions before it wakes
        else:
            scene.write(scene.chunk)
    finally:
        slot.daemon.signal(signal.SIGCONT)
    scene.flow(scene.chunk)


def twin(scene):
    """A second process with the same transactional.id: the first is fenced and leaves."""
    slot = scene.rng.choice(scene.running())
    first = slot.daemon
    scene.flow(scene.chunk)
    slot.generation += 1
    second = scene.daemon(slot.name, **{"transactional.id": first.config["transactional.id"],
                                        "kafka.group.instance.id": None})
    second.start()
    slot.doomed = True
    status = scene.await_death(slot, 2 * STEP_TIMEOUT_S)
    if status is None:
        scene.faults["(twin without a fight)"] += 1  # the second got no partition, or is idle
        scene.end(slot, signal.SIGKILL)
    slot.daemon, slot.doomed = second, False
    if status is not None:
        scene.note_exit(first, status)


def add(scene):
    free = scene.free()
    if free:
        scene.write(scene.chunk)
        scene.start(scene.rng.choice(free))
    scene.flow(scene.chunk)


def remove(scene):
    running = scene.running()
    scene.flow(scene.chunk)
    if len(running) > 1:
        scene.end(scene.rng.choice(running), signal.SIGTERM)
    scene.flow(scene.chunk)


def come_and_go(scene):
    """Members every moment: rebalances within rebalances."""
    for _ in range(3):
        free, running = scene.free(), scene.running()
        if free and (len(running) < 2 or scene.rng.random() < 0.5):
            scene.start(scene.rng.choice(free))
        else:
            scene.end(scene.rng.choice(running), signal.SIGTERM)
            if not scene.running():
                scene.start(scene.rng.choice(scene.free()))
        scene.write(scene.chunk // 4)
    scene.flow(scene.chunk)


def idle(scene):
    """More instances than partitions: one has nothing to do, is ready all the same, and takes over when another dies."""
    spare = []
    while len(scene.running()) <= scene.partitions:
        free = scene.free()
        if not free:
            spare.append(scene.add_slot())
        scene.start(free[0] if free else spare[-1])

    def out_of_work():
        return next((slot for slot in scene.running() if slot.daemon.get("/ready")[0] == 200
                     and slot.daemon.metrics().total("outro_assigned_partitions") == 0), None)

    waiting = scene.until(out_of_work, 2 * STEP_TIMEOUT_S, "an instance without partitions")
    if not waiting:
        scene.faults["(nobody was idle)"] += 1
    scene.flow(scene.chunk)
    victim = scene.rng.choice([slot for slot in scene.running() if slot is not waiting])
    scene.end(victim, signal.SIGKILL)
    scene.flow(scene.chunk)
    for slot in spare:
        if slot.daemon.child:
            scene.end(slot, signal.SIGTERM)
        scene.remove_slot(slot)
    if not scene.running():
        scene.start(scene.rng.choice(scene.slots))
    scene.flow(scene.chunk)
