"""Company names: what of a name is the company's own, and how much two names are alike.

A name is read as words. Legal forms, articles and joining words do not tell which company it is; words that many
companies share ("group", "international") tell little; numbers tell apart. Two names are alike by how much of their
weight can be laid side by side, word by word, slips of the keyboard allowed: soft TF-IDF with edit similarity (Cohen,
Ravikumar, Fienberg 2003, "A Comparison of String Distance Metrics for Name-Matching Tasks"), with fixed word weights.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from anyascii import anyascii
from rapidfuzz.distance import DamerauLevenshtein, Levenshtein

from pilothouse.data.identity.legal_forms import FORMS, LONG_FORMS

ARTICLES = frozenset(["the", "a", "an", "and", "of"])
JOINING = ARTICLES | frozenset(
    [
        "for",
        "in",
        "at",
        "by",
        "to",
        "de",
        "du",
        "des",
        "la",
        "le",
        "les",
        "el",
        "los",
        "las",
        "y",
        "et",
        "und",
        "der",
        "die",
        "das",
        "van",
        "von",
        "di",
        "da",
        "do",
        "e",
        "i",
        "o",
        "s",
    ]
)
SHARED = frozenset(
    [
        "group",
        "holding",
        "holdings",
        "international",
        "global",
        "worldwide",
        "national",
        "enterprise",
        "enterprises",
        "industry",
        "industries",
        "industrial",
        "service",
        "services",
        "solution",
        "solutions",
        "system",
        "systems",
        "technology",
        "technologies",
        "tech",
        "partner",
        "partners",
        "capital",
        "fund",
        "funds",
        "management",
        "consulting",
        "consultants",
        "associates",
        "trading",
        "investment",
        "investments",
        "venture",
        "ventures",
        "development",
        "product",
        "products",
        "logistics",
        "media",
        "digital",
        "software",
        "network",
        "networks",
        "lab",
        "labs",
        "studio",
        "studios",
        "europe",
        "european",
        "america",
        "american",
        "usa",
        "uk",
        "china",
        "india",
        "asia",
        "financial",
        "finance",
        "insurance",
        "bank",
        "banking",
        "health",
        "healthcare",
        "medical",
        "energy",
        "engineering",
        "construction",
        "manufacturing",
        "marketing",
        "communications",
        "property",
        "properties",
        "real",
        "estate",
        "food",
        "foods",
        "gruppe",
        "business",
        "general",
        "united",
        "trust",
        "foundation",
        "association",
        "institute",
        "university",
        "college",
        "school",
        "center",
        "community",
        "north",
        "south",
        "east",
        "west",
        "new",
    ]
)
NUMBERS = {
    **{word: str(n) for n, word in enumerate(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"])},
    "first": "1", "second": "2", "third": "3", "1st": "1", "2nd": "2", "3rd": "3", "twenty": "20", "thirty": "30",
    "forty": "40", "fourty": "40", "fifty": "50",
}  # fmt: skip
SHORT = {
    "intl": "international", "natl": "national", "mfg": "manufacturing", "svcs": "services", "bros": "brothers",
    "assoc": "associates", "mgmt": "management", "dept": "department", "univ": "university", "ctr": "center",
    "centre": "center", "inst": "institute", "labour": "labor", "us": "usa",
}  # fmt: skip
LITTLE, NUMERIC, UNMATCHED = 0.55, 0.3, 0.8
ROMAN = re.compile(r"(?=[ivx])x{0,2}(ix|iv|v?i{0,3})")


@dataclass(frozen=True, slots=True)
class Name:
    """A name as it is compared: its own words, its legal form's families, and its letters in one piece."""

    words: tuple[str, ...]
    form: str
    joined: str


@lru_cache(maxsize=100_000)
def read(text: str) -> Name:
    """Read a name in any script: Latin letters without accents, no dots, no legal form."""
    words = [SHORT.get(word, word) for word in plain(anyascii(text)).split()]
    own = [word for word in words if word not in FORMS]
    telling = [word for word in own if word not in JOINING] or own or words
    families = sorted({FORMS[word] for word in words if word in FORMS})
    joined = "".join(word for word in own if word not in ARTICLES) or "".join(telling)
    return Name(tuple(NUMBERS.get(word, word) for word in telling), " ".join(families), joined)


def plain(text: str) -> str:
    """Return words in lower case: dots and apostrophes vanish, "&" is "and", long legal forms are short."""
    lower = re.sub(r"['’`´.]", "", text.casefold()).replace("&", " and ")
    words = re.sub(r"[^\w]+|_", " ", lower).strip()
    for long, short in LONG_FORMS:
        if long in words:
            words = words.replace(long, short)
    return words.replace("united states", "usa").replace("united kingdom", "uk")


def likeness(left: str, right: str) -> float:
    """Return how alike two company names are, from 0 (nothing in common) to 1 (the same but for form and spelling)."""
    one, other = read(left), read(right)
    other_form = bool(one.form and other.form and one.form != other.form)
    if one.joined == other.joined:
        return 0.95 if other_form else 1.0
    alike = max(_aligned(one.words, other.words), _run_together(one.joined, other.joined))
    return alike * (0.96 if other_form else 1.0)


def _run_together(left: str, right: str) -> float:
    """Names that differ in where words are parted, and at most two letters."""
    shorter = min(len(left), len(right))
    distance = Levenshtein.distance(left, right, score_cutoff=2)
    return 0.0 if shorter < 5 or distance > 2 else 0.97 - 0.9 * distance / shorter


def _aligned(left: Sequence[str], right: Sequence[str]) -> float:
    pairs = [(_same_word(x, y), i, j) for i, x in enumerate(left) for j, y in enumerate(right)]
    used_left, used_right = set[int](), set[int]()
    matched = total = 0.0
    for alike, i, j in sorted(pairs, reverse=True):
        if alike <= 0:
            break
        if i in used_left or j in used_right:
            continue
        used_left.add(i)
        used_right.add(j)
        weight = max(_weight(left[i]), _weight(right[j]))
        matched += weight * alike
        total += weight
    total += sum(UNMATCHED * _weight(word) for i, word in enumerate(left) if i not in used_left)
    total += sum(UNMATCHED * _weight(word) for j, word in enumerate(right) if j not in used_right)
    return matched / total if total else 0.0


def _weight(word: str) -> float:
    if word.isdigit() or ROMAN.fullmatch(word):
        return NUMERIC
    return LITTLE if word in SHARED else min(1.0, 0.6 + 0.08 * len(word))


def _same_word(left: str, right: str) -> float:
    """Return 1 for the same word, less for slips, 0 for another word. Short words must be the same."""
    if left == right:
        return 1.0
    if left.isdigit() or right.isdigit():
        return 0.3 if left.isdigit() and right.isdigit() else 0.0
    longer = max(len(left), len(right))
    if min(len(left), len(right)) <= 2:
        return 0.0
    distance = DamerauLevenshtein.distance(left, right, score_cutoff=3)
    if longer == 3:
        return 0.45 if distance == 1 else 0.0
    alike = 1 - distance / longer
    return alike if distance <= 3 and alike >= 0.66 else 0.0
