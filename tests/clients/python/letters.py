"""Prints what TP_DLQ holds, one JSON object per line, oldest first.

    letters.py --server nats://host:4222 --user operator --password-file F --count 3
"""

import argparse
import asyncio
import json

import nats
from nats.js.api import ConsumerConfig, DeliverPolicy


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", required=True)
    parser.add_argument("--user", required=True)
    parser.add_argument("--password-file", required=True)
    parser.add_argument("--count", type=int, required=True, help="how many are waited for")
    return parser.parse_args()


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
    stream = connection.jetstream(timeout=5)
    config = ConsumerConfig(deliver_policy=DeliverPolicy.ALL)
    letters = await stream.subscribe("tp.dlq.>", stream="TP_DLQ", ordered_consumer=True, config=config)
    for _ in range(given.count):
        message = await letters.next_msg(timeout=60)
        print(json.dumps(json.loads(message.data)))
    await connection.close()


if __name__ == "__main__":
    asyncio.run(main())
