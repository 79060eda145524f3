"""Print the oldest versions that setup.py admits of what the worker needs, as constraints for pip.

`python -m tests.oldest`, without anything installed; `make test-oldest` runs tests with them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from pathlib import Path

SETUP = Path(__file__).parents[1] / "setup.py"

NAMES = ("DEPENDENCIES", "POSTGRESQL_DEPENDENCIES")

_range = re.compile(r"(?P<name>[\w.-]+)(\[[\w,-]+\])? >=(?P<oldest>[\d.]+), <[\d.]+")


def dependencies() -> list[str]:
    """What setup.py says that the worker needs, with each store that it has."""
    lists: dict[str, list[str]] = {
        name: ast.literal_eval(node.value)
        for node in ast.parse(SETUP.read_text()).body
        if isinstance(node, ast.Assign) and (name := ast.unparse(node.targets[0])) in NAMES
    }
    return [requirement for name in NAMES for requirement in lists[name]]


def oldest(requirements: Sequence[str]) -> list[str]:
    """Hold each requirement to where its range begins. Raises ValueError if one is no range."""
    held = []
    for requirement in requirements:
        found = _range.fullmatch(requirement)
        if found is None:
            raise ValueError(f"'{requirement}' does not say from which version on and below which.")
        held.append(f"{found['name']}=={found['oldest']}")
    return held


if __name__ == "__main__":
    print("\n".join(oldest(dependencies())))
