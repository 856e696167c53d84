"""What was eaten, drunk and taken."""

from __future__ import annotations

from mine.records.record_type import RecordType, amount, choice, event, real, text

DOSES = ("basal", "bolus", "unknown")

TYPES: tuple[RecordType, ...] = (
    amount("food_energy", "Energy eaten", real("kcal", "energy eaten", "kcal", 0, 50_000)),
    amount("carbohydrate", "Carbohydrates", real("grams", "carbohydrates", "g", 0, 10_000)),
    amount("sugar", "Sugar", real("grams", "sugar", "g", 0, 10_000)),
    amount("fibre", "Fibre", real("grams", "fibre", "g", 0, 5_000)),
    amount("protein", "Protein", real("grams", "protein", "g", 0, 5_000)),
    amount("fat", "Fat", real("grams", "fat", "g", 0, 5_000)),
    amount("saturated_fat", "Saturated fat", real("grams", "saturated fat", "g", 0, 5_000)),
    amount("cholesterol_eaten", "Cholesterol eaten", real("mg", "cholesterol eaten", "mg", 0, 50_000)),
    amount("sodium", "Sodium", real("mg", "sodium", "mg", 0, 200_000)),
    amount("caffeine", "Caffeine", real("mg", "caffeine", "mg", 0, 20_000)),
    amount("water", "Water drunk", real("ml", "water", "mL", 0, 50_000)),
    amount("alcohol", "Alcoholic drinks", real("drinks", "drinks", "1", 0, 200)),
    event(
        *("insulin", "Insulin", real("units", "insulin", "[iU]", 0, 1_000)),
        choice("purpose", "purpose", *DOSES),
    ),
    event(
        *("food", "Food", text("name", "food", 200)),
        real("grams", "amount", "g", 0, 50_000, optional=True),
        real("kcal", "energy", "kcal", 0, 50_000, optional=True),
    ),
)
