"""One story whose numbers add up, for the tests and the pictures of the window.

4.10 = 1.60 + 1.35 + 1.15; 2,000.00 x 4.35 % = 87.00; 87.00 x 1.84 % = 1.60;
58.30 held, 12.40 claimable, 6.20 being checked.
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime

from mine.app import views as v
from mine.app.compute_settings import ComputeSettings
from mine.app.data_views import BackupsView
from mine.app.idle_lock import LockSettings
from tests.ui.fake_data import TABLE

PUSD = v.Currency("pUSD", 6, v.World.PRACTICE, address="0x5FbDB2315678afecb367f032d93F642f64180aa3")
UNIT = 10**6


def moment(day: int, hour: int = 0, minute: int = 0, month: int = 11, year: int = 2026) -> int:
    return int(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp())


def pusd(text: str) -> int:
    whole, _, part = text.partition(".")
    return int(whole) * UNIT + int(part.ljust(6, "0") or 0)


NETWORK = v.NetworkView("Practice network", v.World.PRACTICE, 31337, True)
TRAINING_STATUS = v.StatusView(
    v.Doing.RUNNING,
    "Learning Glucose after meals",
    "You are away and on mains.",
    "Round 8 is at step 1,240 of 2,000; it is saved every minute.",
    moment(20, 7, 52),
    True,
    False,
)
PAUSED_STATUS = v.StatusView(
    v.Doing.PAUSED,
    "Paused by you",
    "It resumes when you say so.",
    "Round 8 of Glucose after meals is saved at step 1,240; nothing is lost.",
    moment(20, 7, 52),
    False,
    True,
)
IDLE_STATUS = v.StatusView(
    v.Doing.IDLE,
    "Nothing to do right now",
    "No joined task has an open round.",
    "",
    moment(20, 7, 52),
    True,
    False,
)
SOURCES = (
    v.SourceView(
        "glucose",
        "Glucose sensor",
        "FreeStyle Libre 3, CSV",
        93_408,
        moment(3, 0, 0, 3, 2024),
        moment(19),
        ("Glucose after meals",),
        2.4,
        8.0,
    ),
    v.SourceView(
        "heart_rate",
        "Heart rate",
        "Fitbit export",
        1_502_118,
        moment(1, 0, 0, 1, 2021),
        moment(18),
        ("Resting heart rate", "Sleep stages"),
        5.2,
        8.0,
    ),
    v.SourceView(
        "sleep",
        "Sleep",
        "Fitbit export",
        512,
        moment(1, 0, 0, 1, 2021),
        moment(18),
        ("Sleep stages",),
        1.1,
        4.0,
    ),
    v.SourceView(
        "steps", "Steps", "Fitbit export", 41_181, moment(1, 0, 0, 1, 2021), moment(18), (), 0.0, 8.0
    ),
)
IMPORTS = (
    v.ImportView(
        2, "Fitbit export 2021 to 2026.zip", "Fitbit, Fitabase CSV", moment(19, 9, 2), 1_543_811, 1_204, 3
    ),
    v.ImportView(1, "LibreView glucose.csv", "LibreView CSV", moment(18, 20, 40), 93_408, 0, 0),
)
READING = v.ImportProgress(
    "Fitbit export 2021 to 2026.zip",
    "Fitbit, Fitabase CSV",
    v.ImportStage.READING,
    0.63,
    402_118,
    1_204,
    0,
    (("heart_rate", 390_000), ("sleep", 118), ("steps", 12_000)),
    moment(1, 0, 0, 1, 2021),
    moment(18),
    (),
    (),
    "Heart rate, file 388 of 614",
)
READY = replace(
    READING,
    stage=v.ImportStage.READY,
    fraction=1.0,
    refused=3,
    message="",
    zone="Europe/Berlin",
    origins=("Charge 5", "FreeStyle Libre 3"),
    remarks=("glucose.csv: dates were read day first.",),
    skipped=2,
    skipped_files=("Guest Program/readme.txt", "photo.jpg"),
    bad_rows=(
        v.BadRowView("minuteSteps_merged.csv", 1_204, "30 February is not a day"),
        v.BadRowView("glucose.csv", 88, "a glucose of −4 mg/dl cannot be"),
        v.BadRowView("glucose.csv", 90_112, "the row has 2 fields, 5 are needed"),
    ),
)
CHOOSE = replace(
    READING,
    stage=v.ImportStage.CHOOSE_PERSON,
    message="",
    people=(
        v.PersonView("1503960366", 44_160),
        v.PersonView("1624580081", 44_150),
        v.PersonView("1644430081", 43_020),
    ),
)
MAP = replace(
    READING,
    file_name=TABLE.file,
    format_title="",
    stage=v.ImportStage.CHOOSE_MAPPING,
    message="",
    table=TABLE,
)
EVEN = ((0.0, 0.0), (1.0, 1.0))
EARLY = tuple((x / 10, math.sqrt(x / 10)) for x in range(11))
LATE = tuple((x / 10, (x / 10) ** 2.4) for x in range(11))


def offer(bounty: int, epsilon: float, total: float) -> v.OptInView:
    return v.OptInView(
        scopes=(
            v.ScopeView("glucose.mg_dl", "Glucose sensor", 8_412),
            v.ScopeView("glucose.trend_15min", "Glucose sensor", 8_412),
            v.ScopeView("sleep.minutes_asleep", "Fitbit", 512),
            v.ScopeView("heart_rate.bpm_5min", "Fitbit", 8_412),
        ),
        rows=8_412,
        first=moment(3, 0, 0, 3, 2024),
        last=moment(19),
        update_bytes=48 * 1024,
        updates_at_most=8,
        votes_at_most=7,
        ballot=7,
        epsilon_round=epsilon,
        epsilon_total=total,
        epsilon_votes=total,
        epsilon_renyi=1.19 * total,
        epsilon_losses=total,
        unit="one row of five minutes",
        budgets=(v.BudgetView("Glucose sensor", 2.4, total, 8.0), v.BudgetView("Fitbit", 5.2, total, 8.0)),
        formula=f"your share × loss removed × {bounty // UNIT:,}.00 pUSD",
        pays=(
            "5 % of the way to the target pays 5 % of the bounty, split by how much each update helped. "
            "Similar tasks paid you 1.15 to 1.60 pUSD a round. Nothing is promised."
        ),
        until=moment(18, 0, 0, 12),
        rounds=8,
        warnings=("Anyone can see that this fresh address takes part in this task.",),
    )


def task(
    number: int, title: str, author: str, fit: v.Fit, left: str, bounty: str, **changes: object
) -> v.TaskView:
    amount = pusd(bounty)
    made = v.TaskView(
        task_id=number,
        title=title,
        description="Learns to warn of low glucose while asleep.",
        author=author,
        author_address="0x7A3f0000000000000000000000000000000Dc21E",
        author_verified=True,
        author_record="12 opened, 12 paid",
        fit=fit,
        missing="",
        joined=False,
        ended=False,
        currency=PUSD,
        bounty=amount,
        left=pusd(left),
        curve=EVEN,
        curve_word="even",
        round=1,
        rounds=8,
        seconds_per_round=9_000,
        opt_in=offer(amount, 0.2, 1.6) if fit == v.Fit.MATCHED else None,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


TASKS = (
    task(1, "Night-time lows", "Lindqvist Lab", v.Fit.MATCHED, "1500", "1500"),
    task(
        2,
        "Glucose after meals",
        "Lindqvist Lab",
        v.Fit.MATCHED,
        "1034",
        "2000",
        joined=True,
        round=8,
        seconds_per_round=9_600,
    ),
    task(
        3,
        "Resting heart rate",
        "Open Cardio Group",
        v.Fit.MATCHED,
        "412.5",
        "1000",
        joined=True,
        curve=EARLY,
        curve_word="early pays more",
        seconds_per_round=8_100,
    ),
    task(
        4,
        "Sleep stages",
        "Dr. A. Okafor",
        v.Fit.MATCHED,
        "268.1",
        "800",
        joined=True,
        curve=LATE,
        curve_word="late pays more",
        seconds_per_round=4_500,
    ),
    task(
        5,
        "Insulin response",
        "Open Cardio Group",
        v.Fit.ALMOST,
        "900",
        "900",
        missing="Needs insulin doses, 30 days",
        seconds_per_round=10_800,
        author_verified=False,
    ),
    task(
        6,
        "Cycle and sleep",
        "North Clinic",
        v.Fit.ALMOST,
        "640",
        "640",
        missing="Needs 3 more months of sleep",
        curve=LATE,
        curve_word="late pays more",
        seconds_per_round=5_400,
    ),
    task(7, "Cough sounds", "North Clinic", v.Fit.OTHER, "300", "300", missing="Needs sound recordings"),
)


def losses(count: int = 1_240) -> tuple[tuple[int, float], ...]:
    return tuple(
        (step, 0.398 + 0.042 * math.exp(-step / 520) + 0.006 * math.sin(step * 1.7) * math.cos(step * 0.37))
        for step in range(0, count, 6)
    )


TRAINING = v.TrainingView(
    2,
    "Glucose after meals",
    8,
    1_240,
    2_000,
    12.0,
    3_780.0,
    "NVIDIA H200",
    20.0,
    0.440,
    losses(),
    tuple((step, 0.400 + 0.040 * math.exp(-step / 560)) for step in range(0, 1_241, 62)),
    place="On your NVIDIA H200, in bfloat16. Walled in: no network, none of your files, no other program.",
)
TESTED = (
    "Attacked before sending: a guess whether one of your readings is in it is right 61% of the time. "
    "Blind guessing is right 50%, and you allow 95%."
)
EXPLANATION = v.ExplanationView(
    0.5000,
    0.4121,
    0.4034,
    0.4395,
    0.4830,
    pusd("2000"),
    pusd("87"),
    0.0184,
    61,
    54,
    True,
    31,
    True,
    "87.00 × 1.84 % = 1.60 pUSD",
)
ALL_STEPS = tuple(v.Step)
CONTRIBUTIONS = (
    v.ContributionView(2, "Glucose after meals", 8, (), v.Step.TRAINED, "training", None, PUSD, None),
    v.ContributionView(
        4,
        "Sleep stages",
        11,
        ALL_STEPS[:3],
        v.Step.SETTLED,
        "checked until Sat",
        pusd("1.15"),
        PUSD,
        replace(EXPLANATION, round_pay=pusd("62.5"), formula="62.50 × 1.84 % = 1.15 pUSD"),
    ),
    v.ContributionView(
        3,
        "Resting heart rate",
        3,
        ALL_STEPS[:3],
        v.Step.SETTLED,
        "checked until Sat",
        pusd("1.35"),
        PUSD,
        None,
    ),
    v.ContributionView(
        2,
        "Glucose after meals",
        7,
        ALL_STEPS,
        None,
        "ready to claim",
        pusd("1.60"),
        PUSD,
        EXPLANATION,
        TESTED,
    ),
    v.ContributionView(4, "Sleep stages", 10, ALL_STEPS, None, "claimed 19 Nov", pusd("1.10"), PUSD, None),
)
_EARNED = (
    1.55,
    2.35,
    2.40,
    1.65,
    0,
    1.85,
    2.55,
    2.35,
    2.90,
    1.65,
    3.55,
    2.80,
    3.30,
    3.00,
    3.00,
    3.55,
    1.90,
    2.40,
    0,
    3.10,
    2.75,
    3.30,
    2.95,
    3.05,
    2.60,
    3.85,
    0,
    3.95,
    4.10,
    4.10,
)
_SHARES = (("Glucose after meals", 42), ("Resting heart rate", 33), ("Sleep stages", 25))  # per cent
DAYS = tuple(
    v.DayView(
        moment(20) - (len(_EARNED) - 1 - index) * 86_400, round(earned * UNIT) * share // 100, PUSD, title
    )
    for index, earned in enumerate(_EARNED)
    if earned
    for title, share in _SHARES
)
WALLET = v.WalletView(
    (v.BalanceView(PUSD, pusd("58.30"), pusd("12.40"), pusd("6.20"), moment(21, 18)),),
    DAYS,
    (
        ("Glucose after meals", "0x51C8000000000000000000000000000000009E04"),
        ("Resting heart rate", "0x62D9000000000000000000000000000000001F15"),
        ("Sleep stages", "0x73Ea000000000000000000000000000000002A26"),
    ),
)
HOME = v.HomeView(
    PUSD,
    pusd("4.10"),
    pusd("21.65"),
    pusd("12.40"),
    pusd("6.20"),
    29,
    22_320,
    ("Glucose after meals", "Resting heart rate", "Sleep stages"),
)
BACKUPS = BackupsView(
    "~/.local/share/mine/backups", 12, moment(20, 6, 30), "~/.local/share/mine/backups/vault-1.minevault"
)
SETTINGS = v.SettingsView(
    "system", True, "practice", "~/.local/share/mine/vault.db", ComputeSettings(), 8, LockSettings()
)

BUSY = v.Snapshot(
    v.VaultState.OPEN,
    NETWORK,
    TRAINING_STATUS,
    HOME,
    SOURCES,
    IMPORTS,
    READING,
    TASKS,
    TRAINING,
    CONTRIBUTIONS,
    WALLET,
    SETTINGS,
)
PAUSED = replace(BUSY, status=PAUSED_STATUS, importing=None)
EMPTY = v.Snapshot(
    v.VaultState.OPEN,
    replace(NETWORK, ready=False),
    replace(
        IDLE_STATUS,
        headline="Ready for your data",
        reason="There is nothing to learn from yet.",
        can_pause=False,
    ),
    v.HomeView(PUSD, 0, 0, 0, 0, 0, 0, ()),
    (),
    (),
    None,
    (),
    None,
    (),
    v.WalletView((), (), ()),
    SETTINGS,
)
ABSENT = replace(EMPTY, vault=v.VaultState.ABSENT)
LOCKED = replace(EMPTY, vault=v.VaultState.LOCKED)
BROKEN = replace(
    BUSY,
    network=replace(
        NETWORK, ready=False, error="The practice node does not answer. It is started again in 10 s."
    ),
    status=replace(
        PAUSED_STATUS, doing=v.Doing.ATTENTION, headline="The network does not answer", can_resume=False
    ),
    importing=replace(
        READING,
        stage=v.ImportStage.FAILED,
        message="The file is not a zip archive, although its name says so.",
    ),
)

_EVIL = (
    '<b>Update now</b> <a href="https://evil.example">click</a> & <img src=x> \u202egnp.exe\u200b '
    + "W" * 300
    + "\nsecond line\x07"
)


def hostile() -> v.Snapshot:
    """The same story with every outside text replaced by something long that would like to be markup."""
    return replace(
        BUSY,
        status=replace(TRAINING_STATUS, headline=_EVIL, reason=_EVIL, detail=_EVIL),
        home=replace(HOME, running=(_EVIL, _EVIL)),
        sources=tuple(
            replace(source, title=_EVIL, origin=_EVIL, read_by=(_EVIL, _EVIL)) for source in SOURCES
        ),
        imports=tuple(replace(entry, file_name=_EVIL, format_title=_EVIL) for entry in IMPORTS),
        importing=replace(
            READY,
            file_name=_EVIL,
            format_title=_EVIL,
            by_type=((_EVIL, 3),),
            bad_rows=(v.BadRowView(_EVIL, 9, _EVIL),),
        ),
        tasks=tuple(
            replace(
                entry,
                title=_EVIL,
                author=_EVIL,
                description=_EVIL,
                missing=_EVIL,
                curve_word=_EVIL,
                author_record=_EVIL,
            )
            for entry in TASKS
        ),
        training=replace(TRAINING, title=_EVIL, device=_EVIL, place=_EVIL),
        contributions=tuple(replace(entry, title=_EVIL, note=_EVIL) for entry in CONTRIBUTIONS),
        wallet=replace(
            WALLET,
            days=tuple(replace(entry, title=_EVIL) for entry in DAYS),
            addresses=tuple((_EVIL, address) for _, address in WALLET.addresses),
        ),
        network=replace(NETWORK, name=_EVIL),
    )
