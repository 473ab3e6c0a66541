"""A complete declaration of somebody who does not exist."""

from typing import Any


def answers(**changes: Any) -> dict[str, Any]:
    """Form answers; `changes` replace or add to them."""
    return {
        "declared_by": "self",
        "full_name": "  nguyễn thị   Hồng Ánh ",
        "birth": "2/9/1984",
        "sex": "female",
        "phone": "+84 905 123 456",
        "national_id": "048184000123",
        "address": "Tổ 12, Hòa Khánh",
        "symptoms": ["none"],
        "had_contact": "no",
        **changes,
    }
