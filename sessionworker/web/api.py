"""The Klein tree: which URL means which call to the store. `docs/protocol.md` is the same in words."""

from __future__ import annotations

from typing import Any

from klein import Klein
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import Request
from werkzeug.exceptions import HTTPException, MethodNotAllowed as WerkzeugMethodNotAllowed
from werkzeug.routing import BaseConverter

from sessionworker.errors import MethodNotAllowed, NoSuchKey, NotFound, WorkerError
from sessionworker.names import SessionFile, check_key, check_name
from sessionworker.offload import Offload
from sessionworker.stores.interface import CreateGroup, CreateInstance, Delete, DropInstance, Write
from sessionworker.web.answers import TEXT, answer, answer_error, answer_json, answer_nothing
from sessionworker.web.bodies import read_data, read_group, read_instance

_log = Logger()


class _KeyConverter(BaseConverter):
    """Everything after the instance is the key: slashes, double and trailing ones included."""

    regex = ".*"
    part_isolating = False


def session_file(group: str, instance: str, key: str) -> SessionFile:
    """Name a session file. Raises NameNotAllowed."""
    return SessionFile(check_name("group", group), check_name("instance", instance), check_key(key))


def build_api(offload: Offload) -> Klein:
    """Build the tree over a store.

    In the routes an instance is called `name`: Klein has a parameter called `instance` of its own.
    """
    app = Klein()
    app.url_map.merge_slashes = False  # '//' belongs to keys
    app.url_map.converters["key"] = _KeyConverter

    @app.route("/ping", methods=["OPTIONS"])
    def ping(request: Request) -> bytes:
        return answer(request, b"pong", TEXT)

    @app.route("/session", methods=["POST"])
    def create_group(request: Request) -> Deferred[bytes]:
        group = check_name("group", read_group(request.content.read()))
        return offload.commit(CreateGroup(group)).addCallback(lambda _: answer_nothing(request))

    @app.route("/session/<group>", methods=["POST"])
    def create_instance(request: Request, group: str) -> Deferred[bytes]:
        instance = check_name("instance", read_instance(request.content.read()))
        change = CreateInstance(check_name("group", group), instance)
        return offload.commit(change).addCallback(lambda _: answer_nothing(request))

    @app.route("/session/<group>/list-instances", methods=["GET"])
    def list_instances(request: Request, group: str) -> Deferred[bytes]:
        instances = offload.instances(check_name("group", group))
        return instances.addCallback(lambda names: answer_json(request, names))

    @app.route("/session/<group>/<name>", methods=["DELETE"])
    def drop_instance(request: Request, group: str, name: str) -> Deferred[bytes]:
        change = DropInstance(check_name("group", group), check_name("instance", name))
        return offload.commit(change).addCallback(lambda _: answer(request, b"null"))

    @app.route("/session/<group>/<name>/<key:key>", methods=["POST"])
    def write(request: Request, group: str, name: str, key: str) -> Deferred[bytes]:
        change = Write(session_file(group, name, key), read_data(request.content.read()))
        return offload.commit(change).addCallback(lambda _: answer_nothing(request))

    @app.route("/session/<group>/<name>/<key:key>", methods=["GET"])
    def read(request: Request, group: str, name: str, key: str) -> Deferred[bytes]:
        def found(value: bytes | None) -> bytes:
            if value is None:
                raise NoSuchKey
            return answer(request, value)

        return offload.read(session_file(group, name, key)).addCallback(found)

    @app.route("/session/<group>/<name>/<key:key>", methods=["DELETE"])
    def delete(request: Request, group: str, name: str, key: str) -> Deferred[bytes]:
        change = Delete(session_file(group, name, key))
        return offload.commit(change).addCallback(lambda _: answer(request, b"null"))

    @app.handle_errors(WorkerError)
    def refused(request: Request, failure: Failure) -> bytes:
        error = failure.value
        assert isinstance(error, WorkerError)
        return answer_error(request, error)

    @app.handle_errors(HTTPException)
    def not_routed(request: Request, failure: Failure) -> bytes:
        if isinstance(failure.value, WerkzeugMethodNotAllowed):
            return answer_error(request, MethodNotAllowed(", ".join(sorted(failure.value.valid_methods or ()))))
        return answer_error(request, NotFound())

    @app.handle_errors(Exception)
    def failed(request: Request, failure: Failure) -> bytes:
        _log.failure("A request failed in a way that the worker did not foresee", failure=failure)
        return answer_error(request, WorkerError())

    return app
