"""Writing models/manifest.toml: an exporter changes the entry of its own network and leaves the others alone."""

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

Value = str | int | float

HEAD = "# The networks of this folder; models/loader.py refuses a file whose sha256 differs.\n"


def write_entry(path: Path, name: str, entry: Mapping[str, Value]) -> None:
    """Set one network's entry; the file is replaced as a whole, or not at all.

    Args:
        path: manifest.toml; a missing one is begun.
        name: of the network, the table's name.
        entry: plain values, written in their order.

    Raises:
        ValueError: the present file is no TOML, or holds something else than tables of plain values.
    """
    networks: dict[str, Mapping[str, Value]] = {}
    if path.exists():
        try:
            networks = tomllib.loads(path.read_text())
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
            raise ValueError(f"{path} is not readable TOML: {exc}") from exc
    networks[name] = entry
    text = HEAD + "".join(_table(path, key, networks[key]) for key in sorted(networks))
    part = path.with_suffix(".part")
    part.write_text(text)
    os.replace(part, path)


def _table(path: Path, name: str, entry: object) -> str:
    if not isinstance(entry, Mapping):
        raise ValueError(f"{path}: [{name}] must be a table")
    lines = []
    for key, value in entry.items():
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ValueError(f"{path}: {key} of [{name}] must be text or a number, got {value!r}")
        # A JSON string is a TOML basic string, as long as it stays in the characters that need no surrogates.
        lines.append(f"{key} = {json.dumps(value, ensure_ascii=False)}")
    return f"\n[{name}]\n" + "\n".join(lines) + "\n"
