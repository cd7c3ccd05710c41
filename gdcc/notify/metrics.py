"""Counts for Prometheus (text format 0.0.4): no agency, no recipient, nothing about a person."""

from __future__ import annotations

from collections import Counter

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """What this process counted since it started."""

    def __init__(self) -> None:
        self._answers: Counter[tuple[str, int]] = Counter()
        self._accepted: Counter[tuple[str, str, bool]] = Counter()
        self._buckets: Counter[float] = Counter()
        self._seconds = 0.0

    def answered(self, method: str, status: int, seconds: float) -> None:
        """A request was answered."""
        self._answers[method, status] += 1
        self._seconds += seconds
        for bound in _BUCKETS:
            if seconds <= bound:
                self._buckets[bound] += 1

    def accepted(self, channel: str, kind: str, *, new: bool) -> None:
        """A message was accepted, or known already by its reference."""
        self._accepted[channel, kind, new] += 1

    def text(self, waiting: tuple[int, float] | None) -> str:
        """All of it.

        Args:
            waiting: queued messages and the age of the oldest due; None while the database is out of reach.
        """
        lines = ["# TYPE notify_requests_total counter"]
        for (method, status), count in sorted(self._answers.items()):
            lines.append(f'notify_requests_total{{method="{method}",status="{status}"}} {count}')
        lines.append("# TYPE notify_request_seconds histogram")
        lines.extend(f'notify_request_seconds_bucket{{le="{bound}"}} {self._buckets[bound]}' for bound in _BUCKETS)
        total = sum(self._answers.values())
        lines.append(f'notify_request_seconds_bucket{{le="+Inf"}} {total}')
        lines.append(f"notify_request_seconds_sum {self._seconds:.6f}")
        lines.append(f"notify_request_seconds_count {total}")
        lines.append("# TYPE notify_accepted_total counter")
        for (channel, kind, new), count in sorted(self._accepted.items()):
            lines.append(f'notify_accepted_total{{channel="{channel}",kind="{kind}",new="{str(new).lower()}"}} {count}')
        lines.append("# TYPE notify_database_up gauge")
        lines.append(f"notify_database_up {int(waiting is not None)}")
        if waiting is not None:
            lines.append("# TYPE notify_queue_messages gauge")
            lines.append(f"notify_queue_messages {waiting[0]}")
            lines.append("# TYPE notify_queue_oldest_seconds gauge")
            lines.append(f"notify_queue_oldest_seconds {waiting[1]:.3f}")
        return "\n".join(lines) + "\n"
