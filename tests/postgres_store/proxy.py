"""A network between a store and its database, which cuts connections and holds bytes back where a test says."""

from __future__ import annotations

import select
import socket
import threading
from contextlib import suppress
from typing import Literal, Self, TypeAlias

Direction: TypeAlias = Literal["to the server", "to the store"]

TO_SERVER: Direction = "to the server"
TO_STORE: Direction = "to the store"

CHUNK = 65536


class Proxy:
    """Listens on a port of its own. As a context manager it is gone after the block, with all its connections."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._left: dict[Direction, int | None] = {TO_SERVER: None, TO_STORE: None}
        self.passed: dict[Direction, int] = {TO_SERVER: 0, TO_STORE: 0}
        self._holds_after: int | None = None
        self._cuts_held = False
        self._may_go_on = threading.Event()
        self.cuts = 0
        self.held = 0
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.release()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in list(self._sockets):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()

    def cut_after(self, direction: Direction, count: int) -> None:
        """Cut the connection that carries the last of so many bytes of a direction, once they have passed."""
        with self._lock:
            self._left[direction] = count

    def cut_no_more(self) -> None:
        with self._lock:
            self._left = {TO_SERVER: None, TO_STORE: None}

    def hold_after(self, count: int, *, is_cut: bool = False) -> None:
        """After so many bytes to the server, let its connection stand still: what comes over it waits for `release`.

        It may be cut on the store's side at once.
        """
        with self._lock:
            self._holds_after, self._cuts_held = count, is_cut

    def release(self) -> None:
        """Let what was held back arrive, whether somebody still waits for it or not."""
        self._may_go_on.set()

    def _accept(self) -> None:
        while True:
            try:
                store, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._server_port))
            except OSError:
                store.close()
                continue
            self._sockets += [store, server]
            thread = threading.Thread(target=self._pass_on, args=[store, server])
            self._threads.append(thread)
            thread.start()

    def _pass_on(self, store: socket.socket, server: socket.socket) -> None:
        with store, server, suppress(OSError):
            while True:
                for source in select.select([store, server], [], [])[0]:
                    data = source.recv(CHUNK)
                    if not data:
                        return
                    direction = TO_SERVER if source is store else TO_STORE
                    target = server if source is store else store
                    before, after = self._split(direction, data)
                    target.sendall(before)
                    if after is not None:
                        self._hold(store, server, after)
                        return
                    if len(before) < len(data) or self._left[direction] == 0:
                        self.cuts += 1
                        self.cut_no_more()
                        return

    def _split(self, direction: Direction, data: bytes) -> tuple[bytes, bytes | None]:
        """Return what of some bytes passes, and what is held back, if this connection is to be held."""
        with self._lock:
            if direction == TO_SERVER and self._holds_after is not None:
                count, self._holds_after = self._holds_after, max(0, self._holds_after - len(data))
                if count <= len(data):
                    self._holds_after = None
                    return data[:count], data[count:]
            left = self._left[direction]
            if left is not None:
                data = data[:left]
                self._left[direction] = left - len(data)
            self.passed[direction] += len(data)
            return data, None

    def _hold(self, store: socket.socket, server: socket.socket, held: bytes) -> None:
        """Take all that the store sends until it gives up, and bring it to the server when that may be."""
        self.held += 1
        if self._cuts_held:
            store.shutdown(socket.SHUT_RDWR)
        with suppress(OSError):
            while data := store.recv(CHUNK):
                held += data
        self._may_go_on.wait(60)
        server.sendall(held)
        server.shutdown(socket.SHUT_WR)
        while server.recv(CHUNK):
            pass
