"""Faults in the HTTP machine: clients that do not read, odd heads, clocks, a worker that is busy."""

from __future__ import annotations

from tests.mutations.fault import Fault

_CHANNEL = "sessionworker/http/channel.py"
_SITE = "sessionworker/http/site.py"
_ROOM = "sessionworker/http/room.py"

_THROTTLE = "sessionworker/web/throttle.py"

_THROTTLES = ("tests/test_throttle.py",)
_SO_MANY_BYTES = (
    "tests/contract/test_file_store.py::TestFileStore::test_of_several_keys_those_are_read_that_have_so_many_bytes"
)
_TOO_LARGE = "tests/contract/test_file_store.py::TestFileStore::test_an_instance_that_is_too_large_is_not_read_at_once"
_LARGE = ("tests/overload/test_large_answers.py",)
_SLOW = ("tests/test_slow_readers.py",)
_DROP_IN = ("tests/test_drop_in.py",)
_HEADS = ("tests/test_heads.py",)

FAULTS: tuple[Fault, ...] = (
    Fault(
        "who asks much and reads nothing is answered on",
        _CHANNEL,
        "        if self._is_full:\n            self._done = request",
        "        if False:\n            self._done = request",
        _SLOW,
    ),
    Fault(
        "who reads nothing of a large answer is kept for ever",
        _CHANNEL,
        "        self._wait(limits.READ_SECONDS)\n        self.transport.write(piece)",
        "        self.transport.write(piece)",
        _SLOW,
    ),
    Fault(
        "a large answer is sent without waiting for the client",
        "sessionworker/http/sending.py",
        "        while self._rest and not self._is_paused:",
        "        while self._rest:",
        _SLOW,
    ),
    Fault(
        "a stranger is told to go on with a body",
        _CHANNEL,
        'asks_first = request.requestHeaders.hasHeader(b"Expect")',
        "asks_first = False",
        ("tests/test_gate.py",),
    ),
    Fault(
        "large answers take as much memory as they want",
        _ROOM,
        "        return not others or others + size <= self._most * times",
        "        return True",
        _LARGE,
    ),
    Fault(
        "an answer over the bound is never given",
        _ROOM,
        "return not others or others + size",
        "return others + size",
        _LARGE,
    ),
    Fault(
        "who comes later overtakes those who wait for room",
        _ROOM,
        "is_overtaking = bool(self._waiting) and",
        "is_overtaking = False and",
        _LARGE,
    ),
    Fault(
        "reads of creds wait behind all others for room",
        _ROOM,
        "and not own and not is_urgent",
        "and not own",
        _LARGE,
    ),
    Fault(
        "what a client leaves that hangs up is lost to others",
        "sessionworker/http/request.py",
        "        self.channel.site.answers.leave(self)\n        super().connectionLost(reason)",
        "        super().connectionLost(reason)",
        _LARGE,
    ),
    Fault(
        "room is not given back when an answer was read",
        "sessionworker/http/request.py",
        "            self.site.answers.leave(self)\n            super().finish()",
        "            super().finish()",
        _LARGE,
    ),
    Fault(
        "an answer for nobody takes room for ever",
        "sessionworker/http/answers.py",
        "size <= SMALL_ANSWER or request.channel is None",
        "size <= SMALL_ANSWER",
        _LARGE,
    ),
    Fault(
        "what cannot wait for room is sent without it",
        "sessionworker/http/request.py",
        "if is_large and not self.site.answers.take(self, len(data)):",
        "if False:",
        _LARGE,
    ),
    Fault(
        "who waits for room waits for ever",
        _ROOM,
        "if now - waiting.since >= limits.TURN_SECONDS and",
        "if False and",
        _LARGE,
    ),
    Fault(
        "who reads nothing has others wait for room as long as it likes",
        _ROOM,
        "now + limits.READ_SECONDS - limits.STUCK_SECONDS",
        "now",
        _LARGE,
    ),
    Fault(
        "as many as want to wait for room",
        _ROOM,
        "if len(self._waiting) >= limits.MOST_TURNS:",
        "if False:",
        _LARGE,
    ),
    Fault(
        "half an emoji holds up the reactor",
        "sessionworker/web/bodies.py",
        "return len(body) > large or (",
        "return len(body) > large or False and (",
        ("tests/protocol/test_half_an_emoji.py",),
    ),
    Fault(
        "a short name may be none that UTF-8 can hold",
        "sessionworker/names.py",
        "and (name.isascii() or name.isprintable())",
        "and True",
        ("tests/test_names.py",),
    ),
    Fault(
        "the values of many keys are all in memory, however large they are",
        "sessionworker/stores/files/many.py",
        "if size > most_bytes and values:",
        "if False:",
        (_SO_MANY_BYTES,),
    ),
    Fault(
        "all of an instance is in memory, however large it is",
        "sessionworker/stores/files/many.py",
        "if len(found) < len(keys) or sum(",
        "if False and sum(",
        (_TOO_LARGE,),
    ),
    Fault(
        "what is read of an instance at once may be of several moments",
        "sessionworker/stores/files/many.py",
        "return self._of_one_moment(instance, read)",
        "return read()",
        ("tests/contract/test_file_store_many.py",),
    ),
    Fault(
        "a key whose name cannot be told is left out of all that there is",
        "sessionworker/stores/files/many.py",
        "elif is_strict and name",
        "elif False and name",
        ("tests/files/test_long_names.py",),
    ),
    Fault(
        "strangers keep all connections for themselves",
        _SITE,
        "if is_full and now - since >= STRANGER_SECONDS:",
        "if False:",
        ("tests/overload/test_bodies_and_connections.py",),
    ),
    Fault(
        "connections that are far too many are all told so",
        _SITE,
        "            channel.abort()\n            return False\n        self.channels.add(channel)",
        "            pass\n        self.channels.add(channel)",
        _SLOW,
    ),
    Fault(
        "of two tokens one is overlooked where the headers look as known ones",
        "sessionworker/http/heads.py",
        "if found and len(headers.getRawHeaders(self._credential, ())) == 1:",
        "if found:",
        ("tests/test_layouts.py",),
    ),
    Fault(
        "a line that is continued is remembered",
        "sessionworker/http/heads.py",
        'is_continued = b"\\r\\n " in head.lines or b"\\r\\n\\t" in head.lines',
        "is_continued = False",
        _HEADS,
    ),
    Fault(
        "a length in an odd spelling is remembered, and a second one beside it overlooked",
        "sessionworker/http/heads.py",
        "if is_continued or has_length or",
        "if is_continued or",
        _HEADS,
    ),
    Fault(
        "any number of headers is taken where some of them are known",
        "sessionworker/http/heads.py",
        ' or data.count(b"\\r\\n", found.end(), end) - 1 > MOST_HEADERS',
        "",
        _HEADS,
    ),
    Fault(
        "the token is not looked at where the other headers are known",
        "sessionworker/http/heads.py",
        "|x-real-ip|",
        "|x-real-ip|apikey|",
        ("tests/conversations",),
    ),
    Fault(
        "a client that is seen to end its side while its last answer is on its way is cut off",
        _CHANNEL,
        "        elif self.requests and not self._dataBuffer:",
        "        elif not self._dataBuffer:",
        ("tests/overload/test_half_closed.py",),
    ),
    Fault(
        "a client that ended its side is closed behind the first answer that is ready at once",
        _CHANNEL,
        "not (self._handlingRequest or self._is_taking)",
        "not self._handlingRequest",
        ("tests/site",),
    ),
    Fault(
        "headers without a host are remembered",
        "sessionworker/http/heads.py",
        ' or len(headers.getRawHeaders(b"Host", ())) != 1',
        "",
        _DROP_IN,
    ),
    Fault(
        "two hosts are taken for one",
        "sessionworker/http/request.py",
        'self._is_addressed = version != b"HTTP/1.1" or len(hosts) == 1',
        "self._is_addressed = True",
        _DROP_IN,
    ),
    Fault(
        "an API without a prefix is refused",
        "sessionworker/web/api.py",
        '            _log.warn(NO_GROUP, event="group_not_named")\n            return answer_nothing(request)',
        "            raise NameNotAllowed(NO_GROUP)",
        ("tests/test_first_calls.py",),
    ),
    Fault(
        "deadlines are those of the wall clock",
        "sessionworker/process.py",
        "    reactor.seconds = time.monotonic",
        "    pass",
        ("tests/test_first_hour.py",),
    ),
    Fault(
        "a worker that is only busy is not well",
        "sessionworker/offload.py",
        "        if self._is_full(times=2):\n            return fail(Overloaded())\n        self.under_way += 1\n",
        "        if self._is_full():\n            return fail(Overloaded())\n        self.under_way += 1\n",
        ("tests/overload/test_queue.py",),
    ),
    # Wrong tokens
    Fault("a wrong token is never answered late", _THROTTLE, "is_late = left < 1", "is_late = False", _THROTTLES),
    Fault(
        "answers that are late together hold everybody up",
        _THROTTLE,
        "        _, call = self._late.popleft()\n",
        "        _, call = self._late.popleft()\n"
        "        while self._late and self._late[0][0] <= self._reactor.seconds():\n"
        "            call()\n"
        "            _, call = self._late.popleft()\n",
        _THROTTLES,
    ),
    Fault(
        "a late answer that fails is the last one",
        _THROTTLE,
        "        _, call = self._late.popleft()\n",
        "        _, call = self._late.popleft()\n        call()\n        call = int\n",
        _THROTTLES,
    ),
    Fault(
        "a drain closes connections that are used in a tight row",
        _CHANNEL,
        "self._waits_since + last_seconds)",
        "self._waits_since)",
        ("tests/site/test_end.py",),
    ),
)
