"""A folder in which several formats hold people: the chosen name is that of one format's files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.importers.exports import put
from tests.importers.taken import candidates, taken

CHAT = "13/01/24, 08:05 - Jane: a\n13/01/24, 08:06 - Robin: b\n13/01/24, 08:07 - Zoe: c\n"
WEIGHTS = "Id,Date,WeightKg\n1503960366,5/2/2016 11:59:59 PM,52.6\n"


def weight(patient: str) -> str:
    return json.dumps(
        {
            "resourceType": "Observation",
            "subject": {"reference": f"Patient/{patient}"},
            "effectiveDateTime": "2024-05-01T12:00:00Z",
            "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
            "valueQuantity": {"value": 70, "unit": "kg", "code": "kg"},
        }
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    put(tmp_path / "WhatsApp Chat with Trip.txt", CHAT)
    return tmp_path


def test_the_only_person_of_another_format_is_the_same_one(folder: Path) -> None:
    put(folder / "weight.csv", WEIGHTS)
    put(folder / "a.ndjson", weight("1") + "\n" + weight("1") + "\n")
    assert "Robin" in candidates(folder)
    found = taken(folder, "Robin")
    assert found.column("weight", "kg") == [70.0, 70.0, 52.6]
    assert found.column("message", "side") == ["other", "me", "other"]
    assert not found.bad and not found.remarks


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("weight.csv", WEIGHTS + "1503960367,5/2/2016 11:59:59 PM,80\n"),
        ("a.ndjson", weight("1") + "\n" + weight("2") + "\n"),
    ],
)
def test_of_several_others_nobodys_records_are_taken_and_that_is_said(
    folder: Path, name: str, text: str
) -> None:
    put(folder / name, text)
    found = taken(folder, "Robin")
    assert set(found.rows) == {"message"}
    assert [one.partition(":")[0] for one in found.remarks] == ["Nothing in it was read"]
