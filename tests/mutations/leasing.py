"""Faults in who may write: owners and their leases, and peers that take turns."""

from __future__ import annotations

from tests.mutations.fault import Fault

_FILES = "sessionworker/stores/files"
_JUDGE, _MOVES, _LEASES = f"{_FILES}/judge.py", f"{_FILES}/moves.py", f"{_FILES}/leases.py"
_LEAVING = f"{_FILES}/leaving.py"
_COMMITTING = f"{_FILES}/committing.py"
_RULE, _PEERS = "sessionworker/stores/rules/leases.py", "sessionworker/stores/rules/peers.py"
_WEB = "sessionworker/web"

_STORE = "tests/contract/test_file_store.py::TestFileStore"
_OTHERS = (f"{_STORE}::test_nobody_else_changes_an_instance_while_its_owner_has_it",)
_JUDGED_AGAIN = (f"{_STORE}::test_owners_are_let_in_in_their_order_also_beside_an_instance_that_nobody_used_yet",)
_WIRE = ("tests/protocol/test_owners.py",)
_IN_TURNS = ("tests/test_peers.py",)

FAULTS: tuple[Fault, ...] = (
    # Who is let in
    Fault(
        "a batch is made whoever has the instance",
        _JUDGE,
        """        if isinstance(lease, HeldElsewhere):
            return lease
        if batch.condition""",
        """        if isinstance(lease, HeldElsewhere):
            lease = None
        if batch.condition""",
        _OTHERS,
    ),
    Fault(
        "a client that names no owner is let in",
        _JUDGE,
        "is_free = instance.tenure is None and not self._leases.has_changed()",
        "is_free = True",
        _OTHERS,
    ),
    Fault(
        "an instance is created whoever has it",
        _MOVES,
        "        if known is not None and (held",
        "        if known is None and (held",
        _OTHERS,
    ),
    Fault(
        "an instance is dropped whoever has it",
        _LEAVING,
        "self._leases.refuse(instance, owner)",
        "self._leases.refuse(instance, None)",
        _OTHERS,
    ),
    Fault(
        "whoever names no owner is anybody's equal",
        _RULE,
        "        if owner != tenure.owner:\n",
        "        if owner and owner != tenure.owner:\n",
        _OTHERS,
    ),
    Fault(
        "a repair is refused to an instance that somebody has",
        _LEASES,
        "owner is None or (not owner and before is None)",
        "not owner and before is None",
        (f"{_STORE}::test_the_workers_own_repairs_are_made_whoever_has_the_instance",),
    ),
    Fault(
        "a large value has no owner",
        f"{_FILES}/large.py",
        "replace(batch, changes=tuple(changes))",
        "Batch(batch.group, batch.instance, tuple(changes), batch.condition)",
        (f"{_STORE}::test_large_values_have_an_owner_too",),
    ),
    Fault(
        "owners that were let in stay in when all is judged once more",
        _COMMITTING,
        "                self._parts.leases.forget()\n",
        "",
        _JUDGED_AGAIN,
    ),
    Fault(
        "who came before in the same commit does not count",
        _JUDGE,
        "instance.tenure is None and not self._leases.has_changed()",
        "instance.tenure is None",
        (f"{_STORE}::test_owners_take_turns_in_one_commit_in_its_order",),
    ),
    # For how long
    Fault(
        "a lease ends at once",
        _RULE,
        "LEASE_SECONDS = 30.0",
        "LEASE_SECONDS = 0.0",
        _OTHERS,
    ),
    Fault(
        "a lease never ends",
        _RULE,
        "        return now < self.until",
        "        return True",
        (f"{_STORE}::test_an_owner_that_asks_for_nothing_has_an_instance_for_thirty_seconds",),
    ),
    Fault(
        "a lease is not renewed",
        _RULE,
        "        return replace(tenure, until=now + LEASE_SECONDS)",
        "        return tenure",
        (f"{_STORE}::test_whatever_an_owner_asks_for_takes_and_renews_its_lease",),
    ),
    Fault(
        "what changes nothing renews no lease",
        _JUDGE,
        "self._leases.let_in(instance, batch.owner)",
        "self._leases.let_in(instance, batch.owner if batch.changes else None)",
        (f"{_STORE}::test_whatever_an_owner_asks_for_takes_and_renews_its_lease",),
    ),
    Fault(
        "a batch that is refused for another reason renews no lease",
        _JUDGE,
        """        lease = self._leases.let_in(instance, batch.owner)
        if isinstance(lease, HeldElsewhere):
            return lease
        if batch.condition is not None and not self._holds(batch.condition, instance):
            return ConditionFailed()
""",
        """        if batch.condition is not None and not self._holds(batch.condition, instance):
            return ConditionFailed()
        lease = self._leases.let_in(instance, batch.owner)
        if isinstance(lease, HeldElsewhere):
            return lease
""",
        (f"{_STORE}::test_whatever_an_owner_asks_for_takes_and_renews_its_lease",),
    ),
    Fault(
        "a create that makes an instance takes no lease",
        _MOVES,
        "        return refusal or self._leases.take(",
        "        return refusal if known is None else self._leases.take(",
        (f"{_STORE}::test_a_create_takes_an_instance_whether_it_makes_it_or_finds_it",),
    ),
    Fault(
        "a create or a drop that is refused for a problem takes the lease",
        _LEASES,
        """            return found
        self.forget()
        return None
""",
        """            return found
        self.settle()
        return None
""",
        (f"{_STORE}::test_what_is_refused_for_a_problem_neither_takes_nor_renews_a_lease",),
    ),
    Fault(
        "a lease that was taken anew has the id of the last one",
        _RULE,
        "Tenure(owner, _new_lease(),",
        "Tenure(owner, tenure.lease if tenure else _new_lease(),",
        (f"{_STORE}::test_the_id_of_a_lease_is_the_same_as_long_as_it_is_renewed_in_time",),
    ),
    Fault(
        "a lease that is renewed has another id",
        _RULE,
        "replace(tenure, until=now + LEASE_SECONDS)",
        "replace(tenure, lease=Lease(secrets.token_hex(8)), until=now + LEASE_SECONDS)",
        (f"{_STORE}::test_the_id_of_a_lease_is_the_same_as_long_as_it_is_renewed_in_time",),
    ),
    # How it ends
    Fault(
        "a drop ends no lease",
        _LEAVING,
        "        instance.tenure = instance.peers = None",
        "        instance.peers = None",
        (f"{_STORE}::test_a_drop_ends_a_lease_and_what_is_brought_back_has_none",),
    ),
    Fault(
        "anybody lets an instance go",
        _RULE,
        "    if owner is not None and owner != tenure.owner:",
        "    if False:",
        (f"{_STORE}::test_an_owner_lets_go_and_an_operator_ends_whoevers_lease",),
    ),
    Fault(
        "an operator cannot end a lease",
        _RULE,
        "    if owner is not None and owner != tenure.owner:",
        "    if owner != tenure.owner:",
        (f"{_STORE}::test_an_owner_lets_go_and_an_operator_ends_whoevers_lease",),
    ),
    Fault(
        "what is let go stays",
        _RULE,
        "    return replace(tenure, until=now)",
        "    return tenure",
        (f"{_STORE}::test_an_owner_lets_go_and_an_operator_ends_whoevers_lease",),
    ),
    Fault(
        "a release overtakes a large write that came before it",
        "sessionworker/turns.py",
        "            | ReleaseInstance(group, name)\n",
        "",
        _WIRE,
    ),
    # The wire
    Fault(
        "an owner that cannot be one is none",
        f"{_WEB}/owners.py",
        """        raise RequestNotAllowed("The header 'owner' must be 1 to 128 visible ASCII characters, once.")""",
        '        return ""',
        _WIRE,
    ),
    Fault("of two owners the first counts", f"{_WEB}/owners.py", "if len(given) != 1 or", "if", _WIRE),
    Fault(
        "a read asks for an owner that can be one",
        f"{_WEB}/many_keys.py",
        "given_owners(request), host_of",
        "given_owners(request) if read_owner(given_owners(request)) else None, host_of",
        _WIRE,
    ),
    Fault(
        "a release needs no owner",
        f"{_WEB}/api.py",
        "        if not owner:\n            raise RequestNotAllowed(RELEASED_BY_NOBODY)\n",
        "",
        _WIRE,
    ),
    Fault(
        "an owner is not told of its lease",
        f"{_WEB}/owners.py",
        "    if lease is not None:\n",
        "    if False:\n",
        _WIRE,
    ),
    Fault(
        "what is refused because of an owner is not counted",
        _LEASES,
        'counts["held_elsewhere"] += self._refused',
        'counts["held_elsewhere"] += 0',
        _WIRE,
    ),
    # Peers
    Fault(
        "two that write in turns are never noticed",
        _COMMITTING,
        "                if one.by:\n",
        "                if False:\n",
        _IN_TURNS,
    ),
    Fault(
        "whoever moves is taken for two",
        _PEERS,
        "if before is None or now - before > IN_TURNS_SECONDS or",
        "if len(self.others) == 0 or",
        _IN_TURNS,
    ),
    Fault(
        "an address may come back after any time",
        _PEERS,
        " or now - before > IN_TURNS_SECONDS",
        "",
        _IN_TURNS,
    ),
    Fault(
        "the time of an address's last write is that of its first",
        _PEERS,
        "            self.at = now\n            return []",
        "            return []",
        _IN_TURNS,
    ),
    Fault(
        "two that write in turns are told of with each write",
        _PEERS,
        " or now < self.silent_until",
        "",
        _IN_TURNS,
    ),
    Fault("the loopback is two peers", _PEERS, '{"::1": "127.0.0.1"}', "{}", _IN_TURNS),
    Fault(
        "an owner's addresses are looked at",
        _JUDGE,
        '"" if owner else batch.by',
        "batch.by",
        _IN_TURNS,
    ),
    Fault(
        "older creds that an operator restores leave the lease its id",
        "sessionworker/stores/files/judge.py",
        "            self._leases.rename(instance)\n",
        "            pass\n",
        ("tests/contract/test_memory_store.py", "tests/contract/test_file_store.py"),
    ),
)
