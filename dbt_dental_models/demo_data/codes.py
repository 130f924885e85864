"""The vendor lists of the made-up practice: definitions, procedure codes, fee schedules and coverage."""

from dataclasses import dataclass
from typing import Final

# Category, ItemName and ItemValue by DefNum
DEFINITIONS: Final = {
    101: (1, "Professional discount", "-"),
    102: (1, "Cash discount", "-"),
    103: (1, "Senior discount", "-"),
    104: (1, "Finance charge", "+"),
    105: (1, "Late cancellation fee", "+"),
    106: (1, "Bad debt", "-"),
    201: (2, "Unconfirmed", ""),
    202: (2, "Confirmed", ""),
    203: (2, "Arrived", ""),
    204: (2, "Left message", ""),
    401: (4, "Standard account", ""),
    402: (4, "Payment plan", ""),
    403: (4, "Collections", "C"),
    404: (4, "No statements", ""),
    1001: (10, "Check", ""),
    1002: (10, "Cash", ""),
    1003: (10, "Credit card", ""),
    1004: (10, "Financing", ""),
    1101: (11, "Exams and images", ""),
    1102: (11, "Prevention", ""),
    1103: (11, "Fillings", ""),
    1104: (11, "Crowns", ""),
    1105: (11, "Endodontics", ""),
    1106: (11, "Periodontics", ""),
    1107: (11, "Oral surgery", ""),
    1301: (13, "Mailed", ""),
    1302: (13, "Emailed", ""),
    1303: (13, "Texted", ""),
    2501: (25, "Lunch", ""),
    2701: (27, "Appointment reminder", "APPT"),
    2702: (27, "Insurance", "INS"),
    2703: (27, "Financial", "FIN"),
    2704: (27, "Recall", "RECALL"),
    2705: (27, "Miscellaneous", "MISC"),
    2901: (29, "Prepayment", ""),
    2902: (29, "Treatment plan prepayment", ""),
    3201: (32, "Check", ""),
    3202: (32, "Electronic transfer", ""),
    3501: (35, "General", ""),
    3502: (35, "Hygienist", ""),
    3503: (35, "Orthodontics", ""),
    3504: (35, "Endodontics", ""),
    4501: (45, "Sent to carrier", ""),
    4502: (45, "In review", ""),
    4503: (45, "Paid", ""),
    4504: (45, "Denied", ""),
}


@dataclass(frozen=True)
class Code:
    """One procedure code; area is OpenDental's TreatArea (1 surface, 2 tooth, ...)."""

    num: int
    code: str
    text: str
    category: int
    cents: int
    area: int
    hygiene: bool


_ROWS: Final = (
    ("D0120", "Periodic exam", 1101, 6200, 3, True),
    ("D0140", "Problem exam", 1101, 8900, 3, False),
    ("D0150", "Comprehensive exam", 1101, 10900, 3, True),
    ("D0210", "Full set of images", 1101, 15800, 3, True),
    ("D0220", "First single image", 1101, 3400, 2, False),
    ("D0274", "Four bitewing images", 1101, 7400, 3, True),
    ("D0330", "Panoramic image", 1101, 13200, 3, True),
    ("D1110", "Adult cleaning", 1102, 11200, 3, True),
    ("D1120", "Child cleaning", 1102, 8100, 3, True),
    ("D1206", "Fluoride varnish", 1102, 4700, 3, True),
    ("D1351", "Sealant", 1102, 6300, 2, True),
    ("D2140", "Amalgam, one surface", 1103, 17400, 1, False),
    ("D2150", "Amalgam, two surfaces", 1103, 21900, 1, False),
    ("D2330", "Front resin, one surface", 1103, 19800, 1, False),
    ("D2391", "Back resin, one surface", 1103, 21200, 1, False),
    ("D2392", "Back resin, two surfaces", 1103, 27400, 1, False),
    ("D2393", "Back resin, three surfaces", 1103, 33800, 1, False),
    ("D2740", "Ceramic crown", 1104, 128500, 2, False),
    ("D2750", "Porcelain on metal crown", 1104, 121800, 2, False),
    ("D2950", "Core buildup", 1104, 31200, 2, False),
    ("D3310", "Front root canal", 1105, 86400, 2, False),
    ("D3330", "Molar root canal", 1105, 124600, 2, False),
    ("D4341", "Scaling, one quadrant", 1106, 27300, 4, True),
    ("D4910", "Periodontal maintenance", 1106, 16200, 3, True),
    ("D7140", "Extraction", 1107, 21400, 2, False),
    ("D7210", "Surgical extraction", 1107, 34600, 2, False),
)
CODES: Final = tuple(Code(num, *row) for num, row in enumerate(_ROWS, 1))
BY_CODE: Final = {code.code: code for code in CODES}
TREATMENTS: Final = tuple(code for code in CODES if not code.hygiene and code.category != 1101)

# Description, FeeSchedType and share of the standard fee by FeeSchedNum
STANDARD, PPO_BLUE, PPO_GREEN, STAFF, OUT_OF_NETWORK = 1, 2, 3, 4, 5
FEE_SCHEDULES: Final = {
    STANDARD: ("Standard", 0, 1.0),
    PPO_BLUE: ("PPO blue", 0, 0.74),
    PPO_GREEN: ("PPO green", 0, 0.68),
    STAFF: ("Staff", 0, 0.5),
    OUT_OF_NETWORK: ("Out of network", 2, 0.9),
}

# Description, DefaultPercent, FromCode and ToCode by CovCatNum
COVERAGE: Final = {
    1: ("Diagnostic", 100, "D0100", "D0999"),
    2: ("Preventive", 100, "D1000", "D1999"),
    3: ("Restorative", 80, "D2000", "D2699"),
    4: ("Crowns", 50, "D2700", "D2999"),
    5: ("Endodontics", 80, "D3000", "D3999"),
    6: ("Periodontics", 80, "D4000", "D4999"),
    7: ("Oral surgery", 80, "D7000", "D7999"),
}
RECALL_TYPES: Final = {
    1: ("Cleaning", 6, "D0120,D1110"),
    2: ("Child cleaning", 6, "D0120,D1120"),
    3: ("Periodontal maintenance", 3, "D4910"),
}
# Name and pattern by AppointmentTypeNum; a mark is five minutes, X with the provider
APPOINTMENT_TYPES: Final = {
    1: ("Cleaning", "//XXXXXX/XXX"),
    2: ("Treatment", "/XXXXXXXXXXX/"),
    3: ("New patient", "//XXXXXXXXXXXXX/"),
    4: ("Emergency", "XXXXXX"),
}
FIRST_NAMES: Final = (
    *("Ada", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gia", "Hugo", "Ida", "Jon"),
    *("Kay", "Leo", "Mia", "Noa", "Oli", "Pia", "Rex", "Sia", "Tom", "Uma"),
)
LAST_NAMES: Final = (
    *("Abel", "Birch", "Carr", "Dale", "Elm", "Frost", "Gray", "Hill"),
    *("Ives", "Jarvis", "Kent", "Lake", "Moss", "North", "Oak", "Penn"),
)
CITIES: Final = (("Fairview", "OR"), ("Salem", "OR"), ("Vancouver", "WA"), ("Boise", "ID"), ("Reno", "NV"))
