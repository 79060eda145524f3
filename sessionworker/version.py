"""Which version this is, and what it runs on; the number itself stands in setup.py."""

from __future__ import annotations

import platform
from importlib.metadata import version

VERSION = version("sessionworker")
TWISTED = version("Twisted")
PYTHON = platform.python_version()
