"""The words names are made of."""

from __future__ import annotations

FIRST = [
    "Ada",
    "Bela",
    "Cora",
    "Dario",
    "Elif",
    "Femi",
    "Goran",
    "Hana",
    "Ivo",
    "Jana",
    "Kofi",
    "Lena",
    "Milo",
    "Nadia",
    "Otto",
    "Pia",
    "Quinn",
    "Rosa",
    "Sami",
    "Tara",
    "Uma",
    "Vito",
    "Wanda",
    "Xenia",
    "Yara",
    "Zeno",
]
LAST = [
    "Abara",
    "Berg",
    "Conte",
    "Diaz",
    "Eder",
    "Falk",
    "Gallo",
    "Hale",
    "Ito",
    "Jansen",
    "Klein",
    "Lopez",
    "Meyer",
    "Novak",
    "Okoro",
    "Petit",
    "Quist",
    "Rossi",
    "Sato",
    "Toth",
    "Ueda",
    "Vance",
    "Weiss",
    "Yilmaz",
    "Zhou",
]
COMPANY = [
    "Alder",
    "Birch",
    "Cobalt",
    "Delta",
    "Ember",
    "Falcon",
    "Granite",
    "Harbor",
    "Indigo",
    "Juniper",
    "Kestrel",
    "Lumen",
    "Meridian",
    "Nimbus",
    "Onyx",
    "Prairie",
    "Quartz",
    "Ridge",
    "Summit",
    "Tidal",
    "Umber",
    "Vertex",
    "Willow",
    "Xylo",
    "Yonder",
    "Zephyr",
]
TRADE = ["Foods", "Logistics", "Systems", "Materials", "Health", "Energy", "Media", "Robotics", "Finance", "Analytics"]
LEGAL = ("Inc.", "LLC", "Ltd", "GmbH", "Corp", "Corporation")
INDUSTRIES = ("software", "healthcare", "manufacturing", "logistics", "finance", "retail", "energy", "media")
COUNTRIES = ("United States", "Germany", "United Kingdom", "France", "Netherlands", "Canada", "Philippines", "Japan")
CITIES = ("Springfield", "Rivertown", "Lakeside", "Hillview", "Northport", "Westfield")
TITLES = ("VP Sales", "CFO", "Head of Operations", "IT Director", "Procurement Manager", "Analyst", "COO", "Engineer")
PRODUCTS = (("Compass Core", "Compass", 4800), ("Compass Plus", "Compass", 9600), ("Anchor Basic", "Anchor", 1200),
            ("Anchor Pro", "Anchor", 3600), ("Beacon", "Beacon", 15000))  # fmt: skip
OPEN_STAGES = ("Prospecting", "Engaging", "Proposal", "Negotiation")
MISSPELT = {"industry": {"software": "sofware", "healthcare": "helthcare", "manufacturing": "manufactoring"},
            "country": {"Philippines": "Philipines", "Germany": "Germny", "Netherlands": "Netherland"}}  # fmt: skip
