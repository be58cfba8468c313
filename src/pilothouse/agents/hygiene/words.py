"""Ordinary words that values are compared with: country names and industries in common use."""

from __future__ import annotations

COUNTRIES = frozenset(
    """Argentina|Australia|Austria|Bangladesh|Belgium|Bolivia|Brazil|Bulgaria|Cambodia|Cameroon|Canada|Chile|China|
    Colombia|Costa Rica|Croatia|Cyprus|Czech Republic|Czechia|Denmark|Dominican Republic|Ecuador|Egypt|Estonia|Ethiopia|
    Finland|France|Georgia|Germany|Ghana|Greece|Guatemala|Hungary|Iceland|India|Indonesia|Ireland|Israel|Italy|Jamaica|
    Japan|Jordan|Kazakhstan|Kenya|Korea|Kuwait|Latvia|Lebanon|Lithuania|Luxembourg|Malaysia|Malta|Mexico|Morocco|
    Netherlands|New Zealand|Nigeria|Norway|Pakistan|Panama|Paraguay|Peru|Philippines|Poland|Portugal|Qatar|Romania|
    Russia|Saudi Arabia|Senegal|Serbia|Singapore|Slovakia|Slovenia|South Africa|South Korea|Spain|Sri Lanka|Sweden|
    Switzerland|Taiwan|Tanzania|Thailand|Tunisia|Turkey|Uganda|Ukraine|United Arab Emirates|United Kingdom|
    United States|Uruguay|Venezuela|Vietnam|Zambia""".replace("\n", "")
    .replace("    ", "")
    .split("|")
)
INDUSTRIES = frozenset(
    """aerospace|agriculture|automotive|banking|biotechnology|chemicals|construction|consulting|education|electronics|
    employment|energy|engineering|entertainment|finance|food|government|healthcare|hospitality|insurance|legal|
    logistics|manufacturing|marketing|media|medical|mining|pharmaceuticals|real estate|retail|services|software|
    technology|telecommunications|transportation|travel|utilities""".replace("\n", "")
    .replace("    ", "")
    .split("|")
)
KNOWN = {"country": COUNTRIES, "industry": INDUSTRIES}
