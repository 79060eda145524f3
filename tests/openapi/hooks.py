"""What schemathesis is told besides the description: the rules that JSON Schema and OpenAPI have no words for.

Every check is on. What is let pass here are single failures, each by a rule that is looked at once more.
"""

from __future__ import annotations

import json
import re
from typing import Any

import schemathesis
from schemathesis import Case, HookContext, Response
from schemathesis.core.failures import AcceptedNegativeData, ServerError
from schemathesis.openapi.checks import (
    EnsureResourceAvailability,
    RejectedPositiveData,
    UnsupportedMethodResponse,
    UseAfterFree,
)

CREDS_MUST_BE_AN_OBJECT = b"The 'creds' of an instance must be a JSON object."
TOO_LONG = b"is too long: with its escapes it may have 255 bytes."
NO_OWNER = b"Who lets an instance go is said in the header 'owner'."
HELD, HELD_STATUS = b"Another owner holds this instance.", 409
NO_JSON = b"The text in 'data' must be JSON itself."

OPEN_PATHS = {"/ping", "/health"}

_is_owner = re.compile(r"[!-~]{1,128}").fullmatch

MAKE_A_GROUP = {
    ("POST", "/session"),
    ("POST", "/session/{group}"),
    ("POST", "/admin/drops/{group}/{instance}/{drop}/restore"),
}
"""Of the last two each makes the group, too, if it is not there."""

dropped: set[Any] = set()
"""Groups that were dropped as an operator does, and not made again since."""


@schemathesis.hook
def after_call(context: HookContext, case: Case[Any], response: Response) -> None:
    """Note which groups are gone."""
    if response.status_code == 200 and (case.method.upper(), case.path) == ("DELETE", "/admin/groups/{group}"):
        dropped.add(case.path_parameters["group"])
    elif response.status_code in {200, 204} and (case.method.upper(), case.path) in MAKE_A_GROUP:
        dropped.discard(group_of(case))


def group_of(case: Case[Any]) -> Any:
    """Return the group that a request names, in its path or in its body."""
    return case.path_parameters.get("group") or (isinstance(case.body, dict) and case.body.get("group"))


@schemathesis.hook
def filter_failure(context: HookContext, failure: Exception, case: Case[Any], response: Response) -> bool:
    """Tell whether a failure is one; not if what was expected is against a rule."""
    if isinstance(failure, RejectedPositiveData):
        return not is_refused_by_rule(case, response)
    if isinstance(failure, AcceptedNegativeData):  # whatever the owner is: where something is read it does not count
        is_read = isinstance(case.body, dict) and {*case.body} & {"keys", "list"}
        return not is_read or bool(_is_owner(str(case.headers.get("owner", "one"))))
    if isinstance(failure, UnsupportedMethodResponse):
        # Of an open path that alone is open which is described.
        return not (response.status_code == 401 and case.path in OPEN_PATHS)
    # A group is dropped at one path and made at others.
    if isinstance(failure, EnsureResourceAvailability):
        return group_of(case) not in dropped
    if isinstance(failure, UseAfterFree):
        return group_of(case) in dropped
    # A machine that is busy is not well: the store has 0.8 s to answer this.
    return not (isinstance(failure, ServerError) and response.status_code == 503 and case.path == "/health")


def is_refused_by_rule(case: Case[Any], response: Response) -> bool:
    """Tell whether what the description allows is refused rightly."""
    said = response.content
    if CREDS_MUST_BE_AN_OBJECT in said:  # what a body may be depends on the path here
        return bool(case.path_parameters.get("key", "creds") == "creds")
    if NO_JSON in said:  # `contentMediaType` is no promise: of some lengths schemathesis makes any text
        return isinstance(case.body, dict) and not is_json(case.body["data"])
    if NO_OWNER in said:  # `release` alone needs the header
        return isinstance(case.body, dict) and case.body.get("release") is True and "owner" not in case.headers
    if HELD in said:  # by the owner of an earlier request
        return response.status_code == HELD_STATUS and case.path.startswith("/session")
    return TOO_LONG in said  # JSON Schema counts letters, not bytes


def is_json(text: Any) -> bool:
    """Tell whether Python's own reader takes a text, and no number that JSON has not (RFC 8259, section 6)."""
    try:
        json.loads(text, parse_constant=_refuse)
    except ValueError:
        return False
    return True


def _refuse(word: str) -> None:
    raise ValueError(word)
