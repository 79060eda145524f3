"""The description is well formed, and names the routes and the forms that the program has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from openapi_spec_validator import validate

from sessionworker import wire
from sessionworker.errors import HeldElsewhere, NameTaken, NoSpace, NotFound
from sessionworker.version import VERSION
from tests.documents.test_protocol import all_errors, routes
from tests.openapi.description import Operation, check_value, document, operations, references, resolve

PLACES = {"G": "group", "I": "instance", "K": "key", "V": "version", "D": "drop"}

FORMS = {
    "Instance": wire.InstanceSummary,
    "Version": wire.VersionSummary,
    "Drop": wire.DropSummary,
    "Event": wire.EventSummary,
    "Problem": wire.Problem,
    "StoreOverview": wire.StoreOverview,
    "Overview": wire.WorkerOverview,
    "Encryption": wire.EncryptionSummary,
    "Health": wire.WellForm,
    "Error": wire.ErrorForm,
}

THE_SAME_PATHS = {Operation(method, "/session/{group}/list-instances") for method in ("DELETE", "POST")}
"""What stands in the description once more: there a fixed path hides the one that it could be taken for."""


def test_it_is_what_openapi_says_that_it_must_be() -> None:
    assert document()["openapi"].startswith("3.1.")
    validate(document())


def test_it_describes_each_route_and_no_other(tmp_path: Path) -> None:
    found = {
        Operation(method, re.sub(r"(?<=/)[GIKVD](?=/|$)", lambda letter: "{" + PLACES[letter[0]] + "}", path))
        for method, path in routes(tmp_path)
    }
    assert len(found) > 30
    assert found == {*operations()} - THE_SAME_PATHS


def test_it_is_of_this_version() -> None:
    assert document()["info"]["version"] == VERSION


def test_all_that_is_described_is_referred_to() -> None:
    found = {*references(document())}
    parts = document()["components"]
    named = {f"#/components/{kind}/{name}" for kind in parts if kind != "securitySchemes" for name in parts[kind]}
    # What is answered where nothing is described.
    assert named - found == {"#/components/responses/Nothing", "#/components/responses/MethodNotAllowed"}
    for reference in found:
        resolve({"$ref": reference})


def test_each_link_leads_to_an_operation_and_gives_it_what_it_takes() -> None:
    known = {operation.described["operationId"]: operation for operation in operations()}
    assert len(known) == len(operations())
    links = [
        link
        for response in document()["components"]["responses"].values()
        for link in response.get("links", {}).values()
    ]
    assert len(links) > 10
    for link in links:
        target = known[link["operationId"]]
        assert {*link.get("parameters", {})} <= {"after", *re.findall(r"\{(\w+)\}", target.path)}


@pytest.mark.parametrize(("name", "kind"), FORMS.items())
def test_each_form_has_the_fields_that_it_has_on_the_wire(name: str, kind: type[msgspec.Struct]) -> None:
    schema = document()["components"]["schemas"][name]
    fields = msgspec.structs.fields(kind)
    assert list(schema["properties"]) == [field.encode_name for field in fields]
    is_always_there = {field.encode_name for field in fields if field.required or name == "Error"}
    assert set(schema["required"]) == is_always_there


def test_the_sentences_by_which_a_client_tells_errors_apart_are_those_of_the_program() -> None:
    schemas: Any = document()["components"]["schemas"]

    def said(name: str) -> Any:
        return schemas[name]["properties"]["message"]["items"]

    assert {*said("ErrorNotFound")["enum"], said("ErrorNothing")["const"]} == {
        kind.message for kind in all_errors(NotFound)
    }
    assert said("ErrorNothing")["const"] == NotFound.message
    assert said("ErrorConflict")["const"] == NameTaken.message
    assert said("ErrorHeld")["const"] == HeldElsewhere.message
    assert said("ErrorNoSpace")["const"] == NoSpace.message


def test_each_example_is_one() -> None:
    seen = 0
    for operation in operations():
        for content in resolve(operation.described.get("requestBody", {})).get("content", {}).values():
            check_value(content["example"], content["schema"])
            seen += 1
    for part in document()["components"]["parameters"].values():
        check_value(part["example"], part["schema"])
        seen += 1
    for schema in document()["components"]["schemas"].values():
        if "example" in schema:
            check_value(schema["example"], schema)
            seen += 1
    assert seen > 10
