"""A bar that moves with the time that measurements are expected to take."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm


class Progress:
    """One bar for the whole run, in seconds of measuring."""

    def __init__(self, seconds: float) -> None:
        """Begin; `seconds` is what all steps together are expected to take."""
        self._planned = 0.0
        self._bar = tqdm(
            total=round(seconds),
            unit="s",
            bar_format="{percentage:3.0f}%|{bar:30}| {elapsed} (about {total} s): {desc}",
        )

    def close(self) -> None:
        """End the bar's line."""
        self._bar.set_description_str("done")
        self._bar.close()

    @contextmanager
    def step(self, what: str, seconds: float) -> Iterator[None]:
        """Say `what` is being measured; the bar walks for `seconds`, and is there when the block ends."""
        self._bar.set_description_str(what)
        over = threading.Event()
        walker = threading.Thread(target=self._walk, args=(round(seconds), over), daemon=True)
        walker.start()
        try:
            yield
        finally:
            over.set()
            walker.join()
            self._planned += seconds
            self._bar.update(round(self._planned) - self._bar.n)

    def _walk(self, seconds: int, over: threading.Event) -> None:
        for _ in range(seconds):
            if over.wait(1):
                return
            self._bar.update(1)
