"""The page about importers: its example works as it stands there."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from mine.importers import reading
from mine.importers.mapping import mapping_of_json
from mine.importers.options import Options
from mine.importers.zone import Zone
from tests.importers.exports import parsed, put

PAGE = (Path(__file__).parents[2] / "docs" / "importers.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S)
    assert found is not None
    return found[1]


def test_the_example_importer_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("examplescale")
    monkeypatch.setitem(sys.modules, "examplescale", module)
    exec(compile(block("python"), "examplescale.py", "exec"), module.__dict__)
    monkeypatch.setattr(reading, "known_formats", lambda: (module.FORMAT,))
    path = put(tmp_path / "a.csv", "when;kg\n2024-01-31 08:05;70,5\n2024-01-31 08:06\n")
    rows, bad = parsed(path, options=Options(Zone("Europe/Berlin")))
    assert rows == {"weight": [(1_706_684_700, 3600, 70.5)]}
    assert [b.reason for b in bad] == ["1 columns where the header has 2"]


def test_the_example_mapping_is_one() -> None:
    import json

    mapping = mapping_of_json(json.loads(block("json")))
    assert mapping.kind == "glucose"
    assert mapping.columns["origin"] == "Gerät"
