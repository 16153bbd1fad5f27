#!/usr/bin/python3
"""ctest's broker: `start` before the first integration test, `stop` after the last. Folder: OUTRO_BROKER_DIR."""
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "broker"))

import kafka_wire  # noqa: E402
from kafka_cluster import BrokerError, Cluster  # noqa: E402


def main():
    own = os.environ.get("OUTRO_TEST_BOOTSTRAP")
    cluster = Cluster(os.environ["OUTRO_BROKER_DIR"])
    try:
        if own:
            print(f"using {own}: {len(kafka_wire.metadata(own)['brokers'])} brokers")
        elif sys.argv[1] == "start":
            cluster.stop()  # one that an interrupted run left behind
            cluster.start()
            print(cluster.bootstrap)
        else:
            cluster.stop()
    except (BrokerError, OSError, TimeoutError) as error:
        sys.exit(f"broker: {error}")


if __name__ == "__main__":
    main()
