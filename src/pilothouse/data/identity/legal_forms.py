"""Legal forms of companies, by country practice: what stands in a name without telling which company it is.

`FORMS` maps a short form, written without dots, to a family; names that differ in family only are probably relatives,
not the same. `LONG_FORMS` are written out and become their short form. Compiled from the companies acts' own terms.
"""

from __future__ import annotations

_FAMILIES = {
    "corporation": "inc incorporated corp corporation co company cos companies",
    "limited": (
        "ltd limited lmtd pvt private pty proprietary pte sdn bhd berhad tbk gmbh mbh ug sarl sas sasu eurl srl spa sl slu"
        " lda ltda bv bvba sprl besloten ab oy oyj as asa aps kft zrt doo dd ooo oao zao pao ao jsc ojsc pjsc cjsc tov llc"
        " spzoo kk gk yk eood ead uab sia ou"
    ),
    "public": "plc ag se sa sab sapi nv aktiengesellschaft aktiebolag nyrt",
    "partnership": "llp lp lllp kg kgaa ohg gbr scs snc pllc cv",
    "association": "ev na",
}
FORMS = {form: family for family, forms in _FAMILIES.items() for form in forms.split()}
LONG_FORMS = (
    ("limited liability company", "llc"), ("public limited company", "plc"), ("open joint stock company", "ojsc"),
    ("public joint stock company", "pjsc"), ("joint stock company", "jsc"), ("private limited", "pvt ltd"),
    ("gesellschaft mit beschrankter haftung", "gmbh"), ("gesellschaft mit beschraenkter haftung", "gmbh"),
    ("aktiengeselschaft", "ag"), ("aktiengesellschaft", "ag"), ("societe a responsabilite limitee", "sarl"),
    ("societatea cu raspundere limitata", "srl"), ("societa a responsabilita limitata", "srl"),
    ("societa per azioni", "spa"), ("societe par actions simplifiee", "sas"), ("societe anonyme", "sa"),
    ("sociedad anonima de capital variable", "sa"), ("sociedad anonima", "sa"), ("sociedad limitada", "sl"),
    ("sociedade limitada", "ltda"), ("sociedade anonima", "sa"), ("besloten vennootschap", "bv"),
    ("naamloze vennootschap", "nv"), ("spolka z ograniczona odpowiedzialnoscia", "spzoo"), ("sp z oo", "spzoo"),
    ("sp zoo", "spzoo"), ("spolka akcyjna", "sa"), ("kabushiki kaisha", "kk"), ("godo kaisha", "gk"), ("sa de cv", "sa"),
    ("obshchestvo s ogranichennoi otvetstvennostiu", "ooo"), ("obshchestvo s ogranichennoy otvetstvennostyu", "ooo"),
)  # fmt: skip
