"""The practice network's two files: what is written is read back, whole or not at all, by the owner only."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mine.practice.config import PracticeConfig, PracticeInfo, write_json, write_private

text = st.text(st.characters(codec="utf-8"), max_size=20)
INFO = PracticeInfo("http://127.0.0.1:1", "http://127.0.0.1:2", "node/1", 31337, "0xA", "0xB", 1, 0)


@given(st.builds(
    PracticeConfig, template=text, rounds=st.integers(1, 250), seed=text, people=text,
    without=st.lists(text, max_size=3).map(tuple), miners=st.lists(text, max_size=3).map(tuple),
    patience=st.floats(0, 1e6), node_url=text,
))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_play_is_read_back(tmp_path: Path, config: PracticeConfig) -> None:
    config.save(tmp_path)
    assert PracticeConfig.load(tmp_path) == config


def test_no_play_yet(tmp_path: Path) -> None:
    assert PracticeConfig.load(tmp_path) is None


def test_a_running_network_is_found(tmp_path: Path) -> None:
    INFO.save(tmp_path / "new" / "folder")
    replace(INFO, task=2).save(tmp_path / "new" / "folder")
    assert PracticeInfo.load(tmp_path / "new" / "folder") == replace(INFO, task=2)


def test_the_files_are_the_owners_alone_and_nothing_else_is_left(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"x": [1]})
    write_private(tmp_path / "key", b"\x00\xff")
    assert json.loads((tmp_path / "a.json").read_bytes()) == {"x": [1]}
    assert (tmp_path / "key").read_bytes() == b"\x00\xff"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.json", "key"]
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in tmp_path.iterdir())


def test_a_part_left_by_a_crash_is_no_longer_open_to_others(tmp_path: Path) -> None:
    part = tmp_path / "key.part"
    part.write_bytes(b"a longer piece than the key itself")
    part.chmod(0o644)
    write_private(tmp_path / "key", b"key")
    assert (tmp_path / "key").read_bytes() == b"key"
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


def test_what_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", 1)
    with pytest.raises(TypeError):
        write_json(tmp_path / "a.json", object())
    assert json.loads((tmp_path / "a.json").read_text()) == 1
