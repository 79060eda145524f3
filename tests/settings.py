"""Settings as twistd reads them, from a command line and an environment."""

from __future__ import annotations

import pytest

from sessionworker.command_line import Options
from sessionworker.options import OPTIONS, TOKEN_VARIABLES, UI_VARIABLE, WEBHOOK_SECRET_VARIABLE
from sessionworker.settings import Settings

VARIABLES = [option.variable for option in OPTIONS] + [*TOKEN_VARIABLES.values(), WEBHOOK_SECRET_VARIABLE, "HTTP_LOGS"]


def read(*arguments: str, **environment: str) -> Settings:
    """Read settings as twistd does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(UI_VARIABLE, raising=False)
        for variable, value in environment.items():
            patch.setenv(variable, value)
        options = Options()
        options.parseOptions(arguments)
    assert options.settings is not None
    return options.settings


def refusal(*arguments: str, **environment: str) -> str:
    """Return the line with which the settings are refused: it is printed, and the process ends with status 1."""
    with pytest.raises(SystemExit) as end:
        read(*arguments, **environment)
    line = end.value.code
    assert isinstance(line, str)  # Python prints it and ends with status 1
    assert line.startswith("sessionworker: ")
    assert "\n" not in line
    assert end.value.__suppress_context__
    return line
