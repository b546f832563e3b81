"""Reports a build as CI would that has nothing but NATS: publishes the event on standard input to
a subject of TP_IN, again and again until the stream has it, and prints where it is.

    publish.py --server nats://host:4222 --user ci --password-file F --token-file T \
        --subject tp.in.build.<definition> < event.json
"""

import argparse
import asyncio
import json
import sys
import time

import nats
from nats.errors import Error


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", required=True)
    parser.add_argument("--user", required=True)
    parser.add_argument("--password-file", required=True)
    parser.add_argument("--token-file", help="Towpath's token of CI")
    parser.add_argument("--subject", required=True)
    parser.add_argument("--patience", type=float, default=180, help="seconds [180]")
    return parser.parse_args()


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read().strip()


def headers(given, body):
    """The token; and the event's own name, so that a repeated publish is stored once."""
    found = {}
    if given.token_file:
        found["Authorization"] = f"Bearer {read(given.token_file)}"
    try:
        event = json.loads(body)
        found["Nats-Msg-Id"] = f"{event['source']} {event['id']}"
    except (ValueError, KeyError, TypeError):
        pass
    return found


async def quiet(_):
    """A broker that is away is what this program is for."""


async def publish(given, body):
    connection = await nats.connect(
        given.server,
        user=given.user,
        password=read(given.password_file),
        inbox_prefix=f"_INBOX_{given.user}".encode(),
        allow_reconnect=True,
        connect_timeout=2,
        max_reconnect_attempts=1,
        error_cb=quiet,
    )
    try:
        stored = await connection.jetstream(timeout=5).publish(given.subject, body, headers=headers(given, body))
        return {"stream": stored.stream, "sequence": stored.seq, "duplicate": bool(stored.duplicate)}
    finally:
        await connection.close()


async def main():
    given, body = arguments(), sys.stdin.buffer.read()
    deadline = time.monotonic() + given.patience
    while True:
        try:
            print(json.dumps(await publish(given, body)))
            return 0
        except (Error, OSError, asyncio.TimeoutError) as error:
            if time.monotonic() > deadline:
                print(f"{given.server} did not take it: {error!r}", file=sys.stderr)
                return 1
            await asyncio.sleep(0.5)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
