"""The part of the tree for operators: what is stored, older versions of `creds`, and what was dropped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from klein import Klein
from twisted.internet.defer import Deferred

from sessionworker.http.answers import answer, answer_json, answer_nothing, in_turn
from sessionworker.http.request import WorkerRequest
from sessionworker.names import CREDS, check_name
from sessionworker.offload import Offload
from sessionworker.stores.changes import Batch, DropGroup, PurgeDrop, ReleaseInstance, Restore, RestoreInstance
from sessionworker.web.bodies import read_place_in
from sessionworker.web.encryption import add_encryption
from sessionworker.web.labels import add_labels
from sessionworker.web.overview import Overview
from sessionworker.web.owners import owner_of
from sessionworker.web.paths import read_after
from sessionworker.web.watching import host_of


def add_admin(app: Klein, offload: Offload, overview: Overview) -> None:
    """Add the routes below `/admin`."""
    store = offload.store
    add_encryption(app, offload)
    add_labels(app, offload)

    def listing(request: WorkerRequest, question: Callable[..., Any], *arguments: object) -> Deferred[bytes]:
        def ask() -> Deferred[bytes]:
            return offload.ask(question, *arguments).addCallback(lambda value: answer_json(request, value))

        return in_turn(ask, request)

    @app.route("/admin/overview", methods=["GET"])
    def show_overview(request: WorkerRequest) -> Deferred[bytes]:
        return overview.ask().addCallback(lambda value: answer_json(request, value))

    @app.route("/admin/events", methods=["GET"])
    def events(request: WorkerRequest) -> Deferred[bytes]:
        return listing(request, store.events, read_after(request.uri))

    @app.route("/admin/groups", methods=["GET"])
    def groups(request: WorkerRequest) -> Deferred[bytes]:
        return listing(request, store.groups)

    @app.route("/admin/groups/<group>", methods=["DELETE"])
    def drop_group(request: WorkerRequest, group: str) -> Deferred[bytes]:
        done = offload.commit(DropGroup(check_name("group", group), by=host_of(request)))
        return done.addCallback(lambda _: answer(request, b"null"))

    @app.route("/admin/groups/<group>/instances", methods=["GET"])
    def instances(request: WorkerRequest, group: str) -> Deferred[bytes]:
        return listing(request, store.describe, check_name("group", group))

    @app.route("/admin/groups/<group>/instances/<name>/versions", methods=["GET"])
    def versions(request: WorkerRequest, group: str, name: str) -> Deferred[bytes]:
        return listing(request, store.versions, check_name("group", group), check_name("instance", name))

    @app.route("/admin/groups/<group>/instances/<name>/versions/<version>/restore", methods=["POST"])
    def restore_version(request: WorkerRequest, group: str, name: str, version: str) -> Deferred[bytes]:
        place = check_name("group", group), check_name("instance", name)
        done = read_restore(offload, *place, version, by=host_of(request)).addCallback(offload.commit)
        return done.addCallback(lambda _: answer_nothing(request))

    @app.route("/admin/groups/<group>/instances/<name>/release", methods=["POST"])
    def release_instance(request: WorkerRequest, group: str, name: str) -> Deferred[bytes]:
        place = check_name("group", group), check_name("instance", name)
        done = offload.commit(ReleaseInstance(*place, None, by=host_of(request)))
        return done.addCallback(lambda _: answer_nothing(request))

    @app.route("/admin/checkpoint", methods=["POST"])
    def checkpoint(request: WorkerRequest) -> Deferred[bytes]:
        return offload.ask(store.checkpoint).addCallback(lambda _: answer_nothing(request))

    @app.route("/admin/drops", methods=["GET"])
    def drops(request: WorkerRequest) -> Deferred[bytes]:
        return listing(request, store.drops)

    @app.route("/admin/drops/<group>/<name>/<drop>/restore", methods=["POST"])
    def restore_instance(request: WorkerRequest, group: str, name: str, drop: str) -> Deferred[bytes]:
        new_name, into, is_replacing = read_place_in(request.body) if request.body else (name, None, False)
        change = RestoreInstance(
            check_name("group", group),
            check_name("instance", name),
            drop,
            check_name("instance", new_name),
            by=host_of(request),
            into="" if into is None else check_name("group", into),
            replacing=is_replacing,
            owner=owner_of(request),
        )
        return offload.commit(change).addCallback(lambda _: answer_nothing(request))

    @app.route("/admin/drops/<group>/<name>/<drop>", methods=["DELETE"])
    def purge_drop(request: WorkerRequest, group: str, name: str, drop: str) -> Deferred[bytes]:
        names = check_name("group", group), check_name("instance", name)
        change = PurgeDrop(*names, drop, by=host_of(request))
        return offload.commit(change).addCallback(lambda _: answer(request, b"null"))


def read_restore(offload: Offload, group: str, name: str, version: str, *, by: str) -> Deferred[Batch]:
    """Return what makes older creds the current ones again. Fails with NotFound, or any other WorkerError.

    What they replace is a version already: each write of creds becomes one.
    """
    value = offload.ask(offload.store.read_version, group, name, version)
    return value.addCallback(lambda value: Batch(group, name, (Restore(CREDS, value, by=by),)))
