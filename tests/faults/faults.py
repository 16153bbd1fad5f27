"""The faults by name. Each is a function that is called on a running scene and leaves at least one instance running."""
from functools import partial

from broker_faults import broker, no_broker_at_start
from bundle_faults import bad_bundle, half_a_manifest, half_written, hang_up_storm, one_bit, poisoned, swap
from input_faults import bulk_upload, deleted_input, poison, refused_record, years_pass
from instance_faults import (add, come_and_go, idle, kill_and_forget, kill_at_failpoint, kill_at_random, remove, stall,
                             twin)
from snapshot_faults import damaged, empty, flipped, full_disk, half, kill_mid_snapshot, old

YEARS_PASS = "years pass"  # a round that has it has a log that is made for it

# What a round draws from: name, function. Every one comes once before any comes twice.
FAULTS = {
    "kill -9": kill_at_random,
    **{f"kill at {name}": partial(kill_at_failpoint, name=name, most=most) for name, most in (
        ("before-produce", 300), ("after-produce", 5), ("after-send-offsets", 5), ("inside-commit", 5),
        ("after-commit", 5), ("mid-restore", 25), ("mid-bundle-swap", 2))},
    "kill at mid-snapshot": kill_mid_snapshot,
    "kill and forget": kill_and_forget,
    "stall": stall,
    "twin": twin,
    "add": add,
    "remove": remove,
    "come and go": come_and_go,
    "idle instance": idle,
    "bundle swap": swap,
    "SIGHUP storm": hang_up_storm,
    **{f"bundle with {how.__name__}": partial(bad_bundle, how=how)
       for how in (one_bit, half_written, half_a_manifest, poisoned)},
    "full disk": full_disk,
    **{f"snapshot with {how.__name__}": partial(damaged, how=how) for how in (half, flipped, empty)},
    "old snapshot": old,
    "broker kill": partial(broker, kill=True),
    "broker stop": partial(broker, kill=False),
    "no broker at start": no_broker_at_start,
    "unlined poison": poison,
    "refused record": refused_record,
    "bulk upload": bulk_upload,
    YEARS_PASS: years_pass,
    "deleted input": deleted_input,
}
