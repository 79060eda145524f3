"""Programs that tests run as processes of their own: the worker, and the real Node client.

Nothing here waits without a deadline, and whatever goes wrong carries what the program said.
"""

from __future__ import annotations

import http.client
import json
import os
import queue
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from tests import warm
from tests.ports import free_port
from tests.warm import Forked

REPOSITORY = Path(__file__).parent.parent
NODE_PROGRAMS = REPOSITORY / "tests" / "node"

TOKEN_VARIABLE = "GLOBAL_AUTH_TOKEN"
BAILEYS_VARIABLE = "BAILEYS"
SETTINGS_PREFIXES = warm.SETTINGS_PREFIXES
"""What a worker's environment variables begin with: those of the shell that runs the tests are not for our workers."""
WITHOUT_PAGE = {"SESSIONWORKER_UI_LISTEN": "off"}  # it has one port on a machine
POLL_SECONDS = 0.005


class ProcessError(Exception):
    """A program did not do what was awaited of it. The message ends with what it had said."""


class WorkerProcess:
    """A real `twistd sessionworker` process on a port of its own, which it keeps when it is started again.

    As a context manager it is started and ready inside, and gone after, whatever happened.
    """

    before: Sequence[str] = ()  # a program that starts the worker, with its arguments
    host = "127.0.0.1"  # the address where it listens
    is_loaded_anew = False  # whether it loads itself all that it is made of: see `LoadedAnew`

    def __init__(
        self, store: Path | str, *options: str, environment: Mapping[str, str] | None = None, token: str = ""
    ) -> None:
        """Prepare a worker for the folder `store`, or a database; `options` are added to its command line.

        With a `token` that is its own, or else one that nobody had before.
        """
        self.address = str(store)
        self.store = Path(store)
        self.options = options
        self.environment = dict(environment or {})
        self.token = token or secrets.token_hex(16)
        self.port = free_port()
        self._started_at = 0.0
        self._process: subprocess.Popen[bytes] | Forked | None = None
        self._private = TemporaryDirectory(prefix="sessionworker-process-")
        self._token_file = Path(self._private.name) / "token"
        self._token_file.touch(mode=0o600)
        self._token_file.write_text(self.token)
        self._output_file = Path(self._private.name) / "output"
        self._output_file.touch()

    def __enter__(self) -> Self:
        """Start the worker and wait until it answers."""
        try:
            self.start()
            self.wait_until_ready()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Kill the worker if it still runs. An error that passes gets the worker's output as a note."""
        if error is not None:
            error.add_note(f"The worker's output:\n{self.output}")
        self.close()

    @property
    def url(self) -> str:
        """The worker's address, without a path."""
        return f"http://{self.host}:{self.port}"

    @property
    def pid(self) -> int:
        """The process id of the worker that was started last."""
        return self._started().pid

    @property
    def running(self) -> bool:
        """Whether a worker was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def output(self) -> str:
        """All that this worker wrote to standard output and standard error, over all its starts."""
        return self._output_file.read_text(errors="replace")

    @property
    def failures(self) -> list[str]:
        """The lines that tell of what nobody foresaw."""
        return [line for line in self.output.splitlines() if " critical [" in line or "Traceback" in line]

    def start(self) -> None:
        """Start the worker, and return at once."""
        if self.running:
            raise ProcessError("this worker is running already")
        words = ["--nodaemon", "--pidfile=", "sessionworker", "--listen", f"tcp:{self.port}:interface={self.host}"]
        words += ["--store", self.address, "--token-file", str(self._token_file), *self.options]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS_PREFIXES)}
        environment = {**inherited, **WITHOUT_PAGE, **self.environment}
        is_anew = self.is_loaded_anew or bool(self.before) or not warm.is_possible(environment)
        with self._output_file.open("ab") as output, Path(os.devnull).open("rb") as nothing:
            self._started_at = time.monotonic()
            if is_anew:
                command = [*self.before, str(Path(sys.executable).with_name(warm.TWISTD)), *words]
                self._process = subprocess.Popen(
                    command, cwd=REPOSITORY, env=environment, stdin=nothing, stdout=output, stderr=output
                )
            else:
                files = (nothing.fileno(), output.fileno(), output.fileno())
                self._process = warm.warm().start(warm.TWISTD, words, environment, files)

    def wait_until_ready(self, seconds: float = 20) -> float:
        """Wait until the worker answers a ping, and return how many seconds that is after its start."""
        process = self._started()
        while True:
            if process.poll() is not None:
                raise self._error(f"the worker ended with status {process.returncode} before it answered")
            if self._answers_ping():
                return time.monotonic() - self._started_at
            if time.monotonic() - self._started_at > seconds:
                raise self._error(f"the worker did not answer within {seconds} s")
            time.sleep(POLL_SECONDS)

    def kill(self) -> None:
        """End the worker at once, as a crash does (`kill -9`)."""
        process = self._started()
        process.kill()
        process.wait(10)

    def terminate(self, seconds: float = 20) -> int:
        """Ask the worker to stop (SIGTERM), and return its exit status; negative when a signal ended it."""
        self._started().send_signal(signal.SIGTERM)
        return self.wait_until_ended(seconds)

    def wait_until_ended(self, seconds: float = 20) -> int:
        """Return the worker's exit status; a worker that has not ended by then is killed, and that is an error."""
        process = self._started()
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise self._error(f"the worker had not ended after {seconds} s") from None

    def close(self) -> None:
        """Kill the worker if it runs, and remove its token and its output."""
        if self.running:
            self.kill()
        self._private.cleanup()

    def _answers_ping(self) -> bool:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=5)
        try:
            connection.request("OPTIONS", "/ping")
            return connection.getresponse().read() == b"pong"
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _started(self) -> subprocess.Popen[bytes] | Forked:
        if self._process is None:
            raise ProcessError("this worker was never started")
        return self._process

    def _error(self, what: str) -> ProcessError:
        return ProcessError(f"{what}. Its output:\n{self.output}")


class LoadedAnew(WorkerProcess):
    """A worker that loads itself all that it is made of: for tests of a start, and of memory. The others are forks."""

    is_loaded_anew = True


class NodeProgram:
    """A Node program that speaks the worker's protocol, steered line by line over its standard input and output.

    As a context manager it is gone after the block, whatever happened.
    """

    def __init__(self, script: Path, url: str, token: str | None, *arguments: str, baileys: str | None = None) -> None:
        """Start `script` against the worker at `url`, with one of `tests/node/versions.mjs` or with the newest.

        The token, if any, goes through the environment, out of sight of `ps`.
        """
        chosen = {TOKEN_VARIABLE: token, BAILEYS_VARIABLE: baileys}
        environment = {name: value for name, value in os.environ.items() if name not in chosen}
        environment |= {name: value for name, value in chosen.items() if value is not None}
        self._process = subprocess.Popen(
            ["node", str(script), url, *arguments],  # noqa: S607 - whichever node the user has
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._said: list[str] = []
        self._complaints: list[str] = []
        self._readers = [
            threading.Thread(target=self._read_output, daemon=True),
            threading.Thread(target=self._read_complaints, daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Self:
        """Nothing more to do: the program was started when it was made."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Kill the program if it still runs, and close its pipes."""
        self._process.kill()
        self._process.wait(10)
        for reader in self._readers:
            reader.join(10)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()

    @property
    def output(self) -> str:
        """What was read of its standard output, then what it wrote to standard error."""
        return "".join([*self._said, *self._complaints])

    def read_line(self, seconds: float = 60) -> str | None:
        """Return the next line of its standard output, without the line end; None after the last one."""
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            raise self.error(f"the Node program said nothing for {seconds} s") from None
        if line is None:
            return None
        self._said.append(line)
        return line.rstrip("\n")

    def wait_for(self, beginning: str, seconds: float = 60) -> str:
        """Read lines until one begins with `beginning`, and return it."""
        deadline = time.monotonic() + seconds
        while (line := self.read_line(max(0.0, deadline - time.monotonic()))) is not None:
            if line.startswith(beginning):
                return line
        raise self.error(f"the Node program ended without saying '{beginning}'")

    def go_on(self, word: str = "") -> None:
        """Let a program go on that waits for a line, which may say more than that."""
        assert self._process.stdin is not None
        print(word, file=self._process.stdin, flush=True)

    def wait_until_ended(self, seconds: float = 60) -> int:
        """Return its exit status, negative when a signal ended it."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise self.error(f"the Node program had not ended after {seconds} s") from None

    def result(self, seconds: float = 60) -> dict[str, Any]:
        """Return the JSON object of its last line, which is the only one that begins with a brace."""
        answer: dict[str, Any] = json.loads(self.wait_for("{", seconds))
        return answer

    def error(self, what: str) -> ProcessError:
        """Make an error that shows what the program said."""
        return ProcessError(f"{what}. Its output:\n{self.output}")

    def _read_output(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def _read_complaints(self) -> None:
        assert self._process.stderr is not None
        self._complaints.extend(self._process.stderr)
