#!/usr/bin/env python3
"""A TCP proxy that keeps every byte back for a while: a distant server on one machine.

    delay_proxy.py LISTEN_PORT SERVER_PORT ONE_WAY_MS

Bytes are not slowed down, only late; order is kept. Ends when it is killed."""

import asyncio
import sys

LISTEN, SERVER, DELAY = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]) / 1000


async def carry(reader, writer):
    loop = asyncio.get_running_loop()
    queue = asyncio.Queue()

    async def release():
        while True:
            due, data = await queue.get()
            wait = due - loop.time()
            if wait > 0:
                await asyncio.sleep(wait)
            if not data:
                writer.close()
                return
            writer.write(data)

    task = asyncio.create_task(release())
    try:
        while data := await reader.read(1 << 18):
            queue.put_nowait((loop.time() + DELAY, data))
    except ConnectionError:
        pass
    queue.put_nowait((loop.time() + DELAY, b""))
    await task


async def serve(reader, writer):
    there, back = await asyncio.open_connection("127.0.0.1", SERVER)
    await asyncio.gather(carry(reader, back), carry(there, writer), return_exceptions=True)


async def main():
    async with await asyncio.start_server(serve, "127.0.0.1", LISTEN) as server:
        await server.serve_forever()


asyncio.run(main())
