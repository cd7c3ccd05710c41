"""The service's commands: `python -m gdcc.notify`."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from gdcc.console import err, out
from gdcc.errors import GdccError
from gdcc.model.problems import StackError
from gdcc.notify.api import Api
from gdcc.notify.bindings import KeyKind
from gdcc.notify.keyring import Keyring, service_id
from gdcc.notify.log import event, quieten
from gdcc.notify.migrate import migrate as apply
from gdcc.notify.settings import HELP, PREFIX, Mounted, Settings, settings
from gdcc.notify.worker import Worker

GRACE_SECONDS = 20
EXAMPLES = (
    "\b\nExamples:\n"
    "  python -m gdcc.notify settings             # every environment variable\n"
    "  python -m gdcc.notify check                # is everything mounted as it should be\n"
    "  python -m gdcc.notify migrate\n"
    "  python -m gdcc.notify serve\n"
    "  python -m gdcc.notify worker\n"
    "  python -m gdcc.notify key moph/ddc prod live"
)

app = typer.Typer(
    name="notify",
    help="The notify service: accepts messages over HTTP and hands them to e-mail, SMS and LINE.",
    epilog=EXAMPLES,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command()
def serve() -> None:
    """Answer the API, until SIGTERM; requests in hand are finished."""
    given, mounted = _prepared()
    _run(Api(given, mounted).app(), given)


@app.command()
def worker() -> None:
    """Hand over what is due, until SIGTERM; messages in hand are finished. /healthz and /metrics on LISTEN."""
    given, mounted = _prepared()
    _run(_worker_app(Worker(given, mounted.keyring, mounted.providers)), given)


@app.command()
def migrate() -> None:
    """Bring the database to the shape that this version needs."""
    applied = apply(settings(os.environ).database_url)
    event("migrated", applied=applied)


@app.command()
def check() -> None:
    """Read every setting and mounted file, and say what is wrong, without starting anything."""
    _, mounted = _prepared()
    out.print(f"{len(mounted.bindings.bindings)} bindings, channels: {', '.join(mounted.providers.senders())}")


@app.command("settings")
def show_settings() -> None:
    """List the environment variables."""
    for name, words in HELP.items():
        out.print(f"{PREFIX + name:24} {words}", markup=False)


@app.command()
def key(
    agency: Annotated[str, typer.Argument(help="MINISTRY/AGENCY.")],
    environment: Annotated[str, typer.Argument(help="prod, staging, dev, ...")],
    kind: Annotated[str, typer.Argument(help="test, team or live.")],
    generation: Annotated[int, typer.Option(min=1, help="As listed in the binding.")] = 1,
) -> None:
    """Print an API key for the contract's clients; it works while the binding lists its kind and generation."""
    kinds: dict[str, KeyKind] = {"test": "test", "team": "team", "live": "live"}
    if kind not in kinds:
        raise GdccError(f"no key is of the kind `{kind}`", "write test, team or live")
    mounted = os.environ.get(f"{PREFIX}MASTER_KEYS_FILE")
    if not mounted:
        raise GdccError(f"{PREFIX}MASTER_KEYS_FILE is not set", HELP["MASTER_KEYS_FILE"])
    typer.echo(api_key(Keyring.read(Path(mounted)), agency, environment, kinds[kind], generation))


def api_key(keyring: Keyring, agency: str, environment: str, kind: KeyKind, generation: int = 1) -> str:
    """An API key in the contract's form: name, service id, secret. For whoever writes it into the tenant's Secret."""
    service = service_id(agency, environment)
    return f"{kind}_{agency.replace('/', '_')}_{generation}-{service}-{keyring.secret(service, kind, generation)}"


def main() -> None:
    """Run the command; errors are words and an exit code, never a traceback."""
    try:
        app(standalone_mode=False)
    except GdccError as error:
        err.print(f"error: {error.message}", markup=False)
        if error.hint and not isinstance(error, StackError):
            err.print(f"  {error.hint}", markup=False)
        sys.exit(error.exit_code)
    except typer.TyperException as error:
        getattr(error, "show", partial(err.print, str(error), markup=False))()
        sys.exit(2)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)


def _prepared() -> tuple[Settings, Mounted]:
    quieten()
    given = settings(os.environ)
    return given, Mounted(given)


def _run(application: ASGIApp, given: Settings) -> None:
    listener = socket.socket(socket.AF_INET6 if ":" in given.host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((given.host, given.port))
    except OSError as error:
        raise GdccError(f"cannot listen on {given.host}:{given.port}: {error.strerror}", HELP["LISTEN"]) from error
    config = uvicorn.Config(
        application,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    uvicorn.Server(config).run(sockets=[listener])


def _worker_app(crew: Worker) -> Starlette:
    """What a cluster asks a worker: whether it lives, and its counts."""

    async def alive(request: Request) -> Response:
        return PlainTextResponse("alive\n") if crew.alive() else PlainTextResponse("a thread hangs\n", 503)

    async def measured(request: Request) -> Response:
        lines = ["# TYPE notify_handovers_total counter"]
        for name, count in sorted(crew.counts.items()):
            channel, _, outcome = name.partition(" ")
            lines.append(f'notify_handovers_total{{channel="{channel}",outcome="{outcome}"}} {count}')
        return PlainTextResponse("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4")

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        crew.start()
        event("started")
        try:
            yield
        finally:
            crew.stop()
            event("stopped")

    return Starlette(
        routes=[Route("/healthz", alive), Route("/readyz", alive), Route("/metrics", measured)], lifespan=lifespan
    )
