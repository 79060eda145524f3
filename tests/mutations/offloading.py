"""Faults in how calls of the store are queued, ordered, bounded and ended."""

from __future__ import annotations

from tests.mutations.fault import Fault

_OFFLOAD = "sessionworker/offload.py"
_HOLDING = "sessionworker/holding.py"
_TURNS = "sessionworker/turns.py"

_TESTS = ("tests/offload",)
_OVERLOAD = ("tests/offload", "tests/overload")

FAULTS: tuple[Fault, ...] = (
    Fault(
        "an instance is written to while it is read as a whole",
        "sessionworker/web/many_keys.py",
        "partial(self._offload.ask_in_turn, group, instance, whole)",
        "partial(self._offload.ask, whole)",
        ("tests/protocol/test_many_keys.py",),
    ),
    Fault(
        "what waits behind a read of a whole instance waits for ever",
        _OFFLOAD,
        "        self._answer([(ticket, result)])\n        self._turns.leave(place)\n",
        "        self._answer([(ticket, result)])\n",
        _TESTS,
    ),
    Fault(
        "two writes that wait are committed in the wrong order",
        _OFFLOAD,
        "| None] = SimpleQueue()",
        '| None] = __import__("queue").LifoQueue()',
        _TESTS,
    ),
    Fault(
        "a write overtakes one of its instance that is still being made",
        _TURNS,
        "        elif line is not None:\n",
        "        elif False:\n",
        _TESTS,
    ),
    Fault(
        "the drop of a group overtakes what is being made",
        _TURNS,
        "elif len(place) == 1 and self._is_busy(place):",
        "elif False:",
        _TESTS,
    ),
    Fault(
        "what comes after the drop of a group overtakes it",
        _TURNS,
        "        if behind_group is not None:\n            behind_group.append(waiting)\n        elif len",
        "        if len",
        _TESTS,
    ),
    Fault(
        "a failure of a call is swallowed",
        _OFFLOAD,
        "                result = Failure()\n",
        "                result = None  # type: ignore[assignment]\n",
        _TESTS,
    ),
    Fault(
        "what a call was given that failed is kept",
        _OFFLOAD,
        "            del result  #",
        "            #",
        _TESTS,
    ),
    Fault(
        "a large body of many values that is refused is kept",
        "sessionworker/web/many_keys.py",
        "            if not failure.check(_Reads):\n                return failure",
        "            failure.trap(_Reads)",
        ("tests/protocol/test_refused_bodies.py",),
    ),
    Fault(
        "a commit that failed is said to be done",
        _OFFLOAD,
        "outcomes = [Failure() for _ in taken]",
        "outcomes = [None for _ in taken]",
        _TESTS,
    ),
    Fault(
        "a refusal is said to be a success",
        _OFFLOAD,
        "Failure(outcome) if isinstance(outcome, Exception) else outcome)",
        "None)",
        _TESTS,
    ),
    Fault(
        "the queue has no bound",
        _OFFLOAD,
        "return self._stopping or self.under_way >= self._longest_queue * times",
        "return self._stopping",
        (
            "tests/overload/test_queue.py::test_more_calls_than_may_wait_are_refused_at_once_and_what_was_accepted_is_done",
        ),
    ),
    Fault(
        "the bytes that wait have no bound",
        _OFFLOAD,
        "if self._is_full() or (self.waiting_bytes and self.waiting_bytes + size > MOST_WAITING_BYTES):",
        "if self._is_full():",
        _TESTS,
    ),
    Fault(
        "bytes count although they do not wait any more",
        _OFFLOAD,
        "            self.waiting_bytes -= ticket.size\n",
        "",
        _TESTS,
    ),
    Fault(
        "reads of creds are refused as early as any others",
        _OFFLOAD,
        "self._is_full(times=2 if CREDS in keys else 1)",
        "self._is_full()",
        _OVERLOAD,
    ),
    Fault(
        "a call that was cancelled is not carried out",
        _OFFLOAD,
        "            taken.append(entry)\n",
        '            taken.append((Batch("", "", ()), entry[1]) if entry[1].done.called else entry)\n',
        ("tests/offload/test_order_and_batches.py::test_a_change_whose_client_hangs_up_is_made_all_the_same",),
    ),
    Fault(
        "a commit takes any number of entries",
        _OFFLOAD,
        "if len(taken) == LARGEST_COMMIT or size",
        "if size",
        _TESTS,
    ),
    Fault(
        "a stop does not wait for what was accepted",
        _OFFLOAD,
        "if self._stopping and not self.under_way and not self._idle.called:",
        "if self._stopping and not self._idle.called:",
        _TESTS,
    ),
    Fault(
        "something is accepted after the stop",
        _OFFLOAD,
        "return self._stopping or self.under_way",
        "return self.under_way",
        ("tests/offload/test_end.py::test_stopping_finishes_what_was_accepted_and_refuses_what_comes_later",),
    ),
    Fault(
        "what a store does not admit is committed at once",
        _OFFLOAD,
        "return self._holding.hold(entry, size, go_on) or self._put(",
        "return self._put(",
        _TESTS,
    ),
    Fault(
        "one change is committed at once where much waits",
        _OFFLOAD,
        "self._turns.are_free and not self.store.waiting.is_crowded",
        "self._turns.are_free",
        _TESTS,
    ),
    Fault(
        "what comes after one change that was held is held for ever",
        _OFFLOAD,
        "            if not self._put(entry, ticket, size):\n",
        "            if self._put(entry, ticket, size) and False:\n",
        _TESTS,
    ),
    Fault(
        "batches of one instance are asked about before those ahead of them are committed",
        _OFFLOAD,
        "        return ticket.behind is not None\n",
        "        return False\n",
        _TESTS,
    ),
    Fault(
        "what was let in counts for ever",
        _OFFLOAD,
        "                self._holding.end(batch, size_of(batch))\n",
        "",
        _TESTS,
    ),
    Fault(
        "room that is made while it is asked for is missed",
        _HOLDING,
        "        if self.admits(batch, size):  # room",
        "        if False:  # room",
        _TESTS,
    ),
    Fault(
        "what is held waits for room that may never come",
        _HOLDING,
        "if oldest.ends >= ENDS_TO_WAIT_FOR:",
        "if False:",
        _TESTS,
    ),
    Fault(
        "what is held is let in at the first end, of a round that may have begun before it",
        _HOLDING,
        "ENDS_TO_WAIT_FOR = 2",
        "ENDS_TO_WAIT_FOR = 1",
        _TESTS,
    ),
    Fault(
        "what is held is not told of the end of a round in which the disk failed",
        "sessionworker/stores/files/background.py",
        "            self._waiting.freed(is_over=True)\n",
        "            pass\n",
        ("tests/files/test_held_on_a_bad_disk.py",),
    ),
    Fault(
        "all that were held for long enough are let in at one end",
        _HOLDING,
        """            place, oldest = next(iter(self._held.items()))
            if oldest.ends >= ENDS_TO_WAIT_FOR:
                self._held.pop(place).go_on()""",
        """            for place, oldest in list(self._held.items()):
                if oldest.ends >= ENDS_TO_WAIT_FOR:
                    self._held.pop(place).go_on()""",
        ("tests/offload/test_holding.py",),
    ),
    Fault(
        "a create that was given up while it waited is made",
        _OFFLOAD,
        "    if ticket.done.called and type(entry) is CreateInstance:\n",
        "    if False:\n",
        ("tests/offload/test_holding.py", "tests/overload/test_hanging_disk.py"),
    ),
    Fault(
        "a change is not made once whoever asked for it has hung up",
        _OFFLOAD,
        "    if ticket.done.called and type(entry) is CreateInstance:\n",
        "    if ticket.done.called and type(entry) in (CreateInstance, Batch):\n",
        ("tests/offload/test_holding.py",),
    ),
    Fault(
        "one instance may have all that waits in front of the store",
        _TURNS,
        "return len(line.waiting) >= MOST_BEHIND or line.size + size > MOST_BYTES_BEHIND",
        "return False",
        _TESTS,
    ),
    Fault(
        "one instance may have all that waits for its files",
        "sessionworker/stores/files/waiting.py",
        "return free >= 2 * min(wanted, most // 4)",
        "return free > 0",
        ("tests/files/test_waiting.py",),
    ),
    Fault(
        "an instance that takes no writes is held for its files",
        "sessionworker/stores/files/waiting.py",
        "if instance is None or instance.refusal is not None or instance.is_refused:",
        "if instance is None:",
        ("tests/files/test_waiting.py",),
    ),
    Fault(
        "nobody has the files follow sooner for what is held",
        "sessionworker/stores/files/waiting.py",
        "            self.wake()\n",
        "            pass\n",
        ("tests/files/test_waiting.py",),
    ),
    Fault(
        "nobody who is held is told of files that followed",
        "sessionworker/stores/files/waiting.py",
        "        self._tell(is_over)\n",
        "",
        ("tests/files/test_waiting.py",),
    ),
    Fault(
        "a stop does not close the store",
        _OFFLOAD,
        "        self._idle.addCallback(lambda _: self._run_in_thread(self.store.close))\n",
        "",
        _TESTS,
    ),
)
