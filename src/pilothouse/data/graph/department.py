"""Where in a company a person works, from their title."""

from __future__ import annotations

import re

UNKNOWN, OTHER = "no title", "other"
DEPARTMENTS = (
    ("finance", r"cfo|financ\w*|controll\w*|account(s|ing|ant)|treasur\w*|tax"),
    ("procurement", r"procure\w*|purchas\w*|sourcing|buyer|vendor|supply"),
    ("legal", r"legal|counsel|lawyer|attorney|compliance|privacy"),
    ("people", r"hr|human resources|people|talent|recruit\w*|chro"),
    ("marketing", r"cmo|marketing|brand|growth|demand|communications?"),
    ("sales", r"cro|sales|revenue|account (manager|executive)|business development|partnerships?"),
    ("technology", r"cto|cio|ciso|it|information|technolog\w*|engineer\w*|software|developer|data|security|product|research|r&d|architect"),
    ("operations", r"coo|operations|logistics|manufactur\w*|production|plant|quality|facilities|customer|support|service"),
    ("management", r"ceo|president|founder|co-founder|owner|managing director|general manager|chief executive"),
)  # fmt: skip
NAMES = (*(name for name, _ in DEPARTMENTS), OTHER, UNKNOWN)


def department(title: str) -> str:
    """Return the department of a title: the first of the departments of which it has a word."""
    if not title.strip():
        return UNKNOWN
    plain = re.sub(r"\bvice[ -]president\b", "vp", title, flags=re.IGNORECASE)
    return next((name for name, words in DEPARTMENTS if re.search(rf"\b({words})\b", plain, re.IGNORECASE)), OTHER)
