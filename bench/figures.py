"""A figure stands beside its baseline of the same run, as a ratio, with the goal it is held against."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """`ratio` is value / baseline. `goal` reads like "≥ 0.75" (of the ratio) or "< 50" (of the value)."""

    name: str
    value: float
    baseline: float
    unit: str
    goal: str = ""
    met: bool | None = None
    note: str = ""

    @property
    def ratio(self) -> float:
        return self.value / self.baseline if self.baseline else float("nan")


def table(figures: list[Figure]) -> str:
    """Return the figures as aligned text."""
    rows = [("figure", "healthdesk", "baseline", "unit", "ratio", "goal", "")]
    for figure in figures:
        met = {None: "", True: "met", False: "missed"}[figure.met]
        rows.append(
            (
                figure.name,
                f"{figure.value:,.2f}",
                f"{figure.baseline:,.2f}",
                figure.unit,
                f"{figure.ratio:.2f}",
                figure.goal,
                met,
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(7)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    lines += [f"  {figure.name}: {figure.note}" for figure in figures if figure.note]
    return "\n".join(lines)


def write_json(figures: list[Figure], path: Path) -> None:
    """Write the figures, with the machine they were taken on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    machine = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.system(),
    }
    rows = [{**asdict(figure), "ratio": figure.ratio} for figure in figures]
    path.write_text(json.dumps({"machine": machine, "figures": rows}, indent=1) + "\n")
