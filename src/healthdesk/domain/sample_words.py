"""What names of fields say about their values: words of a name, and what is plausible under them in a health assessment."""

from __future__ import annotations

import re
from itertools import pairwise

_WORDS = re.compile(r"[a-z0-9]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

Words = frozenset[str]


def words_of(name: str) -> Words:
    """Return the words of a field's name, and each two together: `participantId` and `participant_id` have the same."""
    words = _WORDS.findall(_CAMEL.sub(" ", name).lower())
    return frozenset(words) | {f"{one}{two}" for one, two in pairwise(words)}


IDS = frozenset({"id", "identifier", "number", "no", "mrn", "key", "uuid", "guid"})
PEOPLE = frozenset({"participant", "member", "patient", "employee", "user", "person"})
"""Alone they are ids; `patient_notes` is none."""
POSTAL = frozenset({"zip", "postcode", "postal", "zipcode"})
BIRTH = frozenset({"birth", "dob", "birthday", "birthdate", "born"})
LATER = frozenset({"next", "due", "appointment", "followup", "until", "expires", "expiry"})
NOW = frozenset(
    {"completed", "submitted", "created", "updated", "taken", "received", "recorded", "started", "finished"}
)
DAYS = frozenset({"date", "day", "on"}) | BIRTH
MOMENTS = frozenset({"at", "time", "datetime", "timestamp"})
YES = frozenset(
    {
        "consent",
        "consented",
        "agreed",
        "accepted",
        "acknowledged",
        "active",
        "eligible",
        "verified",
        "complete",
    }
)
NO = frozenset({"pregnant", "deceased", "deleted", "withdrawn", "declined", "test"})

LEVEL = frozenset({"level", "tier", "category", "band"})
RISK = frozenset({"risk", "group", "class", "rating", "riskgroup", "riskclass", "riskrating"})


def names_id(words: Words) -> bool:
    """Tell whether a field tells one person or thing from others."""
    return bool(words & IDS) or words <= PEOPLE


def names_level(words: Words) -> bool:
    """Tell whether a field is the level itself, such as `risk_level`, and not something of it, such as `risk_factors`."""
    return bool(words & LEVEL) or ("risk" in words and words <= RISK)


TEXTS: tuple[tuple[Words, str], ...] = (
    (frozenset({"email", "mail"}), "sample.{n}@example.com"),
    (frozenset({"phone", "mobile", "tel", "telephone", "cell", "fax"}), "+1 202 555 0100"),
    (frozenset({"url", "uri", "link", "website"}), "https://example.com/sample"),
    (frozenset({"first", "given", "firstname"}), "Sample"),
    (frozenset({"last", "family", "surname", "lastname"}), "Participant"),
    (frozenset({"name", "fullname"}), "Sample Participant"),
    (frozenset({"ssn"}), "000-00-0000"),
    (frozenset({"street", "address"}), "1 Sample Street"),
    (frozenset({"city", "town"}), "Sampleton"),
    (POSTAL, "00000"),
    (frozenset({"country"}), "US"),
    (frozenset({"gender", "sex"}), "unknown"),
    (frozenset({"locale"}), "en-US"),
    (frozenset({"language", "lang"}), "en"),
    (frozenset({"timezone"}), "UTC"),
    (frozenset({"currency"}), "USD"),
    (frozenset({"unit", "units"}), "1"),
)
"""What a text says by the words in its field's name, the first that fits; those with a number are never the example's own.

Telephone numbers that end in 555-0100 to 555-0199 are kept for fiction by the North American Numbering Plan, and example.com
for examples (RFC 2606).
"""

BOUNDS: tuple[tuple[Words, tuple[float, float]], ...] = (
    (frozenset({"age"}), (25, 75)),
    (frozenset({"bmi"}), (19, 38)),
    (frozenset({"systolic"}), (105, 170)),
    (frozenset({"diastolic"}), (65, 105)),
    (frozenset({"pulse", "heartrate", "bpm"}), (58, 98)),
    (frozenset({"spo2", "oxygen", "saturation"}), (99, 92)),
    (frozenset({"weightlb", "weightlbs", "lb", "lbs", "pounds"}), (120, 265)),
    (frozenset({"weight", "kg"}), (55, 120)),
    (frozenset({"heightin", "inches"}), (61, 75)),
    (frozenset({"height"}), (155, 190)),
    (frozenset({"waist"}), (70, 115)),
    (frozenset({"temperature"}), (36.4, 37.6)),
    (frozenset({"a1c", "hba1c"}), (4.9, 9.5)),
    (frozenset({"hdl"}), (70, 35)),
    (frozenset({"ldl"}), (80, 190)),
    (frozenset({"triglycerides"}), (80, 300)),
    (frozenset({"cholesterol"}), (150, 280)),
    (frozenset({"glucose"}), (80, 200)),
    (frozenset({"steps"}), (11_000, 2_500)),
    (frozenset({"sleep", "hours"}), (8, 4.5)),
    (frozenset({"percent", "percentage", "percentile", "pct"}), (0, 100)),
    (frozenset({"probability", "ratio", "fraction", "likelihood"}), (0, 1)),
)
"""From the lowest level to the highest, the first that fits: what is better when there is more of it falls."""
