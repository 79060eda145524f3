"""Asks a worker: an `async` function that is given a client, with the synchronous command around it."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from http import HTTPStatus
from typing import Any, NamedTuple, NoReturn, Protocol, TypeGuard, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import UNIXClientEndpoint
from twisted.internet.error import ReactorNotRunning
from twisted.internet.task import deferLater, react
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool
from twisted.web.client import Agent
from twisted.web.iweb import IAgentEndpointFactory
from zope.interface import implementer

from sessionworker.access import Role
from sessionworker.client import (
    Client,
    ClientError,
    ConnectionFailed,
    Refused,
    Unauthorized,
    UnexpectedAnswer,
)
from sessionworker.commands.endings import Code, Stop
from sessionworker.commands.given import FoundToken, Given
from sessionworker.commands.hosting import worker_on
from sessionworker.migration.found import InThread

Result = TypeVar("Result")

TIME_LIMIT_SECONDS = 120.0
"""For each call: a checkpoint, or a list of thousands of instances, may take long."""

UNIX = "unix:"
"""What the address of a Unix socket begins with, in the place of `http://`."""


class Reached(NamedTuple):
    """A worker that can be asked."""

    url: str
    tokens: Mapping[Role, FoundToken]


def ask(
    given: Given,
    work: Callable[..., Coroutine[Any, Any, Result]],
    roles: tuple[Role, ...] = (Role.ADMIN,),
    *,
    patience: float = 0.0,
) -> Result:
    """Return what `work` does, which is given a client for each of `roles`. Once in a process, as a reactor runs once.

    `patience` is for how many seconds a worker may say that it has too much to do, until that is told.

    Raises Stop with a sentence for what a worker refuses, and KeyboardInterrupt after Ctrl-C or SIGTERM: `work` is
    cancelled then, and may end in order; a second signal ends the process.
    """
    with reach(given, roles) as reached:
        return _react(reached, work, patience)


@contextmanager
def reach(given: Given, roles: tuple[Role, ...] = (Role.ADMIN,)) -> Iterator[Reached]:
    """Find the worker, or start one on a store whose own does not run."""
    if given.store is None:
        if given.keys is not None:
            raise Stop("--keys is for --store: a worker that runs has its own.", Code.USAGE)
        yield Reached(given.address, {role: given.token(role) for role in roles})
    else:
        if given.url or given.token_file:
            raise Stop("--store excludes --url and --token-file: the worker on it is started here.", Code.USAGE)
        with worker_on(given.store, given.keys) as (socket, secret):
            token = FoundToken(secret, "this command")
            yield Reached(f"{UNIX}{socket}", dict.fromkeys(roles, token))


def _react(reached: Reached, work: Callable[..., Coroutine[Any, Any, Result]], patience: float) -> Result:
    results: list[Result] = []
    failures: list[BaseException] = []

    async def main(reactor: Any) -> None:
        try:
            async with AsyncExitStack() as stack:
                clients = [
                    await stack.enter_async_context(client_of(reached.url, token, reactor, patience))
                    for token in reached.tokens.values()
                ]
                results.append(await work(*clients))
        except Exception as error:  # noqa: BLE001 - raised again outside of the reactor, which would log it
            failures.append(error)

    def start(reactor: Any) -> Deferred[None]:
        # react ends with the status 0 where a signal stops the reactor, and leaves what is under way as it is.
        done = Deferred.fromCoroutine(main(reactor))
        waiting: Deferred[None] = Deferred()

        def interrupt() -> Deferred[None] | None:
            if done.called:
                return None
            for number in (signal.SIGINT, signal.SIGTERM):  # the next one ends what does not come to an end
                signal.signal(number, signal.SIG_DFL)
            done.cancel()
            return waiting

        reactor.addSystemEventTrigger("before", "shutdown", interrupt)
        return done.addCallback(waiting.callback)

    with suppress(SystemExit), _ended_by_hanging_up():
        react(start)
    if failures:
        _raise(failures[0], reached)
    return results[0]


@contextmanager
def _ended_by_hanging_up() -> Iterator[None]:
    """Have a terminal that is closed interrupt a command, as Ctrl-C does: or files with credentials stay halfway."""
    from twisted.internet import reactor as installed  # noqa: PLC0415 - importing it installs it

    reactor: Any = installed

    def stop() -> None:
        with suppress(ReactorNotRunning):  # not yet, or it ends already
            reactor.stop()

    before = signal.getsignal(signal.SIGHUP)
    if before is signal.SIG_DFL:  # and not ignored, as by `nohup`
        signal.signal(signal.SIGHUP, lambda *_: reactor.callFromThread(stop))
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


async def sleep(seconds: float) -> None:
    """Wait, and let the reactor run."""
    from twisted.internet import reactor  # noqa: PLC0415 - importing it installs it

    await deferLater(reactor, seconds)


@asynccontextmanager
async def in_threads() -> AsyncIterator[InThread]:
    """Give what calls functions that block, within a block: in one thread, as some databases speak to one alone."""
    from twisted.internet import reactor as installed  # noqa: PLC0415 - importing it installs it

    reactor: Any = installed
    pool = ThreadPool(minthreads=1, maxthreads=1, name="blocking")
    pool.start()

    async def in_thread(function: Callable[..., Any], *arguments: Any) -> Any:
        return await deferToThreadPool(reactor, pool, function, *arguments)

    try:
        yield in_thread
    finally:
        pool.stop()


class _Closable(Protocol):
    def close(self) -> None: ...


Closable = TypeVar("Closable", bound=_Closable)


@asynccontextmanager
async def opened(in_thread: Callable[..., Any], open_it: Callable[[], Closable]) -> AsyncIterator[Closable]:
    """Give what a function opens that blocks, within a block; closed behind it, also if that is given up meanwhile."""
    found: list[Closable] = []
    is_given_up = False

    def close() -> None:
        for one in found:
            one.close()

    try:
        await in_thread(lambda: found.append(open_it()))
        yield found[0]
    except CancelledError:
        is_given_up = True
        raise
    finally:
        try:
            await in_thread(close)  # in the same thread: what was being opened is by now
        except Exception:
            if not is_given_up:  # else what is left half done cannot be ended well, which is no news
                raise


def client_of(url: str, token: FoundToken, reactor: Any, patience: float = 0.0) -> Client:
    """Return a client of the worker at an address, which may be that of a Unix socket. Raises Stop."""
    path = url.removeprefix(UNIX) if url.startswith(UNIX) else None
    agent = None if path is None else Agent.usingEndpointFactory(reactor, _Socket(reactor, path))
    try:
        return Client(
            url if path is None else "http://localhost",
            token.secret,
            time_limit=TIME_LIMIT_SECONDS,
            patience=patience,
            agent=agent,
            reactor=reactor,
        )
    except ValueError as error:
        code = Code.TOKEN_REFUSED if "token" in str(error) else Code.USAGE
        raise Stop(str(error), code) from None


@implementer(IAgentEndpointFactory)
class _Socket:
    """Connects to a Unix socket, whatever the URL says."""

    def __init__(self, reactor: Any, path: str) -> None:
        self._endpoint = UNIXClientEndpoint(reactor, path)

    def endpointForURI(self, _uri: object) -> UNIXClientEndpoint:
        return self._endpoint


def _raise(error: BaseException, reached: Reached) -> NoReturn:
    """Raise what is to be told of an error."""
    if isinstance(error, CancelledError):
        raise KeyboardInterrupt
    if isinstance(error, ClientError):
        raise stop_for(error, reached) from None
    raise error


def is_of_the_token(error: ClientError) -> TypeGuard[Refused]:
    """Tell whether a call was refused for its token: so will be all others."""
    return isinstance(error, Unauthorized) or (isinstance(error, Refused) and error.status == HTTPStatus.FORBIDDEN)


def stop_for(error: ClientError, reached: Reached) -> Stop:
    """Return what ends a command of which a call did not succeed."""
    if is_of_the_token(error):
        sources = " or ".join(dict.fromkeys(token.source for token in reached.tokens.values()))
        why = error.message if error.status == HTTPStatus.FORBIDDEN else "It is not this worker's."
        return Stop(f"The token of {sources} is refused. {why}", Code.TOKEN_REFUSED)
    if isinstance(error, (ConnectionFailed, UnexpectedAnswer)):
        text = error.message if isinstance(error, Refused) else str(error)
        return Stop(f"{text.rstrip('.')}.", Code.NO_WORKER)
    return Stop(error.message if isinstance(error, Refused) else str(error))
