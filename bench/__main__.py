"""`python -m bench [accept deliver latency log memory heartbeats instances]`: every figure beside its baseline of the same run."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any

from bench.accept import accept
from bench.deliver import deliver
from bench.figures import Figure, table, write_json
from bench.heartbeats import heartbeats
from bench.instances import instances_bench
from bench.latency import latency
from bench.log_pages import LARGE, log_pages
from bench.memory import memory

MEASURES = {
    "accept": accept,
    "deliver": deliver,
    "latency": latency,
    "log": log_pages,
    "memory": memory,
    "heartbeats": heartbeats,
    "instances": instances_bench,
}


async def _run(names: list[str], log: dict[str, Any]) -> list[Figure]:
    figures: list[Figure] = []
    for name in names:
        sys.stderr.write(f"measuring {name} …\n")
        figures += await MEASURES[name](**log if name == "log" else {})
    return figures


def main() -> int:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("measures", nargs="*", choices=[*MEASURES, []], default=[])
    parser.add_argument(
        "--database", choices=("sqlite", "postgresql"), default="sqlite", help="of the log's pages (sqlite)"
    )
    parser.add_argument(
        "--records", type=int, default=LARGE, metavar="N", help=f"in the larger of the two logs ({LARGE:,})"
    )
    parser.add_argument("--json", type=Path, default=Path("bench/results/latest.json"))
    options = parser.parse_args()
    log = {"database": options.database, "large_count": options.records}
    figures = asyncio.run(_run(options.measures or list(MEASURES), log))
    print(table(figures))
    write_json(figures, options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
