"""Names of countries as CRMs spell them, to ISO 3166 two-letter codes."""

from __future__ import annotations

_NAMES = """
ae united arab emirates|uae|emirates; ar argentina; at austria|oesterreich|österreich; au australia; be belgium|belgique|belgie
bg bulgaria; br brazil|brasil; ca canada; ch switzerland|schweiz|suisse; cl chile; cn china|peoples republic of china|prc; co colombia
cy cyprus; cz czech republic|czechia; de germany|deutschland; dk denmark|danmark; ee estonia; eg egypt; es spain|espana|españa
fi finland|suomi; fr france; gb united kingdom|uk|great britain|england|scotland|wales|northern ireland; gr greece|hellas
hk hong kong; hr croatia; hu hungary; id indonesia; ie ireland|republic of ireland; il israel; in india; is iceland; it italy|italia
jp japan; ke kenya; kr south korea|korea|republic of korea; lt lithuania; lu luxembourg; lv latvia; ma morocco; mt malta; mx mexico|méxico
my malaysia; ng nigeria; nl netherlands|the netherlands|holland|nederland; no norway|norge; nz new zealand; pe peru; ph philippines
pk pakistan; pl poland|polska; pt portugal; ro romania; rs serbia; ru russia|russian federation; sa saudi arabia; se sweden|sverige
sg singapore; si slovenia; sk slovakia|slovak republic; th thailand; tr turkey|türkiye|turkiye; tw taiwan; ua ukraine
us united states|usa|united states of america|us of america|america; vn vietnam|viet nam; za south africa
"""


def _codes() -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in _NAMES.replace("\n", ";").split(";"):
        code, _, names = entry.strip().partition(" ")
        found |= dict.fromkeys([code, *names.split("|")] if code else [], code)
    return found


COUNTRIES = _codes()
