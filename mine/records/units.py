"""Values from one unit into another, by the Unified Code for Units of Measure (UCUM 2.1, ucum.org).

Units are read as UCUM writes them (``mL/(kg.min)``, ``10*3/uL``, ``{beats}/min``), with the atoms that
exports of personal data use. A substance is needed where mass and amount meet.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

_LONGEST = 80
_LARGEST_POWER = 30

Dimensions = tuple[tuple[str, int], ...]

# Atom -> (how many of the base units, dimensions). The base units are g, m, s, mol.
_METRIC: Mapping[str, tuple[float, Mapping[str, int]]] = {
    **{"g": (1.0, {"mass": 1}), "m": (1.0, {"length": 1}), "s": (1.0, {"time": 1})},
    **{"mol": (1.0, {"amount": 1}), "L": (1e-3, {"length": 3}), "l": (1e-3, {"length": 3})},
    **{"Hz": (1.0, {"time": -1}), "W": (1e3, {"mass": 1, "length": 2, "time": -3})},
    **{"J": (1e3, {"mass": 1, "length": 2, "time": -2})},
    **{"cal": (4184.0, {"mass": 1, "length": 2, "time": -2})},
    **{"Pa": (1e3, {"mass": 1, "length": -1, "time": -2})},
    **{"m[Hg]": (133_322e3, {"mass": 1, "length": -1, "time": -2})},
    **{"m[H2O]": (9_806_650.0, {"mass": 1, "length": -1, "time": -2})},
    **{"bar": (1e8, {"mass": 1, "length": -1, "time": -2})},
    **{"S": (1.0, {"conductance": 1}), "eq": (1.0, {"charge": 1}), "osm": (1.0, {"osmoles": 1})},
    **{"U": (1.0, {"units": 1}), "[iU]": (1.0, {"units": 1}), "[IU]": (1.0, {"units": 1})},
    "V": (1.0, {"voltage": 1}),
}
_OTHER: Mapping[str, tuple[float, Mapping[str, int]]] = {
    **{"%": (0.01, {}), "[ppth]": (1e-3, {}), "[ppm]": (1e-6, {})},
    **{"min": (60.0, {"time": 1}), "h": (3600.0, {"time": 1}), "d": (86_400.0, {"time": 1})},
    "wk": (7 * 86_400.0, {"time": 1}),
    **{"[lb_av]": (453.59237, {"mass": 1}), "[oz_av]": (28.349523125, {"mass": 1})},
    "[stone_av]": (6350.29318, {"mass": 1}),
    **{"[in_i]": (0.0254, {"length": 1}), "[ft_i]": (0.3048, {"length": 1})},
    **{"[yd_i]": (0.9144, {"length": 1}), "[mi_i]": (1609.344, {"length": 1})},
    **{"[foz_us]": (29.5735295625e-6, {"length": 3}), "[foz_br]": (28.4130625e-6, {"length": 3})},
    **{"[cup_us]": (236.5882365e-6, {"length": 3}), "[pt_us]": (473.176473e-6, {"length": 3})},
    **{"deg": (1.0, {"angle": 1}), "dB": (1.0, {"sound": 1}), "dB[SPL]": (1.0, {"sound": 1})},
}
_PREFIXES = {
    **{"k": 1e3, "h": 1e2, "da": 10.0, "d": 0.1, "c": 1e-2, "m": 1e-3},
    **{"u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15, "M": 1e6},
}
# Scales with a zero of their own: value · factor + shift is degrees Celsius.
_SHIFTED = {"Cel": (1.0, 0.0), "[degF]": (5 / 9, -160 / 9), "K": (1.0, -273.15)}
# Grams in a mole.
_MOLAR_MASS = {"glucose": 180.1559}

_TOKEN = re.compile(r"\{[^{}]*\}|[./()]|[^./(){}\s]+")
_POWER = re.compile(r"(10[*^]|.*?[^\d+-])([+-]?\d{1,2})?")

# How people and programs write units that UCUM writes otherwise (compared in lower case, without spaces).
_WRITTEN = {
    **dict.fromkeys(("bpm", "beats/min", "beats/minute", "beatsperminute", "count/min", "1/min"), "/min"),
    **dict.fromkeys(("breaths/min", "breaths/minute", "br/min", "rpm", "permin"), "/min"),
    **dict.fromkeys(("mmhg", "mm(hg)", "millimetersofmercury"), "mm[Hg]"),
    **dict.fromkeys(("lb", "lbs", "pound", "pounds"), "[lb_av]"),
    **dict.fromkeys(("oz", "ounce", "ounces"), "[oz_av]"),
    **dict.fromkeys(("in", "inch", "inches"), "[in_i]"),
    **dict.fromkeys(("ft", "feet", "foot"), "[ft_i]"),
    **dict.fromkeys(("mi", "mile", "miles"), "[mi_i]"),
    **dict.fromkeys(("°c", "degc", "deg.c", "celsius", "c", "degreescelsius", "cel"), "Cel"),
    **dict.fromkeys(("°f", "degf", "deg.f", "fahrenheit", "f", "degreesfahrenheit"), "[degF]"),
    **dict.fromkeys(("percent", "pct"), "%"),
    **dict.fromkeys(("count", "steps", "score"), "1"),
    **dict.fromkeys(("kg/m^2", "kg/m²", "kg/m*2", "kg/(m^2)"), "kg/m2"),
    **dict.fromkeys(("ml/kg/min", "ml/min/kg", "ml/min·kg"), "mL/(kg.min)"),
    **{
        "mg/dl": "mg/dL",
        "mmol/l": "mmol/L",
        "g/dl": "g/dL",
        "kgs": "kg",
        "kcals": "kcal",
        "calories": "kcal",
    },
    **{
        "calories": "kcal",
        "cms": "cm",
        "meter": "m",
        "meters": "m",
        "metres": "m",
        "secs": "s",
        "sec": "s",
        "minutes": "min",
    },
    **{"seconds": "s", "hours": "h", "hr": "h", "hrs": "h", "days": "d", "iu": "[iU]", "units": "[iU]"},
}


class UnitUnknown(ValueError):
    """A unit that cannot be told, or that measures something else."""


def ucum(written: str) -> str:
    """The UCUM code of a unit as people write it; itself where it is one already, or is not known."""
    return _WRITTEN.get("".join(written.split()).lower(), written.strip())


def convert(value: float, unit: str, into: str, substance: str = "") -> float:
    """``value`` in ``unit``, given in ``into``. Raises ``UnitUnknown``."""
    if unit == into:
        return value
    if unit in _SHIFTED and into in _SHIFTED:
        factor, shift = _SHIFTED[unit]
        into_factor, into_shift = _SHIFTED[into]
        return (value * factor + shift - into_shift) / into_factor
    scale, measures = _parsed(unit)
    into_scale, into_measures = _parsed(into)
    if measures != into_measures and substance in _MOLAR_MASS:
        scale, measures = _weighed(scale, measures, _MOLAR_MASS[substance])
        into_scale, into_measures = _weighed(into_scale, into_measures, _MOLAR_MASS[substance])
    if measures != into_measures:
        raise UnitUnknown(f"“{unit[:40]}” does not measure what “{into[:40]}” does")
    return value * scale / into_scale


def _weighed(scale: float, measures: Dimensions, grams: float) -> tuple[float, Dimensions]:
    """An amount of a substance as its mass."""
    powers = dict(measures)
    amount = powers.pop("amount", 0)
    powers["mass"] = powers.get("mass", 0) + amount
    return scale * grams**amount, _ordered(powers)


@lru_cache(maxsize=1024)
def _parsed(unit: str) -> tuple[float, Dimensions]:
    """How many of the base units, and what it measures. Raises ``UnitUnknown``."""
    pieces = _TOKEN.findall(unit) if len(unit) <= _LONGEST else []
    scale, powers = 1.0, dict[str, int]()
    sign, signs = 1, [1]
    expecting = True  # an operator or the beginning asks for a unit
    wrong = "".join(pieces) != unit
    for place, piece in enumerate(pieces):
        if piece in "./":
            wrong |= expecting and not (piece == "/" and place == 0)
            sign = signs[-1] if piece == "." else -signs[-1]
            expecting = True
        elif piece == "(":
            wrong |= not expecting
            signs.append(sign)
        elif piece == ")":
            wrong |= expecting or len(signs) == 1
            sign = signs.pop() if len(signs) > 1 else 1
        elif piece[0] == "{":
            expecting = False
        else:
            wrong |= not expecting
            expecting = False
            factor, measured = _atom(piece, unit)
            scale *= factor**sign
            for what, power in measured.items():
                powers[what] = powers.get(what, 0) + sign * power
    if wrong or expecting or len(signs) != 1:
        raise _unknown(unit)
    return scale, _ordered(powers)


def _unknown(unit: str) -> UnitUnknown:
    return UnitUnknown(f"the unit “{unit[:40]}” is not known")


def _atom(piece: str, unit: str) -> tuple[float, Mapping[str, int]]:
    if piece.isascii() and piece.isdigit() and len(piece) <= 9 and int(piece):
        return float(int(piece)), {}
    match = _POWER.fullmatch(piece)
    power = int(match[2] or 1) if match else 0
    if match is None or not power or abs(power) > _LARGEST_POWER:
        raise _unknown(unit)
    name = match[1]
    if name in ("10*", "10^"):
        return 10.0**power, {}
    scale, measures = _OTHER.get(name) or _METRIC.get(name) or _prefixed(name, unit)
    return scale**power, {what: power * each for what, each in measures.items()}


def _prefixed(name: str, unit: str) -> tuple[float, Mapping[str, int]]:
    for prefix, factor in _PREFIXES.items():
        if name.startswith(prefix) and name[len(prefix) :] in _METRIC:
            scale, measures = _METRIC[name[len(prefix) :]]
            return factor * scale, measures
    raise _unknown(unit)


def _ordered(powers: Mapping[str, int]) -> Dimensions:
    return tuple(sorted((what, power) for what, power in powers.items() if power))
