"""The page for operators: `ui`."""

from __future__ import annotations

import click

from sessionworker.client import Client
from sessionworker.commands.asking import ask
from sessionworker.commands.endings import Code, Stop
from sessionworker.commands.given import Given, command
from sessionworker.commands.showing import say, show

ROOT = "/ui"


@command()
@click.option("--at", "address", metavar="URL", default="", help="Where your browser finds the page: behind a proxy.")
def ui(given: Given, address: str) -> None:
    """Print a link that signs in at the worker's page, once, within a minute. No token is typed then."""
    if given.store is not None:
        raise Stop("The page is a running worker's: --store has none.", Code.USAGE)

    async def work(client: Client) -> tuple[str, str]:
        link = await client.page_link()
        return link.url, link.code

    url, code = ask(given, work)
    place = (address or url).rstrip("/").removesuffix(ROOT)
    if not place:
        raise Stop("The worker cannot tell where a browser finds its page. Give --at.", Code.USAGE)
    link = f"{place}{ROOT}/login#once={code}"
    show(given, {"link": link}, [link])
    say(given, "It signs in once, within 60 s. Whoever opens it may do what an operator may.")
