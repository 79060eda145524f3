"""Faults in what is told to an address: too much, too often, to somebody else, or for ever."""

from __future__ import annotations

from tests.mutations.fault import Fault

_WAITING = "sessionworker/webhook/waiting.py"
_TELLING = "sessionworker/webhook/telling.py"
_POSTING = "sessionworker/webhook/posting.py"
_OPENING = "sessionworker/webhook/opening.py"


def _tests_in(module: str, *names: str) -> tuple[str, ...]:
    return tuple(f"tests/webhook/test_{module}.py::test_{name}" for name in names)


FAULTS: tuple[Fault, ...] = (
    Fault(
        "any number of events may wait",
        _WAITING,
        "if len(self) >= MOST_WAITING:",
        "if len(self) > 10 * MOST_WAITING:",
        _tests_in("waiting", "so_many_wait_at_the_most_the_one_that_is_out_included"),
    ),
    Fault(
        "the event that is being told has no place among those that wait",
        _WAITING,
        " + (self._out is not None)",
        "",
        _tests_in("waiting", "so_many_wait_at_the_most_the_one_that_is_out_included"),
    ),
    Fault(
        "what goes on happening is told each time",
        _WAITING,
        'float("-inf")) + SAME_SECONDS',
        'float("-inf"))',
        _tests_in("telling", "what_goes_on_happening_is_told_once_a_minute_and_nothing_else_waits_for_that"),
    ),
    Fault(
        "what was told is remembered for ever",
        _WAITING,
        "now - SAME_SECONDS:",
        "now - 10**9:",
        _tests_in("waiting", "what_was_told_is_forgotten_after_its_minute"),
    ),
    Fault(
        "an event is told for ever",
        _WAITING,
        " >= LONGEST_SECONDS",
        " >= 10**9",
        _tests_in("telling", "what_nobody_took_for_a_day_is_dropped_and_counted"),
    ),
    Fault(
        "an event that nobody takes holds up the others",
        _WAITING,
        "if due <= now or all_are_due:",
        "if (due <= now or all_are_due) and not self._again:",
        _tests_in("telling", "one_that_its_receiver_never_takes_holds_up_no_other"),
    ),
    Fault(
        "an event that was told changes while it is told again",
        _WAITING,
        "                    del self._new[kind]\n",
        "                    self._new[kind] = notice, 10**9\n",
        _tests_in("waiting", "what_was_not_taken_stays_as_it_was_and_comes_after_what_was_not_tried"),
    ),
    Fault(
        "pauses between tries do not grow",
        _TELLING,
        "2 * self._pause",
        "self._pause",
        _tests_in("telling", "what_was_not_taken_is_tried_again_after_pauses_that_grow_as_far_as_a_minute"),
    ),
    Fault(
        "pauses between tries grow without end",
        _TELLING,
        "min(max(FIRST_PAUSE, 2 * self._pause), LONGEST_PAUSE)",
        "max(FIRST_PAUSE, 2 * self._pause)",
        _tests_in("telling", "what_was_not_taken_is_tried_again_after_pauses_that_grow_as_far_as_a_minute"),
    ),
    Fault(
        "each event ends the pause before the next try",
        _TELLING,
        "self._under_way is not None or is_pausing or",
        "self._under_way is not None or",
        _tests_in("telling", "no_event_ends_a_pause"),
    ),
    Fault(
        "several events are told at once",
        _TELLING,
        "self._under_way is not None or is_pausing or",
        "is_pausing or",
        _tests_in("telling", "only_one_is_under_way_at_a_time"),
    ),
    Fault(
        "an event that is to be told again waits for what may not be told yet",
        _TELLING,
        "is_pausing = self._pause > 0 and self._next is not None",
        "is_pausing = self._next is not None",
        _tests_in("telling", "what_goes_on_happening_is_told_once_a_minute_and_nothing_else_waits_for_that"),
    ),
    Fault(
        "each try that failed is a line of the log",
        _TELLING,
        "        elif not self._pause:\n",
        "        else:\n",
        _tests_in("telling", "failures_are_said_once_and_so_is_their_end"),
    ),
    Fault(
        "the end waits for a receiver that hangs",
        _TELLING,
        "        self._end.addTimeout(LAST_SECONDS, self._reactor)\n",
        "",
        _tests_in("telling", "the_end_waits_for_a_receiver_that_hangs_so_long_and_no_longer"),
    ),
    Fault(
        "at the end what waits for its minute is not told",
        _TELLING,
        "take(all_are_due=self._end is not None)",
        "take()",
        _tests_in("telling", "at_the_end_what_waits_is_told"),
    ),
    Fault(
        "a redirection is followed, with all that is told",
        _POSTING,
        "allow_redirects=False",
        "allow_redirects=True",
        _tests_in("posting", "whatever_is_no_success_is_told_and_no_redirection_is_followed"),
    ),
    Fault(
        "a signature does not hold the time",
        _POSTING,
        'f"{name}.{seconds}."',
        'f"{name}."',
        _tests_in("posting", "a_notice_is_one_post_with_an_id_the_time_and_a_signature_over_both_and_the_body"),
    ),
    Fault(
        "a receiver that hangs is waited for",
        _POSTING,
        "        sent.addTimeout(ANSWER_SECONDS, self._reactor, onTimeoutCancel=_time_is_up)\n",
        "",
        _tests_in("posting", "a_receiver_that_hangs_is_waited_for_so_long_and_no_longer"),
    ),
    Fault(
        "the end of an answer is waited for, however long it is",
        _POSTING,
        "if self._size > MOST_OF_ANSWER:",
        "if self._size > 10**9:",
        _tests_in("posting", "an_answer_that_never_ends_holds_nothing_up"),
    ),
    Fault(
        "the name of a receiver is asked for in threads that the end waits for",
        _OPENING,
        "    reactor.installNameResolver(Addresses(reactor))\n",
        "",
        _tests_in("process", "a_name_service_that_hangs_holds_up_neither_the_worker_nor_its_end"),
    ),
    Fault(
        "a secret that makes no sense is shown",
        _OPENING,
        "The webhook's secret in {place} must be one word",
        "The webhook's secret {text!r} must be one word",
        _tests_in("settings", "what_is_no_secret_is_refused_and_not_shown"),
    ),
)
