"""Faults in the log: what a line looks like, what is left out of it, where it goes."""

from __future__ import annotations

from collections.abc import Callable

from tests.mutations.fault import Fault

_LOGS = "sessionworker/logs.py"
_SERVICE = "sessionworker/service.py"
_DOCUMENTS = "tests/documents/test_operations.py"


def _tests_in(module: str) -> Callable[..., tuple[str, ...]]:
    return lambda *names: tuple(f"tests/logs/test_{module}.py::test_{name}" for name in names)


_lines, _failures, _outputs, _worker = map(_tests_in, ("lines", "failures", "outputs", "worker"))


FAULTS: tuple[Fault, ...] = (
    Fault(
        "times in the log are those of the machine's zone",
        _LOGS,
        'datetime.fromtimestamp(event["log_time"], UTC)',
        'datetime.fromtimestamp(event["log_time"]).replace(tzinfo=UTC)',
        _lines("times_are_utc_to_the_millisecond_wherever_the_machine_stands"),
    ),
    Fault(
        "a name can begin a line of the log",
        _LOGS,
        "    if line.isprintable():\n",
        "    if line:\n",
        _lines("it_is_one_line_whatever_the_text_holds"),
    ),
    Fault(
        "letters are escaped in the log",
        _LOGS,
        "ensure_ascii=False, ",
        "",
        _lines("letters_of_all_languages_stand_there_as_they_are"),
    ),
    Fault(
        "a field takes the place of the message",
        _LOGS,
        "name not in entry and ",
        "",
        _lines("no_field_takes_the_place_of_what_each_line_has"),
    ),
    Fault(
        "a field that is the whole message stands there twice",
        _LOGS,
        ' and name != "text"',
        "",
        _lines("a_text_that_is_the_whole_message_stands_there_once"),
    ),
    Fault(
        "fields that say nothing are in the log",
        _LOGS,
        "value is not None and ",
        "",
        _lines("a_line_of_json_has_the_fields_of_the_event"),
    ),
    Fault(
        "the text of an exception is in the log",
        _LOGS,
        'found = {"error": f"{error} ({code})" if code else error}',
        'found = {"error": f"{error} {failure.value}"}',
        _failures("the_text_of_an_exception_is_never_said"),
    ),
    Fault(
        "an error of the system has no code in the log",
        _LOGS,
        'f"{error} ({code})" if code else error',
        "error",
        _failures("an_error_of_the_system_has_its_code"),
    ),
    Fault(
        "the place of a failure is somewhere in a library",
        _LOGS,
        'next((frame for frame in frames if frame[0].startswith(f"{PACKAGE}/")), frames[0])',
        "frames[0]",
        _failures("a_failure_is_one_line_with_the_exceptions_type_and_its_place_in_the_package"),
    ),
    Fault(
        "the calls of a failure begin with the outermost one",
        _LOGS,
        "reversed(failure.frames)",
        "failure.frames",
        _failures("json_has_type_place_and_calls_of_a_failure_as_fields"),
    ),
    Fault(
        "an endless recursion is logged whole",
        _LOGS,
        "frames[:MOST_CALLS]",
        "frames",
        _failures("an_endless_recursion_is_a_line_of_bearable_length"),
    ),
    Fault(
        "files of libraries are named with their folders",
        _LOGS,
        '_folder_of_others.sub("", file.removeprefix(_FOLDER))',
        "file.removeprefix(_FOLDER)",
        _failures("files_of_libraries_are_named_without_their_folders"),
    ),
    Fault(
        "what Twisted says of its daily work is in the log",
        _LOGS,
        "level < LogLevel.warn or ",
        "",
        _failures("what_others_say_of_their_daily_work_is_left_out"),
    ),
    Fault(
        "what Twisted warns of is not in the log",
        _LOGS,
        "level < LogLevel.warn or ",
        "True or ",
        _failures("what_others_warn_of_is_kept_without_their_fields"),
    ),
    Fault(
        "a failure of Twisted is logged with its values",
        _LOGS,
        "_without_values(event) if of_failure and not is_ours else formatEvent(event)",
        "formatEvent(event)",
        _failures("a_failure_of_others_has_no_values_in_its_text"),
    ),
    Fault(
        "a failure of Twisted whose text has an odd brace is not logged",
        _LOGS,
        "suppress(ValueError):  # a text",
        "suppress(ZeroDivisionError):  # a text",
        _failures("a_failure_of_others_has_no_values_in_its_text"),
    ),
    Fault(
        "a failure in Twisted's old log is taken for a text",
        _LOGS,
        ' or event.get("failure")',
        "",
        _failures("a_failure_in_the_old_log_of_twisted_is_one_line_too"),
    ),
    Fault(
        "a failure that nobody handles is two lines",
        _LOGS,
        ' or event.get("log_format") == _ANNOUNCEMENT',
        "",
        _failures("a_failure_that_nobody_handles_is_one_line"),
    ),
    Fault(
        "an event that says nothing is a line",
        _LOGS,
        "    if not message:\n",
        "    if False:\n",
        _failures("what_says_nothing_is_no_line"),
    ),
    Fault(
        "lines of several threads are mixed up",
        _LOGS,
        "        with self._lock:\n",
        "        if self._lock:\n",
        _outputs("lines_of_many_threads_stay_whole"),
    ),
    Fault(
        "a reader who is gone is an error for whoever logs",
        _LOGS,
        "            except (OSError, ValueError):\n",
        "            except BlockingIOError:\n",
        _outputs("a_reader_who_is_gone_is_no_matter", "a_log_file_that_cannot_be_rotated_is_no_matter"),
    ),
    Fault(
        "the rest of a torn line is forgotten",
        _LOGS,
        "self._rest = self._rest.removesuffix(line)",
        'self._rest = b""',
        _outputs("lines_that_find_no_room_are_lost_and_the_others_are_whole"),
    ),
    Fault(
        "lines that find no room are kept in memory",
        _LOGS,
        "self._rest = self._rest.removesuffix(line)",
        "pass",
        _outputs("lines_that_find_no_room_are_lost_and_the_others_are_whole"),
    ),
    Fault(
        "lines without a standard output go to another file",
        _LOGS,
        "WholeLines(partial(os.write, sys.stdout.fileno())) if sys.stdout else lambda _: None",
        "WholeLines(partial(os.write, 1))",
        _outputs("without_a_standard_output_lines_go_nowhere"),
    ),
    Fault(
        "the log file is not rotated when it is asked for",
        _LOGS,
        "reactor.callFromThread(file.rotate_if_possible)",
        "None",
        _worker("a_log_file_of_twistd_has_the_same_lines_and_is_rotated_on_sigusr1"),
    ),
    Fault(
        "what a full disk took of a line counts as the whole",
        _LOGS,
        "            return written\n",
        "            return len(data)\n",
        _outputs("a_line_that_a_full_disk_tore_goes_on_before_the_next_one"),
    ),
    Fault(
        "what twistd is told of syslog does not count",
        _LOGS,
        ' or twistd["syslog"]',
        "",
        _outputs("twistds_own_log_stays_where_it_is_asked_for"),
    ),
    Fault(
        "the log is text whatever was chosen",
        _SERVICE,
        "open_log(self._twistd, self._settings.log_format, self._reactor)",
        'open_log(self._twistd, "text", self._reactor)',
        _worker("a_worker_says_the_same_as_json"),
    ),
    Fault(
        "twistd's own log is the worker's",
        _SERVICE,
        "        if log is not None:\n",
        "        if log is None:\n",
        _worker("a_worker_says_these_lines_and_nothing_else"),
    ),
    Fault(
        "a log file that cannot be opened is a traceback",
        _SERVICE,
        "        except OSError as error:\n",
        "        except BlockingIOError as error:\n",
        _worker("a_log_file_that_cannot_be_opened_stops_the_start_with_one_line"),
    ),
    Fault(
        "a start that fails unforeseen says the exception's text",
        _SERVICE,
        "        except Exception:  # noqa: BLE001 - twistd",
        "        except ZeroDivisionError:  # twistd",
        _worker("a_start_that_fails_unforeseen_is_one_line_and_status_1"),
    ),
    Fault(
        "the first process of a daemon that does not start waits for ever",
        _SERVICE,
        "        if pipe is not None:\n",
        "        if False:\n",
        _worker("a_daemon_that_does_not_start_says_why_in_its_log_and_ends_with_status_1"),
    ),
    Fault(
        "requests in the log have no name",
        "sessionworker/web/watching.py",
        '                event="request",\n',
        "",
        (
            *_lines("every_line_has_a_name"),
            f"{_DOCUMENTS}::test_every_event_of_the_log_stands_in_the_operations_with_its_level_and_no_other_does",
        ),
    ),
)
