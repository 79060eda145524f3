"""Names of files under way, told from those that an earlier worker left."""

from __future__ import annotations

from itertools import count

_LARGE, _NEW = "large-", "new-"

_numbers = count()


class UnfinishedNames:
    """Names for files under way, of one store that was opened: what has another beginning is left of an earlier one."""

    def __init__(self, token: str) -> None:
        """Let all of them hold `token`."""
        self._token = token

    def new(self) -> str:
        """Return a name for a file that will be renamed at once."""
        return f"{_NEW}{self._token}-{next(_numbers)}"

    def large(self) -> str:
        """Return a name for a large value, which is committed under it."""
        return f"{_LARGE}{self._token}-{next(_numbers)}"

    def is_left_over(self, name: str) -> bool:
        """Tell whether a file was under way in a store that was opened earlier."""
        return name.startswith((_LARGE, _NEW)) and self._token not in name
