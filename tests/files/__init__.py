"""What the file store promises besides what every store does: of its files and names, its bounds, faults and races.

`words` is what these tests know of the store's folders, besides every store's words (`tests.contract.words`); `faults`
are calls of the disk that fail after they have done their work, and a disk that is full; `stops` are calls that stop
before chosen lines or instructions of the store's code, and others that overtake them; `sketches` are folders as
session-manager and sessionworker 0.1.0 leave them.
"""

import pytest

# Before they are imported: so a failure in them is shown in as much detail as one in a test's own module.
pytest.register_assert_rewrite(*(f"{__name__}.{module}" for module in ("words", "faults", "stops", "sketches")))
