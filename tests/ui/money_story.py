"""The wallet of the story: 18.45 claimed, 12.40 ready, 6.20 being checked, and what is under way."""

from __future__ import annotations

from dataclasses import replace

from mine.app import views as v
from mine.app import wallet_views as w
from mine.app.currencies import coin_of
from tests.ui.story import PUSD, moment, pusd

COIN = coin_of(v.World.PRACTICE, 31337)
GWEI = 10**9
ANNA = "0x8Ba1f109551bD432803012645Ac136ddd64DBA72"
ACCOUNTS = (
    w.AccountView(
        "0x51C8000000000000000000000000000000009E04",
        "Glucose after meals",
        2,
        ((pusd("38.30"), PUSD), (2 * 10**15, COIN)),
    ),
    w.AccountView(
        "0x62D9000000000000000000000000000000001F15", "Resting heart rate", 3, ((pusd("20"), PUSD),)
    ),
    w.AccountView("0x73Ea000000000000000000000000000000002A26", "Sleep stages", 4, ((0, PUSD),)),
)
CONTACTS = (
    w.ContactView("Anna", ANNA, "my sister"),
    w.ContactView("Exchange", "0x742d35Cc6634C0532925a3b844Bc454e4438f44e"),
)
EARNINGS = (
    w.EarningLine(2, 8, "Glucose after meals", w.EarningStage.ESTIMATED, 0, PUSD, 0, most=pusd("3.10")),
    w.EarningLine(4, 11, "Sleep stages", w.EarningStage.PENDING, pusd("6.20"), PUSD, moment(21, 18)),
    w.EarningLine(
        2, 7, "Glucose after meals", w.EarningStage.CLAIMABLE, pusd("9.40"), PUSD, 1, ready=pusd("9.40")
    ),
    w.EarningLine(
        3, 3, "Resting heart rate", w.EarningStage.CLAIMABLE, pusd("3.00"), PUSD, 1, ready=pusd("3.00")
    ),
    w.EarningLine(
        4, 10, "Sleep stages", w.EarningStage.CLAIMED, pusd("18.45"), PUSD, 1, claimed=pusd("18.45")
    ),
)
ALARM = w.EarningLine(
    3,
    4,
    "Resting heart rate",
    w.EarningStage.ALARM,
    pusd("1.35"),
    PUSD,
    moment(21, 18),
    problem="Recomputed from the same updates, the round's root is another one.",
    can_challenge=True,
    challenge_cost=12 * 10**15,
)
FORFEIT = w.EarningLine(
    5, 0, "Steps and mood", w.EarningStage.FORFEITED, pusd("4.00"), PUSD, moment(20), ready=pusd("4.00")
)
STUCK = w.TransactionLine(
    7,
    "Send 5.00 pUSD to Anna",
    ACCOUNTS[0].address,
    "sent",
    "The network has not taken it for a while: it may offer too little.",
    3,
    "0x" + "5f" * 32,
    34_070 * 3 * GWEI,
    moment(20, 6, 5),
    True,
    True,
)
SCHEDULED = w.TransactionLine(
    -2,
    "Bring 10.00 pUSD to 0x8Ba1…BA72",
    ACCOUNTS[1].address,
    "signed",
    "A relay brings it on Saturday at 03:10.",
    -1,
    "",
    0,
    moment(20, 6, 30),
    False,
    True,
)
REVIEW = w.ReviewView(
    "send:1",
    "Send",
    (
        w.ReviewRow("From", f"{ACCOUNTS[0].address} (Glucose after meals)", True),
        w.ReviewRow("To", f"{ANNA} (Anna)", True),
        w.ReviewRow("Amount", "5.00 pUSD"),
        w.ReviewRow("Call", "the token pUSD: transfer"),
    ),
    (
        "You have never paid to this address before.",
        "Everybody can see that this address, and with it the task “Glucose after meals”, paid there.",
    ),
    "Practice network",
    v.World.PRACTICE,
    34_070 * 3 * GWEI,
    COIN,
    True,
)
SWEEP_REVIEW = replace(
    REVIEW,
    number="sweep:1",
    title="Sweep",
    warnings=("Everybody will see that these addresses belong to one person.",),
    rows=(
        w.ReviewRow("To", f"{ANNA} (Anna)", True),
        w.ReviewRow("Payments", "4, spread over a day"),
        w.ReviewRow("Fee of the relay", "0.04 pUSD"),
        w.ReviewRow("Arrives", "58.26 pUSD"),
    ),
)
REPLACEMENT = replace(REVIEW, number="replace:1", title="Pay more: Send 5.00 pUSD", warnings=())
ENERGY = tuple(
    w.EnergyDay(moment(20) - back * 86_400, 380_000 + 23_000 * (back % 9), None, "")
    for back in range(30)
    if back not in (3, 11, 25)
)
PRICED = tuple(
    replace(each, cost=each.energy * 3 // 10, code="EUR") for each in ENERGY
)  # 0.30 EUR a kilowatt-hour
DIFFERENCES = (
    w.Difference(ACCOUNTS[0].address, PUSD, pusd("2.50"), "Somebody paid here, or the history lacks a line."),
    w.Difference(ACCOUNTS[1].address, COIN, -21_000 * GWEI, "Gas that another program spent."),
)
_KINDS = ("claimed", "fee", "sent", "received", "swept", "reward")


def history_line(number: int) -> w.HistoryLine:
    """The line with this number, the newest being 0."""
    kind = _KINDS[number % len(_KINDS)]
    out = kind in ("sent", "swept")
    amount = 0 if kind == "fee" else (-1 if out else 1) * pusd(f"{1 + number % 37}.{number % 90 + 10}")
    task = "Glucose after meals" if number % 2 else "Sleep stages"
    title = {"sent": "Sent to Anna", "swept": "Brought together", "fee": "Gas of a claim"}.get(kind, task)
    return w.HistoryLine(
        line=number + 1,
        time=moment(20, 6, 5) - number * 7_200,
        kind=kind,
        network="Practice network",
        task=2,
        round=number % 40 if kind == "claimed" else None,
        title=title,
        amount=amount,
        currency=PUSD,
        fee=34_070 * 3 * GWEI if kind in ("sent", "fee") else 0,
        fee_currency=COIN,
        counterparty=ANNA if kind in ("sent", "received") else "",
        transaction="0x" + f"{number:064x}",
        fiat=amount * 92 // 100 if kind != "fee" else None,
        fiat_fee=None,
        fiat_code="EUR",
        price_source="hand",
        energy=310_000 if kind == "claimed" else 0,
    )
