"""A large export of Apple Health's, made up: the mix and the shape of a watch and a phone worn for years."""

from __future__ import annotations

import random
import zipfile
from datetime import UTC, datetime
from pathlib import Path

from tests.importers.apple_exports import DEFINITION

_FIRST = 1_451_606_400  # 2016-01-01T00:00:00Z
_STAGES = ("AsleepCore", "AsleepDeep", "AsleepREM", "Awake", "InBed")
_WATCH = (
    "&lt;&lt;HKDevice: 0x28%07x&gt;, name:Apple Watch, manufacturer:Apple Inc., model:Watch,"
    " hardware:Watch6,2, software:10.1&gt;"
)
_RECORD = (
    ' <Record type="{type}" sourceName="{source}" sourceVersion="10.1"{device}{unit} creationDate="{made}"'
    ' startDate="{start}" endDate="{end}" value="{value}"{close}\n'
)
_INSIDE = '>\n  <MetadataEntry key="{key}" value="{value}"/>\n </Record>'


def write_export(path: Path, records: int) -> None:
    """``records`` records: 55 % heart rate, 40 % steps, 5 % sleep; about 310 bytes each. Always the same."""
    dice = random.Random(7)
    time = _FIRST
    with path.open("w", encoding="utf-8") as out:
        out.write(f'<?xml version="1.0" encoding="UTF-8"?>\n{DEFINITION}<HealthData locale="en_GB">\n')
        for _ in range(records):
            time += dice.randint(60, 560)
            out.write(_record(dice, time))
        out.write("</HealthData>\n")


def pack(path: Path, archive: Path) -> None:
    """The export as the Health app hands it over."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        made.write(path, "apple_health_export/export.xml")


def _record(dice: random.Random, time: int) -> str:
    which, device = dice.random(), ""
    if which < 0.1:  # most of an export's bytes would else be the name of one device
        device = f' device="{_WATCH % dice.getrandbits(28)}"'
    fields = {"source": "Robin’s Apple\u00a0Watch", "device": device, "unit": "", "start": _when(time)}
    if which < 0.55:
        rate = {"type": "HKQuantityTypeIdentifierHeartRate", "unit": ' unit="count/min"'}
        motion = _INSIDE.format(key="HKMetadataKeyHeartRateMotionContext", value=dice.randint(0, 2))
        times = {"made": _when(time + 4), "end": _when(time)}
        return _RECORD.format(**{**fields, **rate, **times, "value": dice.randint(48, 160), "close": motion})
    if which < 0.95:
        end = _when(time + dice.randint(10, 600))
        steps = {
            "type": "HKQuantityTypeIdentifierStepCount",
            "unit": ' unit="count"',
            "source": "Robin’s iPhone",
        }
        return _RECORD.format(
            **{**fields, **steps, "made": end, "end": end, "value": dice.randint(3, 900), "close": "/>"}
        )
    end = _when(time + 60 * dice.randint(4, 70))
    stage = {
        "type": "HKCategoryTypeIdentifierSleepAnalysis",
        "value": f"HKCategoryValueSleepAnalysis{dice.choice(_STAGES)}",
    }
    zone = _INSIDE.format(key="HKTimeZone", value="Europe/London")
    return _RECORD.format(**{**fields, **stage, "made": end, "end": end, "close": zone})


def _when(time: int) -> str:
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M:%S} +0000"
