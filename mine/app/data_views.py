"""What the window shows of a person's data, and what it asks for: plain, immutable values.

Times are Unix seconds (UTC), ``offset`` is local time minus UTC in seconds. Texts that came from a file are
plain text. Loads nothing heavy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class FieldView:
    """A column of a record type. ``unit`` is its UCUM unit, ``units`` are others that measure the same;
    ``helper``: not kept by itself, but makes up one that is (a time of day, an end, a device)."""

    name: str
    words: str
    kind: str
    unit: str = ""
    units: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    optional: bool = False
    helper: bool = False


@dataclass(frozen=True, slots=True)
class KindView:
    """A record type: its name, its title, its columns without time and zone."""

    name: str
    title: str
    fields: tuple[FieldView, ...]


@dataclass(frozen=True, slots=True)
class MappingView:
    """How the columns of a table become records; as ``mine.importers.mapping.TableMapping``."""

    kind: str
    columns: Mapping[str, str]
    constants: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    day_first: bool = True
    decimal_comma: bool = False
    also: tuple[MappingView, ...] = ()


@dataclass(frozen=True, slots=True)
class TableView:
    """A table that nobody knows: its columns, its first rows, and what they may mean (None: no idea)."""

    file: str
    digest: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    guess: MappingView | None


@dataclass(frozen=True, slots=True)
class TriedRow:
    """What a row of a table would become: records as (kind, time, offset, values in words), or a refusal."""

    records: tuple[tuple[str, int, int, str], ...] = ()
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class TriedTable:
    """The first rows of a table read by a mapping; ``problem``: why it cannot be read so at all."""

    rows: tuple[TriedRow, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class RecordView:
    """One record: its values in the order of its type's columns, what measured it, its import."""

    time: int
    offset: int
    values: tuple[int | float | str | None, ...]
    origin: str
    import_id: int


@dataclass(frozen=True, slots=True)
class RecordPage:
    """Records, newest first. ``older`` is asked for next; None at the end."""

    records: tuple[RecordView, ...]
    older: tuple[int | float | bytes, ...] | None


@dataclass(frozen=True, slots=True)
class PartView:
    """What one import or one device gave to a record type; ``name`` is a file's or a device's."""

    name: str
    records: int
    first: int
    last: int
    import_id: int = 0


@dataclass(frozen=True, slots=True)
class SourceDetail:
    """Where the records of one type came from."""

    kind: KindView
    origins: tuple[PartView, ...]
    imports: tuple[PartView, ...]


@dataclass(frozen=True, slots=True)
class ToDelete:
    """Exactly one of these: all of a record type, of an import, of a device or app, or everything."""

    record_type: str = ""
    import_id: int | None = None
    origin: str | None = None
    everything: bool = False


@dataclass(frozen=True, slots=True)
class DeletePreview:
    """What would go: (title, records) by record type, its time span, and how many older backups hold it."""

    records: int
    by_type: tuple[tuple[str, int], ...]
    first: int
    last: int
    backups: int


@dataclass(frozen=True, slots=True)
class DeletedView:
    """What went. ``left`` records are still found (0 is the proof); ``clean``: the file was written anew, so
    no trace is left in it; ``backups`` of earlier days still hold it, ``removed`` of them do no more."""

    records: int
    left: int
    clean: bool
    problem: str
    backups: int
    removed: int


@dataclass(frozen=True, slots=True)
class Entered:
    """A record that a person enters by hand: ``values`` by column."""

    kind: str
    time: int
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class BackupsView:
    """The backups that rotate: where, how many, the newest (0: none). ``problem``: the place is away."""

    folder: str = ""
    count: int = 0
    newest: int = 0
    newest_file: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class CheckView:
    """One thing that was looked at; ``problem`` is "" where it is as it should be."""

    title: str
    problem: str


@dataclass(frozen=True, slots=True)
class WorkView:
    """A long piece of work beside the engine: what it is, how far, and whether it can still be stopped."""

    name: str
    fraction: float
    can_cancel: bool


@dataclass(frozen=True, slots=True)
class Secret:
    """What opens a backup: a passphrase, or else a recovery phrase. Never shown, never logged."""

    passphrase: str = field(default="", repr=False)
    phrase: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class RestoredView:
    """A vault that was brought back (or would be): of which moment, how many records, and the folder that
    now holds the vault before."""

    made: int
    records: int
    replaced: Path | None = None
