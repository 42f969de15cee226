"""A viewer that will be frozen: ``python -m scripts.bench_soak_viewer``; offer and answer pass by stdout and stdin."""

import asyncio

from scripts.bench_join_peers import Viewer
from scripts.bench_processes import orders, say


async def main() -> None:
    """Watch until stdin closes; tell when there is a picture."""
    viewer = Viewer(lambda s: say(first_picture_s=s))
    say(offer=await viewer.offer())
    async for order in orders():
        await viewer.accept(order["answer"])
    await viewer.close()


if __name__ == "__main__":
    asyncio.run(main())
