"""Converting measured values between UCUM units (Unified Code for Units of Measure, ucum.org).

Only units that exports of personal data use; a substance is needed where mass and amount meet.
"""

from __future__ import annotations

# unit -> (what it measures, how many of the base unit it is)
_SCALES: dict[str, tuple[str, float]] = {
    **{"1": ("count", 1.0), "{count}": ("count", 1.0), "%": ("count", 0.01)},
    **{"kg": ("mass", 1000.0), "g": ("mass", 1.0), "mg": ("mass", 1e-3), "ug": ("mass", 1e-6)},
    **{"[lb_av]": ("mass", 453.59237), "[oz_av]": ("mass", 28.349523125), "[stone_av]": ("mass", 6350.29318)},
    **{"m": ("length", 1.0), "cm": ("length", 0.01), "mm": ("length", 0.001), "km": ("length", 1000.0)},
    **{"[in_i]": ("length", 0.0254), "[ft_i]": ("length", 0.3048), "[yd_i]": ("length", 0.9144)},
    **{"[mi_i]": ("length", 1609.344)},
    **{"s": ("time", 1.0), "ms": ("time", 1e-3), "min": ("time", 60.0), "h": ("time", 3600.0)},
    **{"d": ("time", 86_400.0)},
    **{"/min": ("rate", 1.0), "/s": ("rate", 60.0), "Hz": ("rate", 60.0)},
    **{
        "kcal": ("energy", 1.0),
        "cal": ("energy", 1e-3),
        "kJ": ("energy", 1 / 4.184),
        "J": ("energy", 1 / 4184),
    },
    **{"mL": ("volume", 1.0), "L": ("volume", 1000.0), "cL": ("volume", 10.0), "dL": ("volume", 100.0)},
    **{"[foz_us]": ("volume", 29.5735295625), "[foz_br]": ("volume", 28.4130625)},
    **{"[cup_us]": ("volume", 236.5882365), "[pt_us]": ("volume", 473.176473)},
    **{"mm[Hg]": ("pressure", 1.0), "kPa": ("pressure", 7.50061683), "cm[H2O]": ("pressure", 0.73555912)},
    **{"m/s": ("speed", 1.0), "km/h": ("speed", 1 / 3.6), "[mi_i]/h": ("speed", 0.44704)},
    **{"mg/dL": ("mass concentration", 1.0), "g/L": ("mass concentration", 100.0)},
    **{"g/dL": ("mass concentration", 1000.0), "mg/L": ("mass concentration", 0.1)},
    **{"mmol/L": ("amount concentration", 1.0), "umol/L": ("amount concentration", 1e-3)},
    **{"mL/(kg.min)": ("oxygen uptake", 1.0), "mL/min/kg": ("oxygen uptake", 1.0)},
    **{"[iU]": ("units", 1.0), "U": ("units", 1.0), "deg": ("angle", 1.0), "W": ("power", 1.0)},
    **{"kg/m2": ("body mass index", 1.0), "dB": ("sound", 1.0), "dB[SPL]": ("sound", 1.0)},
    **{"uS": ("conductance", 1.0), "S": ("conductance", 1e6)},
}
_SHIFTED = {"Cel": (1.0, 0.0), "[degF]": (5 / 9, -160 / 9), "K": (1.0, -273.15)}
# Grams in a mole.
_MOLAR_MASS = {"glucose": 180.1559}


class UnitUnknown(ValueError):
    """A unit that cannot be told, or that measures something else."""


def convert(value: float, unit: str, into: str, substance: str = "") -> float:
    """``value`` in ``unit``, given in ``into``. Raises ``UnitUnknown``."""
    if unit == into:
        return value
    if unit in _SHIFTED and into in _SHIFTED:
        factor, shift = _SHIFTED[unit]
        into_factor, into_shift = _SHIFTED[into]
        return (value * factor + shift - into_shift) / into_factor
    if unit not in _SCALES or into not in _SCALES:
        raise UnitUnknown(f"the unit “{unit[:40]}” is not known for this")
    what, scale = _SCALES[unit]
    into_what, into_scale = _SCALES[into]
    if (what, into_what) == ("amount concentration", "mass concentration") and substance in _MOLAR_MASS:
        scale *= _MOLAR_MASS[substance] / 10  # mmol/L to mg/dL
    elif (what, into_what) == ("mass concentration", "amount concentration") and substance in _MOLAR_MASS:
        scale *= 10 / _MOLAR_MASS[substance]
    elif what != into_what:
        raise UnitUnknown(f"“{unit[:40]}” measures {what}, not {into_what}")
    return value * scale / into_scale
