"""What the store said last, asked once for all who look: ten open pages cost it no more than one, and it may hang."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from msgspec import Struct
from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from sessionworker.errors import NotFound, StoreUnavailable, WorkerError

VALID_SECONDS = 2.0
"""How long an answer holds, at least."""

REST = 200
"""How many times as long as the store took for it an answer holds, at least: a page must not be most of its work."""

PATIENCE_SECONDS = 1.0
"""How long whoever looks waits for the first one, or for what is true after a change. A store that takes longer to
answer is told of."""

LONGEST_SECONDS = 60.0
"""How long an answer holds, at most: one that took an hour, as the store hung, is as old as any other."""

OF_USE_SECONDS = 1.5 * LONGEST_SECONDS
"""How long an answer is shown while a newer one is asked for: longer than it holds, so that it can be kept new."""

AT_ONCE = 2
"""Questions that the store is asked at once: the threads that answer them read for the APIs, too."""

BRIEF_SECONDS = 0.05
"""How long whoever looks waits for a newer one; then the last one is shown, unless it is older than OF_USE_SECONDS."""

MOST_QUESTIONS = 50
"""Answers that are remembered; the one that was asked for longest ago is forgotten first."""

T = TypeVar("T")


class Seen(Struct, Generic[T], frozen=True):
    """An answer of the store."""

    value: T | None
    """None where it never gave one."""
    age: float
    """Seconds since it came; since it was asked for first, where none came."""
    is_late: bool
    """Whether it was asked again, and has not answered in time or said that it cannot."""
    error: WorkerError | None = None
    """Why not, if it said so."""

    def get(self) -> T:
        """Return the value. Raises WorkerError where there is none."""
        if self.value is None:
            raise self.error or StoreUnavailable("The store has not answered.")
        return self.value


class _Question(Struct):
    ask: Callable[[], Deferred[Any]]
    asked_at: float
    came_at: float | None = None
    took: float = 0.0
    value: Any = None
    is_asking: bool = False
    is_outdated: bool = False
    """Whether something was changed since the value came."""
    failed: WorkerError | None = None
    waiting: list[Deferred[Any]] = []


class Known:
    """Asks questions, each by a name."""

    _log = Logger()

    def __init__(self, reactor: IReactorTime) -> None:
        """Know nothing yet."""
        self._reactor = reactor
        self._questions: dict[object, _Question] = {}
        self._turns = DeferredSemaphore(AT_ONCE)

    def ask(self, name: object, ask: Callable[[], Deferred[T]], *, is_needed: bool = True) -> Deferred[Seen[T]]:
        """Return an answer to a question that is no older than it holds, or else the last one. Never fails.

        `ask` may fail with a WorkerError; whatever else comes is logged, and told as a failure, too. What is not needed
        is waited for briefly, also where there is no last one.
        """
        now = self._reactor.seconds()
        question = self._questions.pop(name, None) or _Question(ask, now)
        while len(self._questions) >= MOST_QUESTIONS:
            del self._questions[next(iter(self._questions))]
        self._questions[name] = question
        question.ask = ask
        holds = min(max(VALID_SECONDS, REST * question.took), LONGEST_SECONDS)
        is_recent = question.came_at is not None and now - question.came_at < holds
        result: Deferred[Seen[T]] = Deferred()
        if is_recent and question.failed is None and not question.is_outdated:
            result.callback(self._seen(question))
            return result
        is_hanging = question.is_asking and now - question.asked_at >= PATIENCE_SECONDS
        if is_hanging or (question.failed is not None and now - question.asked_at < VALID_SECONDS):
            result.callback(self._seen(question))
            return result
        question.waiting.append(result)
        if not question.is_asking:
            self._begin(question)
        is_of_use = question.came_at is not None and now - question.came_at < OF_USE_SECONDS
        if not result.called and not question.is_outdated and (is_of_use or not is_needed):
            self._reactor.callLater(BRIEF_SECONDS, self._tell_one, question, result)
        return result

    def prepare(self, name: object, ask: Callable[[], Deferred[Any]]) -> None:
        """Ask a question that somebody may have soon who is not known yet: no oftener than REST allows.

        How long that is has no bound, or strangers could keep a store busy that takes long.
        """
        question = self._questions.get(name)
        came_at = question.came_at if question is not None else None
        if question is None or came_at is None or self._reactor.seconds() - came_at >= REST * question.took:
            self.ask(name, ask, is_needed=False)

    def last(self, name: object) -> Any:
        """Return what was answered last, however long ago; None if nothing was."""
        question = self._questions.get(name)
        return None if question is None else question.value

    def forget(self) -> None:
        """Have all asked again: something was changed."""
        for name, before in self._questions.items():
            self._questions[name] = _Question(
                before.ask, before.asked_at, before.came_at, value=before.value, is_outdated=True
            )

    def _begin(self, question: _Question) -> None:
        question.is_asking, question.asked_at = True, self._reactor.seconds()
        late = self._reactor.callLater(PATIENCE_SECONDS, self._tell, question)

        def came(outcome: Any) -> None:
            question.is_asking = False
            if isinstance(outcome, Failure):
                question.failed = outcome.value if isinstance(outcome.value, WorkerError) else None
                if question.failed is None:
                    self._log.failure("What the page asks for failed", outcome, event="page_failed")
                    question.failed = WorkerError()
                if isinstance(question.failed, NotFound):
                    question.value = None
            else:
                now = self._reactor.seconds()
                question.value, question.came_at, question.failed = outcome, now, None
                question.took, question.is_outdated = now - question.asked_at, False
            if late.active():
                late.cancel()
            self._tell(question)

        self._turns.run(question.ask).addBoth(came)

    def _tell_one(self, question: _Question, result: Deferred[Any]) -> None:
        if result in question.waiting:
            question.waiting.remove(result)
            result.callback(self._seen(question))

    def _tell(self, question: _Question) -> None:
        waiting, question.waiting = question.waiting, []
        for result in waiting:
            result.callback(self._seen(question))

    def _seen(self, question: _Question) -> Seen[Any]:
        now = self._reactor.seconds()
        since = question.asked_at if question.came_at is None else question.came_at
        is_late = question.failed is not None or (question.is_asking and now - question.asked_at >= PATIENCE_SECONDS)
        return Seen(question.value, now - since, is_late, question.failed)
