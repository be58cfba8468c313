"""What is compared and how: Fellegi and Sunter's model (1969, "A Theory for Record Linkage").

Each comparison has levels; a level weighs log2(m/u) bits, where m is how often matching pairs show it and u how often
others do. The numbers here were estimated on the generator's companies (100,000 records) and serve data too small to
learn from; larger data is learnt from by itself. Levels are written so that evidence which comes together in a group of
companies (one domain, one switchboard) is not counted as if it told members apart.
"""

from __future__ import annotations

from dataclasses import dataclass

LEARN_FROM = 2_000
"""Records below which the shipped numbers are used as they are."""


@dataclass(frozen=True, slots=True)
class Level:
    """One outcome of a comparison: what it says in words, the condition on a pair (_l, _r), m and u."""

    says: str
    when: str
    m: float
    u: float
    frequency_of: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One kind of evidence. Where `missing` holds of a side, it says nothing. The last level is everything else."""

    name: str
    column: str
    levels: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class Model:
    """How records of one object are compared; `conflict` names a level at which two records can never be one."""

    comparisons: tuple[Comparison, ...]
    blocking: tuple[tuple[str, ...], ...]
    surely: tuple[tuple[str, ...], ...]
    learn_by: tuple[tuple[str, ...], ...]
    conflict: tuple[str, int] | None = None


_JACCARD = (
    "(array_length(array_intersect(words_l,words_r))::DOUBLE/array_length(list_distinct(list_concat(words_l,words_r))))"
)
_BARE = "list_filter(words_{0},lambda w: NOT list_contains(marks_{0},w))"
_NEAR = (
    "(name_key_l=name_key_r OR (marks_l=marks_r AND (jaro_winkler_similarity(name_key_l,name_key_r)>=0.95"
    " OR replace(name_key_l,' ','')=replace(name_key_r,' ',''))))"
)
ELSE = "ELSE"
ACCOUNT_MODEL = Model(
    comparisons=(
        Comparison("name", "name_key", (
            Level("the name is the same, and nobody else's", "name_key_l=name_key_r AND sole_l", 0.55, 1e-5),
            Level("the name is the same, as others' are", "name_key_l=name_key_r", 0.29, 2e-5),
            Level("the name differs by a slip", _NEAR, 0.11, 1.9e-5),
            Level("the name differs by a place or a number", "array_length(marks_l)+array_length(marks_r)>0 AND marks_l<>marks_r AND "
                  + _BARE.format("l") + "=" + _BARE.format("r"), 0.002, 5.6e-6),
            Level("half of the name's words are the same", f"{_JACCARD}>=0.5", 0.018, 1.3e-4),
            Level("the name begins with the same word", "first_word_l=first_word_r AND len(first_word_l)>2", 0.006, 3e-4),
            Level("the names look alike", "jaro_winkler_similarity(name_key_l,name_key_r)>=0.85", 0.018, 1e-3),
            Level("the names differ", ELSE, 0.006, 1.0),
        )),
        Comparison("domain", "domain", (
            Level("the domain is the same, and the name too", f"domain_l=domain_r AND {_NEAR}", 0.94, 1.9e-5),
            Level("the domain is the same, under another name", "domain_l=domain_r", 0.04, 1.5e-5),
            Level("the domains differ in their ending", "split_part(domain_l,'.',1)=split_part(domain_r,'.',1)", 0.015, 1e-5),
            Level("the domains differ", ELSE, 0.005, 1.0),
        )),
        Comparison("phone", "phone", (
            Level("the phone number is the same", "phone_l=phone_r", 0.95, 1.7e-5, "phone"),
            Level("the phone numbers differ", ELSE, 0.05, 1.0),
        )),
        Comparison("address", "street", (
            Level("house and street are the same", "house_l=house_r AND street_l=street_r", 0.93, 2.1e-5),
            Level("house and street are nearly the same",
                  "house_l=house_r AND jaro_winkler_similarity(street_l,street_r)>=0.88", 0.017, 5.6e-6),
            Level("the street is the same", "street_l=street_r", 0.003, 4.5e-4),
            Level("the addresses differ", ELSE, 0.05, 1.0),
        )),
        Comparison("postcode", "postcode", (
            Level("the postcode is the same", "postcode_l=postcode_r", 0.96, 2.4e-5),
            Level("the postcodes differ", ELSE, 0.04, 1.0),
        )),
        Comparison("country", "country", (
            Level("the country is the same", "country_l=country_r", 0.985, 0.15, "country"),
            Level("the countries differ", ELSE, 0.015, 0.85),
        )),
        Comparison("city", "city", (
            Level("the city is the same", "city_l=city_r", 0.97, 0.042, "city"),
            Level("the cities differ", ELSE, 0.03, 0.96),
        )),
    ),
    blocking=(("name_key",), ("domain",), ("phone",), ("house", "street"), ("postcode", "first_word"), ("city", "first_word")),
    surely=(("name_key", "domain"), ("name_key", "phone"), ("phone", "domain"), ("house", "street", "phone"),
            ("house", "street", "name_key")),
    learn_by=(("name_key",), ("phone",), ("house", "street"), ("domain",)),
    conflict=("country", 1),
)  # fmt: skip
CONTACT_MODEL = Model(
    comparisons=(
        Comparison("email", "email", (
            Level("the e-mail address is the same", "email_l=email_r", 0.75, 1e-6),
            Level("the mailbox is the same, elsewhere", "mailbox_l=mailbox_r AND len(mailbox_l)>4", 0.1, 2e-5),
            Level("the e-mail addresses differ", ELSE, 0.15, 1.0),
        )),
        Comparison("name", "full_name", (
            Level("the name is the same", "full_name_l=full_name_r", 0.8, 5e-5, "full_name"),
            Level("the name differs by a slip", "jaro_winkler_similarity(full_name_l,full_name_r)>=0.93", 0.1, 2e-4),
            Level("last name and initial are the same", "last_l=last_r AND left(first_l,1)=left(first_r,1)", 0.05, 3e-4),
            Level("the last name is the same", "last_l=last_r", 0.02, 3e-3),
            Level("the names differ", ELSE, 0.03, 1.0),
        )),
        Comparison("employer", "employer", (
            Level("the company is the same", "employer_l=employer_r", 0.85, 5e-4, "employer"),
            Level("the companies differ", ELSE, 0.15, 1.0),
        )),
        Comparison("phone", "phone", (
            Level("the phone number is the same", "phone_l=phone_r", 0.8, 2e-5),
            Level("the phone numbers differ", ELSE, 0.2, 1.0),
        )),
        Comparison("country", "country", (
            Level("the country is the same", "country_l=country_r", 0.97, 0.2),
            Level("the countries differ", ELSE, 0.03, 0.8),
        )),
    ),
    blocking=(("email",), ("phone",), ("full_name",), ("last", "employer"), ("mailbox", "last")),
    surely=(("email", "full_name"), ("phone", "full_name")),
    learn_by=(("email",), ("full_name",), ("phone",)),
)  # fmt: skip
MODELS = {"account": ACCOUNT_MODEL, "contact": CONTACT_MODEL}
