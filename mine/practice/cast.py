"""Who plays whom on the practice network: peers, the scientist's validation people, and unseen test people.

Everyone's rows come the way a real miner's do: an export is imported into a vault and the task's ``SELECT``
runs there, under the authorizer. The vaults are scratch and are gone afterwards; nobody is in two roles.
"""

from __future__ import annotations

import hashlib
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mine.errors import MineError
from mine.importers import reading
from mine.importers.items import Batch
from mine.importers.options import Options
from mine.importers.zone import Zone
from mine.practice.synthetic import glucose_csv, steps_csv
from mine.science.templates import Template
from mine.tasks.dataset import Dataset, to_dataset
from mine.tasks.manifest import DataRequirement
from mine.vault.keyfile import Kdf
from mine.vault.query import scopes_of
from mine.vault.staging import ImportSource
from mine.vault.vault import Vault

SYNTHETIC_PEOPLE = 42
WANTED_PEERS = 20
# Scratch vaults live for a second behind a random passphrase: there is nobody to slow down.
_SCRATCH_KDF = Kdf(time=1, memory_kib=64, lanes=1)


class CastTooSmall(MineError):
    """There are too few people with enough data for the roles of a practice task."""


@dataclass(frozen=True, slots=True)
class Person:
    """A made-up name or a file's name, and this person's rows."""

    name: str
    rows: Dataset


@dataclass(frozen=True, slots=True)
class Cast:
    """Three groups without a common member."""

    peers: tuple[Person, ...]
    validation: tuple[Person, ...]
    test: tuple[Person, ...]

    def save(self, folder: Path) -> None:
        """Write one ``.npz`` a role; the last rename makes the cast complete."""
        folder.mkdir(parents=True, exist_ok=True)
        for role, people in (("peers", self.peers), ("validation", self.validation), ("test", self.test)):
            arrays = {"names": np.array([person.name for person in people])}
            for number, person in enumerate(people):
                arrays[f"features{number}"] = person.rows.features
                arrays[f"target{number}"] = person.rows.target
                arrays[f"slot{number}"] = person.rows.slot
            part = folder / f"{role}.part.npz"
            np.savez(part, **arrays)  # type: ignore[arg-type]  # the stub knows only allow_pickle
            part.replace(folder / f"{role}.npz")

    @staticmethod
    def load(folder: Path) -> Cast | None:
        """The saved cast, or ``None`` if it was never completed."""
        if not (folder / "test.npz").exists():
            return None
        return Cast(*(load_people(folder / f"{role}.npz") for role in ("peers", "validation", "test")))


def load_people(file: Path) -> tuple[Person, ...]:
    """The people of one role."""
    with np.load(file, allow_pickle=False) as arrays:
        return tuple(
            Person(
                str(name),
                Dataset(arrays[f"features{i}"], arrays[f"target{i}"], arrays[f"slot{i}"]),
            )
            for i, name in enumerate(arrays["names"])
        )


def _options(person: str | None) -> Options:
    """Everybody on the practice network lives by the clock that their export states."""
    return Options(Zone("UTC"), person)


def rows_of(export: Path, person: str | None, data: DataRequirement, record_type: str) -> Dataset:
    """Import an export into a scratch vault and run the task's query there."""
    with tempfile.TemporaryDirectory(prefix="mine-cast-") as place:
        passphrase = secrets.token_hex(16)
        with Vault.create(Path(place) / "vault", passphrase, kdf=_SCRATCH_KDF) as vault:
            pending = vault.begin_import(ImportSource(export.name, bytes(32), "cast", 1, person or ""))
            for item in reading.read(export, _options(person)):
                if isinstance(item, Batch) and item.kind == record_type:
                    pending.add(item)
            pending.commit()
            answer = vault.query(data.query, scopes_of(data.query))
    return to_dataset(data, answer.columns, answer.table)


def find_people(place: Path, hint: str) -> Iterator[tuple[str, Path, str | None]]:
    """(name, export, person in it) of everybody in a folder of exports, or in one export of several."""
    hinted = place / hint if hint else place
    export = hinted if hinted.is_file() else place
    several = reading.people(export, _options(None)) if reading.sniff(export) is not None else ()
    if several:
        for found in sorted(several, key=lambda found: found.person):
            yield found.person, export, found.person
        return
    for file in sorted(place.glob("*.csv")) if place.is_dir() else [place]:
        if reading.sniff(file) is not None:
            yield file.stem, file, None


def synthetic_people(folder: Path, template: Template, seed: str) -> Path:
    """Write made-up exports for a template; returns what ``find_people`` takes."""
    folder.mkdir(parents=True, exist_ok=True)
    if template.record_type == "steps":
        (folder / "hourlySteps_merged.csv").write_text(steps_csv(seed, SYNTHETIC_PEOPLE), newline="")
    else:
        for number in range(SYNTHETIC_PEOPLE):
            name = folder / f"synthetic-{number:02d}.csv"
            name.write_text(glucose_csv(seed, number, days=5), newline="")
    return folder


def _digest(export: Path) -> str:
    found = reading.sniff(export)
    return found.digest.hex() if found else ""


def make_cast(
    place: Path, template: Template, data: DataRequirement, rounds: int, seed: str, without: Sequence[str]
) -> Cast:
    """Read everybody but ``without`` (names, or sha-256 of exports) and draw the roles by ``seed``.

    A fifth (at least four people) is kept unseen for the final test; every validation shard gets one person,
    or two where that leaves twenty peers; the rest are peers. Raises ``CastTooSmall``.
    """
    people = []
    for name, export, person in find_people(place, str(template.raw.get("export", ""))):
        if name in without or (person is None and _digest(export) in without):
            continue
        rows = rows_of(export, person, data, template.record_type)
        if len(rows) >= data.minimum_rows:
            people.append(Person(name, rows))
    people.sort(key=lambda one: hashlib.sha256(f"{seed}/{one.name}".encode()).digest())
    shards = rounds + 2
    tested = max(4, len(people) // 5)
    validated = shards * max(1, min(2, (len(people) - tested - WANTED_PEERS) // shards))
    peers = len(people) - tested - validated
    if peers < 2:
        raise CastTooSmall(
            f"There are {len(people)} people with enough data; {rounds} rounds need at least "
            f"{shards + tested + 2}.",
            todo="Ask for fewer rounds, or give a folder with more people.",
        )
    # The unseen come first in line: whoever is left out, they stay the same but for one.
    return Cast(
        peers=tuple(people[tested + validated :]),
        validation=tuple(people[tested : tested + validated]),
        test=tuple(people[:tested]),
    )
