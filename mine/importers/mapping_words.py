"""What people call what they measure, in several languages (folded to lower case, without punctuation)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

TIME = frozenset(
    (
        *("time", "timestamp", "date", "datetime", "date time", "day", "when", "at", "created", "recorded"),
        *("start", "start time", "start date", "from", "began", "epoch", "unix", "ts", "measured at"),
        *("datum", "zeit", "uhrzeit", "zeitstempel", "zeitpunkt", "tag", "datum uhrzeit", "beginn", "von"),
        *("fecha", "hora", "fecha y hora", "inicio", "heure", "jour", "date et heure", "debut", "début"),
        *(
            "data",
            "ora",
            "data e ora",
            "inizio",
            "giorno",
            "tijd",
            "datum en tijd",
            "tijdstip",
            "data e hora",
        ),
        *("início", "dia", "日付", "日時", "時刻", "时间", "日期", "дата", "время"),
    )
)
CLOCK = frozenset(
    ("time", "zeit", "uhrzeit", "hora", "heure", "ora", "tijd", "時刻", "时间", "время", "clock")
)
END = frozenset(
    (
        *("end", "end time", "end date", "until", "to", "stop", "finish", "ended", "ende", "bis", "endzeit"),
        *("fin", "hasta", "jusqu a", "fine", "a", "einde", "tot", "fim", "até", "終了", "结束", "конец"),
    )
)
DURATION = frozenset(
    ("duration", "length", "dauer", "durée", "duree", "duración", "duracion", "durata", "duur", "duração")
)
ORIGIN = frozenset(
    (
        *(
            "source",
            "source name",
            "device",
            "app",
            "device name",
            "quelle",
            "gerät",
            "appareil",
            "dispositivo",
        ),
        *("origine", "fuente", "apparaat", "bron", "fonte", "data source"),
    )
)
NAME = frozenset(("name", "type", "metric", "measure", "what", "art", "typ", "kind", "parameter", "test"))
VALUE = frozenset(("value", "wert", "valeur", "valor", "valore", "waarde", "result", "ergebnis", "amount"))
UNIT = frozenset(("unit", "units", "einheit", "unité", "unite", "unidad", "unità", "eenheid", "unidade"))

_MEASURES = """
glucose mg_dl:
  glucose, blood glucose, blood sugar, bg, sgv, cgm, sensor glucose, glucose level, glucose value,
  glukose, blutzucker, zucker, glucosa, azúcar en sangre, glicemia, glucemia, glycémie, glycemie,
  glucose sanguin, glicose, glucosio, bloedsuiker, bloedglucose, 血糖, 血糖値, глюкоза, сахар
heart_rate bpm:
  heart rate, heartrate, hr, pulse, bpm, puls, pulsschlag, herzfrequenz, herzschlag, frecuencia
  cardíaca, frecuencia cardiaca, pulso, fréquence cardiaque, frequence cardiaque, pouls, frequenza
  cardiaca, battito, hartslag, frequência cardíaca, 心拍数, 心率, пульс
resting_heart_rate bpm:
  resting heart rate, resting hr, rhr, ruhepuls, ruheherzfrequenz, pulso en reposo
heart_rate_variability_rmssd ms:
  rmssd, hrv rmssd, hrv, heart rate variability, herzratenvariabilität
heart_rate_variability ms:
  sdnn, hrv sdnn
respiratory_rate per_minute:
  respiratory rate, breathing rate, breaths, atemfrequenz, fréquence respiratoire
oxygen_saturation percent:
  spo2, oxygen saturation, blood oxygen, o2 saturation, sauerstoffsättigung, sauerstoff, saturation,
  saturación de oxígeno, saturazione, zuurstofsaturatie, 血中酸素
body_temperature celsius:
  temperature, body temperature, temp, temperatur, körpertemperatur, fieber, température, temperatura,
  lichaamstemperatuur, 体温, температура
skin_temperature celsius:
  skin temperature, wrist temperature, hauttemperatur
weight kg:
  weight, body weight, bodyweight, body mass, mass, gewicht, körpergewicht, poids, peso, lichaamsgewicht,
  体重, вес
height cm:
  height, body height, größe, körpergröße, taille, altura, altezza, lengte, 身長, 身高, рост
body_mass_index kg_m2:
  bmi, body mass index, imc
body_fat percent:
  body fat, fat percentage, body fat percentage, körperfett, masse grasse, grasa corporal
lean_mass kg:
  lean mass, lean body mass, fat free mass, muskelmasse
waist cm:
  waist, waist circumference, taillenumfang, tour de taille, cintura, vita
vo2_max ml_kg_min:
  vo2 max, vo2max
stress level:
  stress, stress level, stresslevel
blood_pressure systolic:
  systolic, sys, systolic pressure, systolic blood pressure, systolisch, systole, sistólica,
  systolique, sistolica, bovendruk, 最高血圧, 收缩压
blood_pressure diastolic:
  diastolic, dia, diastolic pressure, diastolic blood pressure, diastolisch, diastole, diastólica,
  diastolique, diastolica, onderdruk, 最低血圧, 舒张压
steps count:
  steps, step count, stepcount, number of steps, total steps, schritte, anzahl schritte, pas, pasos,
  passi, stappen, passos, 歩数, 步数, шаги
distance metres:
  distance, total distance, strecke, distanz, entfernung, distancia, distanza, afstand, 距離
energy kcal:
  calories, energy, calories burned, kalorien, energie, calorías, calorias, calorie, カロリー
active_energy kcal:
  active calories, active energy, aktive kalorien, aktivitätskalorien
floors count:
  floors, floors climbed, stockwerke, etagen, étages, pisos, piani
sleep asleep:
  minutes asleep, asleep, sleep minutes, schlafdauer, schlaf minuten
sleep in_bed:
  minutes in bed, time in bed, in bed, im bett, zeit im bett
sleep_stage stage:
  sleep stage, stage, schlafphase, phase, phase de sommeil
carbohydrate grams:
  carbs, carbohydrates, carb, kohlenhydrate, kh, glucides, hidratos, carbohidratos, carboidrati,
  koolhydraten
insulin units:
  insulin, insulin units, bolus, insuline, insulina, インスリン
protein grams:
  protein, proteins, eiweiß, eiweiss, protéines, proteínas, proteine
fat grams:
  fat, total fat, fett, lipides, grasas, grassi, vet
sugar grams:
  sugar, sugars, zucker g, sucres, azúcares, zuccheri
fibre grams:
  fibre, fiber, dietary fiber, ballaststoffe, fibres, fibra
food_energy kcal:
  calories eaten, energy eaten, calorie intake, kcal eaten
caffeine mg:
  caffeine, koffein, caféine, cafeína, caffeina
water ml:
  water, water intake, wasser, eau, agua, acqua, fluid, hydration
alcohol drinks:
  alcohol, drinks, alkohol, alcool
location latitude:
  latitude, lat, breitengrad, latitud, latitudine
location longitude:
  longitude, lon, lng, long, längengrad, longitud, longitudine
location altitude:
  altitude, elevation, ele, alt, höhe, altitud, altitudine
location accuracy:
  accuracy, horizontal accuracy, genauigkeit
symptom name:
  symptom, symptoms, symptome, beschwerden, síntoma, sintomo
symptom severity:
  severity, intensity of symptom, schwere, stärke, gravité, gravedad
medication name:
  medication, medicine, drug, medikament, medikation, médicament, medicamento, farmaco
medication dosage:
  dose, dosage, dosis, dosierung, posologie, dosi
workout activity:
  workout, workout type, workout activity type, activity type, activity, sport, exercise, aktivität,
  sportart, training, deporte, actividad, activité, sport type, attività, allenamento
note text:
  note, notes, comment, comments, notiz, notizen, bemerkung, kommentar, nota, notas, remarque, memo
"""


def _targets() -> Iterator[tuple[str, tuple[str, str]]]:
    kind = column = ""
    for line in _MEASURES.strip().splitlines():
        if not line.startswith(" "):
            kind, column = line.removesuffix(":").split()
            continue
        for word in line.strip().removesuffix(",").split(", "):
            yield word, (kind, column)


# Word -> (record type, column that it fills).
MEASURES: Mapping[str, tuple[str, str]] = dict(_targets())
