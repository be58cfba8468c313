"""What is compared of a record, made in DuckDB for all records at once: keys without noise, from fields full of it.

A table of records comes in (`unique_id`, `ref` and the object's fields as text, empty for nothing), a table of features goes
out. What of a record depends on others is in `shared`; here nothing does, so that a new record leaves the others as they are.
The name's key here is a coarser cousin of `names.read`: it must be quick for millions, and only proposes candidates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pilothouse.data.identity.countries import COUNTRIES
from pilothouse.data.identity.legal_forms import FORMS, LONG_FORMS
from pilothouse.data.identity.names import ARTICLES

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FREE_MAIL = [
    "gmail.com",
    "googlemail.com",
    "yahoo.com",
    "yahoo.co.uk",
    "yahoo.fr",
    "yahoo.de",
    "ymail.com",
    "hotmail.com",
    "hotmail.co.uk",
    "hotmail.fr",
    "outlook.com",
    "outlook.de",
    "live.com",
    "live.co.uk",
    "msn.com",
    "aol.com",
    "icloud.com",
    "me.com",
    "mac.com",
    "mail.com",
    "gmx.de",
    "gmx.net",
    "gmx.com",
    "gmx.at",
    "web.de",
    "t-online.de",
    "freenet.de",
    "proton.me",
    "protonmail.com",
    "pm.me",
    "tutanota.com",
    "zoho.com",
    "yandex.ru",
    "yandex.com",
    "mail.ru",
    "qq.com",
    "163.com",
    "126.com",
    "sina.com",
    "naver.com",
    "daum.net",
    "orange.fr",
    "wanadoo.fr",
    "free.fr",
    "laposte.net",
    "libero.it",
    "virgilio.it",
    "comcast.net",
    "att.net",
    "verizon.net",
    "bt.com",
    "btinternet.com",
    "sky.com",
    "fastmail.com",
    "hey.com",
    "duck.com",
]
SECOND_LEVEL = ("co", "com", "org", "net", "ac", "gov", "edu", "or", "ne", "go")
STREET_WORDS = [
    "st",
    "street",
    "ave",
    "av",
    "avenue",
    "rd",
    "road",
    "blvd",
    "boulevard",
    "dr",
    "drive",
    "pl",
    "place",
    "ct",
    "court",
    "ln",
    "lane",
    "pkwy",
    "parkway",
    "ter",
    "terrace",
    "hwy",
    "highway",
    "sq",
    "square",
    "way",
    "n",
    "s",
    "e",
    "w",
    "ne",
    "nw",
    "se",
    "sw",
    "north",
    "south",
    "east",
    "west",
    "str",
    "strasse",
    "weg",
    "platz",
    "rue",
    "via",
    "calle",
]
ACCOUNT = ("name", "domain", "website", "country", "city", "phone", "address", "postcode")
CONTACT = ("first_name", "last_name", "name", "email", "phone", "title", "company", "country")
FIELDS = {"account": ACCOUNT, "contact": CONTACT}


def _words(values: object) -> str:
    return "[" + ",".join(f"'{value}'" for value in sorted(values)) + "]"  # type: ignore[call-overload]


def prepare(connection: DuckDBPyConnection) -> None:
    """Define the macros and small tables that features are made with."""
    shorter = "p"
    for long, short in LONG_FORMS:
        shorter = f"replace({shorter},'{long}','{short}')"
    hints = "gesel|limited|compan|societ|socied|spolka|kaisha|vennoot|sp z|ogranich|sa de cv"
    second = f"len(l)>2 AND list_contains({_words(SECOND_LEVEL)},l[-2]) AND len(l[-1])=2"
    for macro in (
        "latin(t) AS translate(strip_accents(lower(t)),'øłđı','oldi')",
        "plain_words(t) AS trim(regexp_replace(replace(regexp_replace(latin(t),'[''`’.]','','g'),'&',' and '),'[^\\p{L}\\p{N}]+',' ','g'))",
        f"short_forms(p) AS CASE WHEN regexp_matches(p,'{hints}') THEN {shorter} ELSE p END",
        f"own_words(p) AS list_filter(string_split(p,' '), lambda w: NOT list_contains({_words(FORMS)},w) AND NOT list_contains({_words(ARTICLES)},w))",
        "host_of(t) AS regexp_replace(regexp_extract(lower(trim(t)),'^(?:[a-z]+://)?(?:[^@/]*@)?([^/?#: ]+)',1),'^www\\.','')",
        f"registrable(l) AS array_to_string(l[(CASE WHEN {second} THEN -3 ELSE -2 END):],'.')",
        "phone_digits(t) AS regexp_replace(t,'[^0-9]','','g')",
        "street_words(t) AS string_split(regexp_replace(plain_words(t),'(\\d)(st|nd|rd|th)\\b','\\1','g'),' ')",
        "postcode_of(p,a) AS coalesce(nullif(left(regexp_replace(upper(p),'[^A-Z0-9]','','g'),5),''), nullif(regexp_extract(a,'\\b(\\d{5})(?:-\\d{4})?\\s*$',1),''))",
    ):
        connection.execute(f"CREATE OR REPLACE TEMP MACRO {macro}")
    connection.execute("CREATE OR REPLACE TEMP TABLE country_names (told VARCHAR, code VARCHAR)")
    connection.executemany("INSERT INTO country_names VALUES (?, ?)", [list(pair) for pair in COUNTRIES.items()])


def account_features(connection: DuckDBPyConnection, source: str, target: str) -> None:
    """Make the table of what is compared of accounts, as far as the record itself tells it.

    Only countries that are known as such are compared: a slip of the keyboard is no other country.
    """
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE {target} AS
        WITH read AS (SELECT unique_id, ref, phone, address, postcode, short_forms(plain_words(name)) AS named,
                plain_words(country) AS land, plain_words(city) AS town,
                string_split(host_of(CASE WHEN domain='' THEN website ELSE domain END),'.') AS labels,
                CASE WHEN address='' THEN NULL ELSE street_words(address) END AS way, phone_digits(phone) AS digits
            FROM {source}),
        parted AS (SELECT *, own_words(named) AS own, list_filter(way, lambda w: regexp_matches(w,'^\\d+[a-z]?$'))[1] AS house,
                CASE WHEN len(labels)>1 THEN registrable(labels) END AS site
            FROM read),
        told AS (SELECT * EXCLUDE (own), CASE WHEN len(own)=0 THEN string_split(named,' ') ELSE own END AS own FROM parted)
        SELECT unique_id, ref,
            nullif(array_to_string(own,' '),'') AS name_key, list_sort(list_distinct(own)) AS words, own[1] AS first_word,
            CASE WHEN NOT list_contains({_words(FREE_MAIL)},site) THEN site END AS domain,
            code AS country, nullif(town,'') AS city,
            CASE WHEN len(digits)>=7 THEN right(digits,8) END AS phone, house,
            nullif(array_to_string(list_filter(way, lambda w: w<>coalesce(house,'') AND w<>''
                AND NOT list_contains({_words(STREET_WORDS)},w))[1:2],' '),'') AS street,
            postcode_of(postcode,address) AS postcode, land, town
        FROM told LEFT JOIN country_names ON country_names.told=land
    """)  # noqa: S608


def contact_features(connection: DuckDBPyConnection, source: str, target: str) -> None:
    """Make the table of what is compared of contacts."""
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE {target} AS
        WITH read AS (SELECT unique_id, ref, plain_words(country) AS land, phone_digits(phone) AS digits,
                plain_words(CASE WHEN first_name<>'' AND last_name<>'' THEN first_name||' '||last_name ELSE name END) AS full_name,
                CASE WHEN email LIKE '%_@_%._%' THEN lower(trim(email)) END AS email,
                short_forms(plain_words(company)) AS firm
            FROM {source}),
        parted AS (SELECT *, string_split(full_name,' ') AS parts, own_words(firm) AS own,
                registrable(string_split(host_of(email),'.')) AS site
            FROM read)
        SELECT unique_id, ref, nullif(full_name,'') AS full_name, nullif(parts[1],'') AS first,
            CASE WHEN len(parts)>1 THEN parts[-1] END AS last, email,
            regexp_replace(split_part(email,'@',1),'[._-]','','g') AS mailbox,
            coalesce(CASE WHEN NOT list_contains({_words(FREE_MAIL)},site) THEN site END,
                nullif(array_to_string(own,' '),'')) AS employer,
            CASE WHEN len(digits)>=7 THEN right(digits,8) END AS phone, code AS country
        FROM parted LEFT JOIN country_names ON country_names.told=land
    """)  # noqa: S608
