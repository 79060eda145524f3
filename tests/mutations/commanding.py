"""Faults in the command line."""

from __future__ import annotations

from tests.mutations.fault import Fault

_ROOM = "sessionworker/commands"
_TESTS = "tests/commands"
_GIVEN, _ASKING = f"{_TESTS}/test_given.py", f"{_TESTS}/test_asking.py"
_COMMANDS, _TROUBLES = f"{_TESTS}/test_commands.py", f"{_TESTS}/test_troubles.py"
_TERMINAL = f"{_TESTS}/test_own_terminal.py"

FAULTS: tuple[Fault, ...] = (
    Fault(
        "an interrupted command leaves what is under way as it is",
        f"{_ROOM}/asking.py",
        "            done.cancel()\n",
        "            done.addErrback(lambda _: None)\n            return None\n",
        (f"{_ASKING}::test_an_interruption_ends_what_is_under_way_in_order_and_has_its_own_status",),
    ),
    Fault(
        "a worker on a store outlives a command that is killed",
        f"{_ROOM}/hosting.py",
        "ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)",
        "pass",
        (f"{_ASKING}::test_a_worker_on_a_store_is_gone_with_the_command_also_where_that_is_killed",),
    ),
    Fault(
        "a worker that does not come up is waited for without a limit",
        f"{_ROOM}/hosting.py",
        "        if time.monotonic() >= until:\n",
        "        if False:\n",
        (f"{_ASKING}::test_a_worker_that_does_not_come_up_is_given_up",),
    ),
    Fault(
        "a store that is none is made",
        f"{_ROOM}/hosting.py",
        "    if isinstance(place, Path):\n        _check(place)\n",
        "",
        (f"{_ASKING}::test_a_store_that_is_none_is_not_made",),
    ),
    Fault(
        "a worker on a store lets go of what its own would keep",
        f"{_ROOM}/hosting.py",
        'for kept in ("versions", "hours", "days", "drops"):',
        'for kept in ("versions", "hours", "days"):',
        (f"{_COMMANDS}::test_a_store_whose_worker_does_not_run_is_asked_in_the_same_way",),
    ),
    Fault(
        "what stands before a command wins over what stands behind it",
        f"{_ROOM}/given.py",
        "    if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:",
        "    if context.get_parameter_source(name) is ParameterSource.COMMANDLINE and not getattr(given, name):",
        (f"{_GIVEN}::test_the_options_of_all_may_stand_on_both_sides_of_the_command",),
    ),
    Fault(
        "of an API's tokens one for some groups is taken",
        f"{_ROOM}/given.py",
        "(whole or tokens)[0]",
        "tokens[0]",
        (f"{_GIVEN}::test_of_an_apis_tokens_one_is_taken_that_is_for_all_groups",),
    ),
    Fault(
        "a terminal gets whatever a name holds",
        f"{_ROOM}/showing.py",
        'letter if letter.isprintable() and letter not in "%/" else',
        'letter if letter not in "%/" else',
        (_GIVEN,),
    ),
    Fault(
        "without anybody to ask it is done",
        f"{_ROOM}/showing.py",
        "    if not sys.stdin.isatty():\n        raise",
        "    if not sys.stdin:\n        raise",
        (f"{_GIVEN}::test_nobody_is_asked_where_nobody_is_there",),
    ),
    Fault(
        "Ctrl-C does not end a question",
        f"{_ROOM}/showing.py",
        "signal.signal(number, signal.default_int_handler)",
        "signal.getsignal(number)",
        (f"{_TERMINAL}::test_what_can_be_lost_is_asked_for_by_its_name",),
    ),
    Fault(
        "a second Ctrl-C is not heard either",
        f"{_ROOM}/asking.py",
        "signal.signal(number, signal.SIG_DFL)",
        "signal.getsignal(number)",
        (f"{_ASKING}::test_a_second_interruption_ends_what_does_not_come_to_an_end",),
    ),
    Fault(
        "any answer is taken for the name of what is lost",
        f"{_ROOM}/showing.py",
        "    if typed not in {name, spelled(name)}:",
        "    if not typed:",
        (f"{_TERMINAL}::test_what_can_be_lost_is_asked_for_by_its_name",),
    ),
    Fault(
        "what was dropped before is erased with an instance",
        f"{_ROOM}/dropping.py",
        "        await operator.purge_drop(*place, new[0].drop)\n",
        "        for one in _of(place, await operator.drops()):\n"
        "            await operator.purge_drop(*place, one.drop)\n",
        (f"{_COMMANDS}::test_an_instance_is_erased_for_good_and_what_was_dropped_before_stays",),
    ),
    Fault(
        "of several drops any is taken",
        f"{_ROOM}/dropping.py",
        "    if len(meant) == 1:",
        "    if meant:",
        (f"{_COMMANDS}::test_of_several_drops_one_has_to_be_named",),
    ),
    Fault(
        "a dry run of a restore restores",
        f"{_ROOM}/versions.py",
        "        if dry_run:",
        "        if dry_run and not found:",
        (f"{_COMMANDS}::test_an_older_version_becomes_current_once_it_is_meant",),
    ),
    Fault(
        "a check takes what was moved aside for deleted",
        f"{_ROOM}/checking.py",
        "await self._operator.checkpoint()  # which moves them, and says so",
        "pass",
        (f"{_TROUBLES}::test_a_value_that_is_rotten_is_named_by_its_type_alone",),
    ),
    Fault(
        "a check does not look at creds",
        f"{_ROOM}/checking.py",
        "    if values and CREDS in values:",
        "    if not values:",
        (f"{_TROUBLES}::test_a_value_that_came_back_without_its_creds_being_an_account",),
    ),
    Fault(
        "a status that needs somebody ends as if nothing did",
        f"{_ROOM}/looking.py",
        "    if found.needs:",
        "    if not found:",
        (f"{_TROUBLES}::test_creds_that_are_rotten_with_all_their_versions",),
    ),
    Fault(
        "a new token puts the old ones out of force",
        f"{_ROOM}/tokens.py",
        "{'' if replace else before}",
        "{'' if before else before}",
        (f"{_TERMINAL}::test_a_new_token_stands_before_the_old_ones_and_nothing_else_changes",),
    ),
    Fault(
        "a rewriting that is interrupted goes on",
        f"{_ROOM}/key.py",
        "            await client.rewrite(is_wanted=False)\n",
        "            pass\n",
        ("tests/test_key_command.py::test_it_can_be_interrupted_and_stops_the_worker_then",),
    ),
    Fault(
        "an import does not come back to a worker that has too much to do",
        "sessionworker/commands/importing.py",
        ", patience=PATIENCE_SECONDS)",
        ")",
        (f"{_ASKING}::test_an_import_comes_back_to_a_worker_that_has_too_much_to_do",),
    ),
    Fault(
        "the doctor finds room where there is little",
        f"{_ROOM}/machine.py",
        "    mark = Mark.WRONG if free < LEAST_ROOM * whole else Mark.WELL\n",
        "    mark = Mark.WRONG if not free else Mark.WELL\n",
        (f"{_TESTS}/test_machine.py",),
    ),
    Fault(
        "status does not tell what imports have left",
        f"{_ROOM}/looking.py",
        "            if left := await left_by_imports(client):\n",
        "            if left := 0:\n",
        (f"{_TROUBLES}::test_what_imports_that_were_cut_off_have_left",),
    ),
    Fault(
        "the doctor does not tell what imports have left",
        f"{_ROOM}/doctor.py",
        "            left = await left_by_imports(client)\n",
        "            pass\n",
        (f"{_TROUBLES}::test_what_imports_that_were_cut_off_have_left",),
    ),
    Fault(
        "patience has no end",
        "sessionworker/client/exchange.py",
        "                if self._reactor.seconds() + wait > until:\n",
        "                if not self._patience:\n",
        ("tests/client/test_refusals.py::test_patience_has_an_end",),
    ),
    Fault(
        "an import from a source with groups needs one that is named",
        "sessionworker/commands/importing.py",
        '"--group", type=GroupName(), help=',
        '"--group", type=GroupName(), default="", help=',
        (f"{_TESTS}/test_import.py::test_groups_that_the_source_has_are_kept",),
    ),
)
