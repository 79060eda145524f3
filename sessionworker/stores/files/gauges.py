"""What a store shows of itself, as it is now."""

from __future__ import annotations

import time

from sessionworker.stores.files.committing import Committing
from sessionworker.stores.files.parts import Parts


def gauges_of(parts: Parts, committing: Committing) -> dict[str, float]:
    """Return how much there is of what the metrics show, by their names. Waits for nothing."""
    instances, now = parts.catalogue.live(), time.monotonic()
    return {
        "journal_bytes": parts.journal.size,
        "journal_disk_bytes": parts.journal.bytes_on_disk,
        "unwritten_value_bytes": parts.state.waiting_bytes + parts.state.apart_bytes,
        "unwritten_files": parts.state.waiting_files,
        "cached_key_names": parts.copies.names,
        "cache_bytes": parts.copies.size,
        "groups": len(parts.catalogue.groups),
        "instances": len(instances),
        "instances_apart": len(parts.state.apart),
        "instances_refused": sum(one.is_out_of_use for one in instances),
        "leases": sum(one.tenure is not None and one.tenure.is_live(now) for one in instances),
        "writes_refused": int(committing.refuses_writes),
        "last_write_timestamp_seconds": committing.last_at / 1000,
        "last_checkpoint_timestamp_seconds": parts.checkpoints.whole_at / 1000,
        "limit_journal_bytes": parts.limits.journal_bytes,
        "limit_unwritten_files": parts.limits.waiting_files,
        "limit_unwritten_value_bytes": parts.limits.waiting_bytes,
    }
