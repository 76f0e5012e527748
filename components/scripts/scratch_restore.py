"""First container of an undelete: restores the scratch database at the second TO, and stops it.

The next container serves it. What was restored is in restored.json beside the data.
"""

import json
import os
import sys
from datetime import datetime

import backup_ranges
import scratch
from backup_store import VOLUME, Store, StoreError


def main():
    store = Store(os.environ.get("BACKUP_SERVER") or scratch.newest_server())
    to = datetime.fromisoformat(os.environ["TO"])
    span = backup_ranges.chosen(store.archive(), to)
    print(f"restoring base backup {span.backup.name} at {backup_ranges.shown(to)}", flush=True)
    target = {"recovery_target_time": to.strftime("%Y-%m-%d %H:%M:%S+00")}
    process, seconds = scratch.restore(store, span.backup, span.timeline, target)
    scratch.stop(process)
    print(f"restored {span.backup.size / 2**20:.0f} MiB in {seconds['copy']:.0f} s, replayed in {seconds['replay']:.0f} s")
    facts = {"server": store.server, "backup": span.backup.name, "to": to.isoformat()}
    (VOLUME / "restored.json").write_text(json.dumps(facts))


if __name__ == "__main__":
    try:
        main()
    except (StoreError, backup_ranges.OutOfRangeError) as error:
        sys.exit(f"nothing was changed: {error}")
