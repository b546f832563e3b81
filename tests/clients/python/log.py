"""Reads or writes the log's stream as only its operator may: an order on standard input, as JSON,
and the answer on standard output.

    {"last": subject}                              the last message of a subject, or null
    {"store": subject, "headers": {}, "data": hex} stores a message

    log.py --server nats://host:4222 --user operator --password-file F < order.json
"""

import argparse
import asyncio
import json
import sys

import nats
from nats.js.errors import NotFoundError

STREAM = "TP_EVT"


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", required=True)
    parser.add_argument("--user", required=True)
    parser.add_argument("--password-file", required=True)
    return parser.parse_args()


async def obey(stream, order):
    if "store" in order:
        stored = await stream.publish(
            order["store"], bytes.fromhex(order["data"]), stream=STREAM, headers=order["headers"]
        )
        return {"sequence": stored.seq}
    try:
        found = await stream.get_last_msg(STREAM, order["last"])
    except NotFoundError:
        return None
    return {"subject": found.subject, "hash": found.headers["Tp-Hash"], "data": found.data.hex()}


async def main():
    given = arguments()
    with open(given.password_file, encoding="utf-8") as file:
        password = file.read().strip()
    connection = await nats.connect(
        given.server,
        user=given.user,
        password=password,
        inbox_prefix=f"_INBOX_{given.user}".encode(),
    )
    print(json.dumps(await obey(connection.jetstream(timeout=5), json.load(sys.stdin))))
    await connection.close()


if __name__ == "__main__":
    asyncio.run(main())
