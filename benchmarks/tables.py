"""Tables in Markdown, the machine they were measured on, and their place in docs/benchmarks.md."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"


def format_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def describe_run(command: str) -> str:
    """Command, date, processor and how busy it was, as one line."""
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    busy = os.getloadavg()[0]
    return (
        f"`{command}`, {now}, {processor_name()}, {os.cpu_count()} cores, load average {busy:.1f}"
    )


def processor_name() -> str:
    """The processor's own name where the system tells it."""
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def write_section(title: str, text: str) -> None:
    """Put `text` under the heading `title` of docs/benchmarks.md, replacing what stood there."""
    head, *sections = DOCUMENT.read_text().split("\n## ")
    fresh = f"{title}\n\n{text.strip()}\n"
    kept = [fresh if section.startswith(f"{title}\n") else section for section in sections]
    if fresh not in kept:
        kept.append(fresh)
    DOCUMENT.write_text("\n## ".join([head, *kept]).rstrip() + "\n")
