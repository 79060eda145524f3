"""Who is signed in, and for how long; and the codes that sign in once."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from twisted.internet.task import Clock

from sessionworker.access import Role
from sessionworker.page.sessions import (
    CODE_SECONDS,
    IDLE_SECONDS,
    LONGEST_SECONDS,
    MOST_CODES,
    MOST_SESSIONS,
    Codes,
    Session,
    Sessions,
)

STRANGE = ["", "nobody's", "\udcff\x00", "x" * 100_000]


def test_a_session_is_found_by_its_secret_alone() -> None:
    sessions = Sessions(Clock())
    secret, session = sessions.open(Role.ADMIN)
    _, other = sessions.open(Role.VIEW)
    assert sessions.find(secret) is session
    assert (session.role, other.role) == (Role.ADMIN, Role.VIEW)
    for wrong in [*STRANGE, secret[:-1], session.csrf]:
        assert sessions.find(wrong) is None


def test_the_secret_is_not_kept() -> None:
    sessions, codes = Sessions(Clock()), Codes(Clock())
    secret, code = sessions.open(Role.ADMIN)[0], codes.make(Role.ADMIN)
    assert len(secret) == len(code) == 43  # 256 bits
    assert secret not in repr(vars(sessions))
    assert code not in repr(vars(codes))


def test_a_form_is_of_its_session_alone() -> None:
    sessions = Sessions(Clock())
    secret, session = sessions.open(Role.ADMIN)
    _, other = sessions.open(Role.ADMIN)
    assert session.is_own(session.csrf)
    for wrong in [*STRANGE, other.csrf, secret]:
        assert not session.is_own(wrong)


def test_one_that_is_not_used_ends() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    used, session = sessions.open(Role.ADMIN)
    idle, _ = sessions.open(Role.ADMIN)
    clock.advance(IDLE_SECONDS - 1)
    assert sessions.find(used) is session
    clock.advance(1)
    assert sessions.find(used) is session
    assert sessions.find(idle) is None
    assert len(sessions) == 1


def test_one_that_is_used_all_the_time_ends_all_the_same() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    secret, session = sessions.open(Role.ADMIN)
    for _ in range(int(LONGEST_SECONDS / 60) - 1):
        clock.advance(60)
        assert sessions.find(secret) is session
    clock.advance(60)
    assert sessions.find(secret) is None


def test_one_that_was_closed_is_found_no_longer() -> None:
    sessions = Sessions(Clock())
    secret, session = sessions.open(Role.ADMIN)
    other, _ = sessions.open(Role.ADMIN)
    sessions.close(session)
    sessions.close(session)
    assert sessions.find(secret) is None
    assert sessions.find(other) is not None
    sessions.close_all()
    assert sessions.find(other) is None


def test_the_one_that_was_idle_longest_goes_for_a_further_one() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    secrets = []
    for _ in range(MOST_SESSIONS):
        clock.advance(1)
        secrets.append(sessions.open(Role.ADMIN)[0])
    assert sessions.find(secrets[0]) is not None
    secrets.append(sessions.open(Role.ADMIN)[0])
    assert len(sessions) == MOST_SESSIONS
    assert [index for index, secret in enumerate(secrets) if sessions.find(secret) is None] == [1]


class AnySessions(RuleBasedStateMachine):
    """Held against a list in which each session stands with the time of its last use."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.sessions = Sessions(self.clock)
        self.all: list[tuple[str, Session]] = []
        self.used: dict[str, float] = {}

    def lives(self, secret: str, session: Session) -> bool:
        now = self.clock.seconds()
        is_young = now - session.opened_at < LONGEST_SECONDS
        return secret in self.used and now - self.used[secret] < IDLE_SECONDS and is_young

    @rule(role=st.sampled_from(Role))
    def open(self, role: Role) -> None:
        living = [secret for secret, session in self.all if self.lives(secret, session)]
        if len(living) == MOST_SESSIONS:
            del self.used[min(living, key=self.used.__getitem__)]
        secret, session = self.sessions.open(role)
        assert session.role is role
        self.all.append((secret, session))
        self.used[secret] = self.clock.seconds()
        self.clock.advance(0.001)  # no two are idle equally long

    @rule(data=st.data())
    def find(self, data: st.DataObject) -> None:
        if self.all:
            secret, session = data.draw(st.sampled_from(self.all))
            assert self.sessions.find(secret) is (session if self.lives(secret, session) else None)
            if self.lives(secret, session):
                self.used[secret] = self.clock.seconds()
            self.clock.advance(0.001)

    @rule(data=st.data())
    def close(self, data: st.DataObject) -> None:
        if self.all:
            secret, session = data.draw(st.sampled_from(self.all))
            self.sessions.close(session)
            self.used.pop(secret, None)

    @rule()
    def close_all(self) -> None:
        self.sessions.close_all()
        self.used.clear()

    @rule(seconds=st.sampled_from([1.0, IDLE_SECONDS / 3, IDLE_SECONDS, LONGEST_SECONDS - 1]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @invariant()
    def there_are_as_many(self) -> None:
        living = sum(self.lives(secret, session) for secret, session in self.all)
        assert len(self.sessions) == living <= MOST_SESSIONS


AnySessions.TestCase.settings = settings(max_examples=50, stateful_step_count=50, deadline=None)
test_whatever_is_done_with_them = AnySessions.TestCase


def test_a_code_signs_in_once() -> None:
    codes = Codes(Clock())
    code = codes.make(Role.VIEW)
    for wrong in STRANGE:
        assert codes.take(wrong) is None
    assert codes.take(code) is Role.VIEW
    assert codes.take(code) is None


def test_a_code_that_is_late_is_worth_nothing() -> None:
    clock = Clock()
    codes = Codes(clock)
    in_time, late = codes.make(Role.ADMIN), codes.make(Role.ADMIN)
    clock.advance(CODE_SECONDS - 0.1)
    assert codes.take(in_time) is Role.ADMIN
    clock.advance(0.1)
    assert codes.take(late) is None


def test_codes_are_bounded_and_can_be_forgotten() -> None:
    codes = Codes(Clock())
    made = [codes.make(Role.ADMIN) for _ in range(MOST_CODES + 2)]
    assert [codes.take(code) for code in made[:3]] == [None, None, Role.ADMIN]
    codes.forget_all()
    assert [codes.take(code) for code in made] == [None] * len(made)
