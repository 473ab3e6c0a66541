"""The words of administrative units, and the day the tree changed."""

import datetime as dt
from enum import StrEnum


class Level(StrEnum):
    """Levels of the tree; the district was abolished on 1 July 2025."""

    PROVINCE = "province"
    DISTRICT = "district"
    COMMUNE = "commune"


# Resolution 202/2025/QH15 and the laws of June 2025: 34 provinces, no districts.
REFORM_DAY = dt.date(2025, 7, 1)

# The tree of 63 provinces stood since Hà Tây joined Hà Nội (1 August 2008).
TREE_2008_FROM = dt.date(2008, 8, 1)

# Vietnamese kind → the kind stored and translated in the interface.
KINDS = {
    "Tỉnh": "province",
    "Thành phố": "city",
    "Quận": "urban_district",
    "Huyện": "rural_district",
    "Thị xã": "town",
    "Thị trấn": "township",
    "Phường": "ward",
    "Xã": "rural_commune",
    "Đặc khu": "special_zone",
}


def has_ended(valid_to: dt.date | None, day: dt.date) -> bool:
    """Whether a unit no longer exists on `day`."""
    return valid_to is not None and valid_to < day
