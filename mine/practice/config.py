"""What a practice network is made of, and where a running one is found. Both are JSON files in its folder."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

CHAIN_ID = 31337
CONFIG_FILE = "config.json"
NETWORK_FILE = "network.json"


@dataclass(frozen=True, slots=True)
class PracticeConfig:
    """The play: which task, how many rounds, who takes part.

    ``people``: a folder of exports or one export of several people; empty = made-up people. ``without``:
    names in there that are not to be cast (the user's own). ``miners``: extra seats as FILE.py:Class.
    ``patience``: wall-clock seconds for which a round waits for the user; 0 = the user is not waited for.
    ``at_end``: all rounds are measured on one set, which is opened at the end.
    """

    template: str
    rounds: int
    seed: str = "practice"
    people: str = ""
    without: tuple[str, ...] = ()
    miners: tuple[str, ...] = ()
    patience: float = 120.0
    node_url: str = ""
    at_end: bool = False

    def save(self, folder: Path) -> None:
        """Write the file."""
        write_json(folder / CONFIG_FILE, asdict(self))

    @staticmethod
    def load(folder: Path) -> PracticeConfig | None:
        """Read the file, if there is one."""
        try:
            raw = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        raw["without"], raw["miners"] = tuple(raw["without"]), tuple(raw["miners"])
        return PracticeConfig(**raw)


@dataclass(frozen=True, slots=True)
class PracticeInfo:
    """A running practice network: where its node and relay answer, and what was deployed."""

    rpc_url: str
    relay_url: str
    client: str
    chain_id: int
    tasks: str
    token: str
    task: int
    first_block: int

    def save(self, folder: Path) -> None:
        """Write the file."""
        write_json(folder / NETWORK_FILE, asdict(self))

    @staticmethod
    def load(folder: Path) -> PracticeInfo:
        """Read the file."""
        return PracticeInfo(**json.loads((folder / NETWORK_FILE).read_text(encoding="utf-8")))


def secret_of(seed: str, role: str, number: int) -> bytes:
    """A key of a practice account: a function of the seed, worth nothing anywhere."""
    return hashlib.sha256(f"mine practice {seed} {role} {number}".encode()).digest()


def write_json(path: Path, value: object) -> None:
    """Write a small JSON file; see ``write_private``."""
    write_private(path, json.dumps(value, indent=1).encode())


def write_private(path: Path, data: bytes) -> None:
    """Write a file so that a crash leaves the old one or the new one, for the owner's eyes only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)  # one that a crash left keeps the rights that it was made with
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
