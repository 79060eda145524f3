"""A program that shows a worker wrong tokens, so many a second: `python -m tests.daemon.flooding PORT ADDRESS RATE`.

It says a line when it is at it, and goes on until it is ended. Then it says how many it showed a second.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time

REQUEST = b"GET /session/codechat/sales/creds HTTP/1.1\r\nHost: worker\r\napikey: wrong-%d\r\n\r\n"

CONNECTIONS = 1500
"""Each waits a second for its answer, so as many are needed as tokens are shown in one."""


async def show(port: int, address: str, free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]]) -> None:
    """Show one wrong token over a connection that is free, or a new one."""
    if free.empty():
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
    else:
        reader, writer = free.get_nowait()
    writer.write(REQUEST % time.monotonic_ns())
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 401"):
        raise SystemExit(f"a wrong token was answered with {head[:40]!r}")
    length = next(line for line in head.lower().splitlines() if line.startswith(b"content-length:"))
    await reader.readexactly(int(length.split(b":")[1]))
    free.put_nowait((reader, writer))


async def flood(port: int, address: str, rate: int) -> None:
    """Show wrong tokens at a rate, whatever comes of them, until SIGTERM."""
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    begun, shown, under_way = time.monotonic(), 0, set[asyncio.Task[None]]()
    while not ended.is_set():
        due = int((time.monotonic() - begun) * rate)
        while shown < due and len(under_way) < CONNECTIONS:
            task = asyncio.create_task(show(port, address, free))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            shown += 1
            if shown == int(1.2 * rate):  # those of the first second have their answers, and are shown again
                print("at it", flush=True)
        await asyncio.sleep(0.0005)  # one after the other, not several at once
    print(round(shown / (time.monotonic() - begun)), flush=True)


if __name__ == "__main__":
    asyncio.run(flood(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
