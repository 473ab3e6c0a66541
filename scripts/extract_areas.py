"""Writes portal/areas/data from the data of the PyPI package vietnamadminunits 1.0.4 (MIT).

Usage: python scripts/extract_areas.py FOLDER, where FOLDER holds the unpacked wheel.
"""

import csv
import json
import sqlite3
import sys
from pathlib import Path

OUT = Path(__file__).resolve().parents[1] / "portal" / "areas" / "data"


def main(folder: Path) -> None:
    """Extracts units (both trees) and what became of each old commune."""
    data = folder / "vietnamadminunits" / "data"
    connection = sqlite3.connect(data / "dataset.db")
    connection.row_factory = sqlite3.Row
    new = connection.execute("SELECT * FROM admin_units ORDER BY wardCode").fetchall()
    old = connection.execute("SELECT * FROM admin_units_legacy ORDER BY wardCode").fetchall()
    OUT.mkdir(exist_ok=True)
    with (OUT / "units.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["tree", "level", "code", "parent_code", "kind", "name"])
        writer.writerows(_units("2025", new, has_districts=False))
        writer.writerows(_units("2008", old, has_districts=True))
    converter = json.loads((data / "converter_2025.json").read_text(encoding="utf-8"))
    pairs = sorted(_successions(converter, new, old))
    with (OUT / "successions.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["old_code", "new_code", "share"])
        writer.writerows(pairs)


def _units(tree, rows, *, has_districts):
    seen = set()
    found = []
    for row in rows:
        chain = [("province", row["provinceCode"], "", row["province"], row["provinceShort"])]
        if has_districts and row["districtCode"]:
            kind = row["districtType"]
            chain.append(
                ("district", row["districtCode"], row["provinceCode"], kind, row["districtShort"])
            )
        parent = chain[-1][1]
        if row["wardCode"]:
            chain.append(("commune", row["wardCode"], parent, row["wardType"], row["wardShort"]))
        for level, code, parent_code, kind, name in chain:
            if (level, code) in seen:
                continue
            seen.add((level, code))
            word = kind.removesuffix(name).strip() if level == "province" else kind
            found.append((tree, level, code, parent_code, word, name))
    order = {"province": 0, "district": 1, "commune": 2}
    return sorted(found, key=lambda unit: (order[unit[1]], unit[2]))


def _successions(converter, new, old):
    new_codes, old_codes = {}, {}
    for row in new:
        new_codes.setdefault((row["provinceKey"], row["wardKey"]), row["wardCode"])
    for row in old:
        key = f"{row['provinceKey']}_{row['districtKey']}_{row['wardKey']}"
        old_codes.setdefault(key, row["wardCode"])
    for province, wards in converter["DICT_PROVINCE_WARD_NO_DIVIDED"].items():
        for new_key, old_keys in wards.items():
            for old_key in old_keys:
                if old_key in old_codes and (province, new_key) in new_codes:
                    yield old_codes[old_key], new_codes[province, new_key], "1"
    # The source does not say how a divided commune was shared out: equal parts are assumed.
    for province, wards in converter["DICT_PROVINCE_WARD_DIVIDED"].items():
        for old_key, parts in wards.items():
            for part in parts:
                if old_key in old_codes and (province, part["newWardKey"]) in new_codes:
                    share = f"{1 / len(parts):.4f}"
                    yield old_codes[old_key], new_codes[province, part["newWardKey"]], share


if __name__ == "__main__":
    main(Path(sys.argv[1]))
