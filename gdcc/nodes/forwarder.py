"""The way from a test host to the API server, which listens on loopback only.

It listens on this machine's end of the host's own link, which nothing else reaches, and passes bytes on: TLS is between
the kubelet and the API server.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial

from gdcc.errors import GdccError

_CHUNK = 65536


@contextmanager
def forwarding(address: str, port: int) -> Iterator[None]:
    """Forward `address:port` to the same port on loopback while the block runs.

    Raises:
        GdccError: the address is not this machine's, or the port is taken there.
    """
    loop = asyncio.new_event_loop()
    try:
        server = loop.run_until_complete(asyncio.start_server(partial(_connect, port), address, port))
    except OSError as error:
        loop.close()
        raise GdccError(f"{address}:{port} cannot be listened on: {error.strerror}", "run `gdcc nodes up`") from error
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        asyncio.run_coroutine_threadsafe(_close(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _connect(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        there, here = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        writer.close()
        return
    await asyncio.gather(_pass(reader, here), _pass(there, writer))


async def _pass(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await source.read(_CHUNK):
            target.write(chunk)
            await target.drain()
    target.close()


async def _close(server: asyncio.Server) -> None:
    server.close()
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
