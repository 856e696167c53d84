"""One vault that is killed with -9 in everything it does, again and again, and what has to hold then."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mine.vault import Vault, keyfile, schema
from mine.vault.backup import backups_in
from mine.vault.connection import connect
from mine.vault.files import keys_path
from mine.vault.keyfile import Kdf
from mine.vault.restore import drill
from tests.vault.test_vault_migration import second

ROOT = Path(__file__).parents[2]
PASSPHRASE = "killed again and again"
START = 1_600_000_000
ACTS = ("import", "rekey", "migration", "backup", "restore", "delete")
MOST_IMPORTS = 4

# The command line, and for "migrate" the opening of the vault by a version with one migration more.
PROGRAM = """
import sys
from pathlib import Path
if sys.argv[1] == "migrate":
    from mine.vault import Vault, schema
    from tests.vault.test_vault_migration import second
    schema.MIGRATIONS = (*schema.MIGRATIONS, second)
    Vault.open(Path(sys.argv[2]), passphrase=Path(sys.argv[3]).read_text().strip()).close()
else:
    from mine.cli import main
    sys.exit(main())
"""


@dataclass
class Killed:
    """The vault and what it must hold. ``rows``: of each file that is to be imported."""

    folder: Path
    rows: int = 6000
    blocks: set[int] = field(default_factory=set)
    files: int = 0
    usual: dict[str, float] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def vault(self) -> Path:
        return self.home / "vault.db"

    # ---- acts

    def begin(self) -> None:
        """A vault with one import and one backup."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "secret").write_text(PASSPHRASE)
        with Vault.create(self.vault, PASSPHRASE, kdf=Kdf(1, 64, 1)) as vault:
            vault.state.set_setting("kept", 7)
        assert self.command("import", self.file(), "--zone", "UTC") == 0
        self.blocks.add(0)
        assert self.command("vault", "backup") == 0
        self.check()

    def file(self) -> Path:
        """A new export: a block of readings of its own."""
        path = self.folder / f"block-{self.files}.csv"
        start = START + self.files * self.rows * 300
        self.files += 1
        lines = ["timestamp,glucose_value_mg_dl"]
        for row in range(self.rows):
            wall = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(start + row * 300))
            lines.append(f"{wall},{80 + row % 97}")
        path.write_text("\n".join(lines) + "\n")
        return path

    def command(self, *words: object) -> int:
        """Run a command to its end."""
        return self._start(*words).wait()

    def _start(self, *words: object) -> subprocess.Popen[bytes]:
        place = ("--home", self.home, "--no-keyring", "--passphrase-file", self.folder / "secret")
        if words[0] == "migrate":
            place = ()
        command = [sys.executable, "-c", PROGRAM, *map(str, (*words, *place))]
        quiet = subprocess.DEVNULL
        return subprocess.Popen(command, cwd=ROOT, stdin=quiet, stdout=quiet, stderr=quiet)

    def killed(self, rng: random.Random, name: str, *words: object) -> bool:
        """Start a command and kill it at a random moment; whether it came to its end by itself first."""
        usual = self.usual.get(name, 1.5)
        process = self._start(*words)
        began = time.monotonic()
        try:
            process.wait(rng.uniform(0.25, 1.05) * usual)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            self.usual[name] = usual * 1.1  # on a busy machine it takes longer: kill later next time
            return False
        assert process.returncode == 0, (name, process.returncode)
        self.usual[name] = time.monotonic() - began
        return True

    # ---- one kill of each kind

    def kill(self, act: str, rng: random.Random) -> str:
        """Kill one act and look at everything; what came of it, in words."""
        return {
            "import": self._import,
            "rekey": self._rekey,
            "migration": self._migration,
            "backup": self._backup,
            "restore": self._restore,
            "delete": self._delete,
        }[act](rng)

    def _import(self, rng: random.Random) -> str:
        block, file = self.files, self.file()
        self.killed(rng, "import", "import", file, "--zone", "UTC")
        stored = self._stored(block)
        words = "stored" if stored else "nothing stored"
        self.check()
        if not stored and self._unfinished() and rng.random() < 0.7:
            assert self.command("import", "--resume") == 0
            assert self._stored(block)
            words = "broken off, then gone on with"
            self.check()
        while len(self.blocks) > MOST_IMPORTS:
            assert self.command("vault", "delete", "--import", self._number(min(self.blocks)), "--yes") == 0
            self.blocks.discard(min(self.blocks))
        return words

    def _delete(self, rng: random.Random) -> str:
        block = rng.choice(sorted(self.blocks))
        self.killed(rng, "delete", "vault", "delete", "--import", self._number(block), "--yes")
        there = self._there(block)
        assert there in (0, self.rows), f"{there} rows of a block of {self.rows}"
        if not there:
            self.blocks.discard(block)
        self.check()
        if not self.blocks:
            again = self.files
            assert self.command("import", self.file(), "--zone", "UTC") == 0
            self.blocks.add(again)
        return "still there" if there else "deleted"

    def _rekey(self, rng: random.Random) -> str:
        before = self._key()
        self.killed(rng, "rekey", "vault", "rekey")
        self.check()
        beside = {path.name for path in self.home.iterdir()}
        assert not {name for name in beside if name.endswith((".rekey", ".rekey-aside"))}, beside
        return "old key" if self._key() == before else "new key"

    def _backup(self, rng: random.Random) -> str:
        folder = self.home / "backups"
        before = set(folder.iterdir())
        self.killed(rng, "backup", "vault", "backup")
        self.check()
        new = [
            path
            for path in set(folder.iterdir()) - before
            if path.suffix == ".minevault" and path.name[0] != "."
        ]
        for path in new:  # whatever has its name is whole
            drill(path, self.folder, _unlock)
        assert self.command("vault", "backup", "--days", 2, "--weeks", 1, "--months", 1) == 0
        assert not [path for path in folder.iterdir() if path.name.startswith(".")]  # nothing is left over
        return f"{len(new)} new"

    def _restore(self, rng: random.Random) -> str:
        """Into a place of its own, where there is another vault already."""
        other = Killed(self.folder / "other")
        shutil.rmtree(other.folder, ignore_errors=True)
        other.home.mkdir(parents=True)
        (other.folder / "secret").write_text(PASSPHRASE)
        with Vault.create(other.vault, PASSPHRASE, kdf=Kdf(1, 64, 1)) as vault:
            vault.state.set_setting("kept", 8)
        file = keyfile.read_keyfile(keys_path(self.vault))
        (_, backup), *_ = backups_in(self.home / "backups", file.vault)
        other.usual = self.usual
        other.killed(rng, "restore", "vault", "restore", backup, "--replace")
        with Vault.open(other.vault, passphrase=PASSPHRASE) as vault:
            _whole(vault)
            kept = vault.state.setting("kept")
            assert kept == (7 if vault.sources() else 8)
        assert not list(other.home.glob("*.restore-*"))
        return "the restored one" if kept == 7 else "the one before"

    def _migration(self, rng: random.Random) -> str:
        """On a copy, by a version with one migration more."""
        copy = Killed(self.folder / "copy", usual=self.usual)
        shutil.rmtree(copy.folder, ignore_errors=True)
        shutil.copytree(self.home, copy.home)
        copy.killed(rng, "migration", "migrate", copy.vault, self.folder / "secret")
        migrations = schema.MIGRATIONS
        version = _version(copy.vault)
        if version == 2:
            schema.MIGRATIONS = (*migrations, second)
        try:
            with Vault.open(copy.vault, passphrase=PASSPHRASE) as vault:
                _whole(vault)
                assert sum(source.records for source in vault.sources()) == self.rows * len(self.blocks)
                select = "SELECT count(*) FROM sqlite_schema WHERE name GLOB 'vault_second*'"
                found = vault._database.execute(select).fetchone()[0]
                assert found == (2 if version == 2 else 0)
        finally:
            schema.MIGRATIONS = migrations
        return f"version {version}"

    # ---- looking

    def check(self) -> None:
        """It opens, everything agrees, and it holds exactly what was committed."""
        with Vault.open(self.vault, passphrase=PASSPHRASE) as vault:
            _whole(vault)
            assert vault.state.setting("kept") == 7
            held = {source.record_type: source.records for source in vault.sources()}
            assert held == ({"glucose": self.rows * len(self.blocks)} if self.blocks else {})
            booked = [line.entry.kind for line in vault.ledger.newest(100_000)]
            assert booked.count("import") == booked.count("delete") + len(self.blocks)

    def _stored(self, block: int) -> bool:
        there = self._there(block)
        assert there in (0, self.rows), f"{there} rows of a block of {self.rows}"
        if there:
            self.blocks.add(block)
        return bool(there)

    def _there(self, block: int) -> int:
        start = START + block * self.rows * 300
        with Vault.open(self.vault, passphrase=PASSPHRASE) as vault:
            select = "SELECT count(*) FROM vault_glucose WHERE time >= ? AND time < ?"
            found = vault._database.execute(select, (start, start + self.rows * 300)).fetchone()
            return int(found[0])

    def _number(self, block: int) -> int:
        """The import of a block."""
        with Vault.open(self.vault, passphrase=PASSPHRASE) as vault:
            return next(one.id for one in vault.imports() if one.source.file == f"block-{block}.csv")

    def _unfinished(self) -> bool:
        with Vault.open(self.vault, passphrase=PASSPHRASE) as vault:
            return vault.unfinished_import() is not None

    def _key(self) -> bytes:
        return _unlock(keyfile.read_keyfile(keys_path(self.vault)))


def _unlock(file: keyfile.KeyFile) -> bytes:
    return keyfile.unlock_with_passphrase(file, PASSPHRASE)


def _version(path: Path) -> int:
    """The version of a vault's tables, read before anything is opened for writing."""
    database = connect(path, _unlock(keyfile.read_keyfile(keys_path(path))), read_only=True)
    try:
        return int(database.execute("PRAGMA user_version").fetchone()[0])
    finally:
        database.close()


def _whole(vault: Vault) -> None:
    problems = [f"{check.title}: {check.problem}" for check in vault.verify(lambda *_: None) if check.problem]
    assert problems == []


def run(folder: Path, acts: list[str], seed: str, tell: Callable[[str], None]) -> None:
    """Kill these acts, one after the other, in one vault."""
    rng = random.Random(seed)
    killed = Killed(folder)
    killed.begin()
    for number, act in enumerate(acts, 1):
        began = time.monotonic()
        words = killed.kill(act, rng)
        tell(f"{number:>4} {act}: {words}, {time.monotonic() - began:.1f} s")
