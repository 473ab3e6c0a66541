"""The words of every kind of paper: the built-in ones, their fields and their placeholders.

Data, not code: an administrator writes newer versions by kind, language and day
(`portal.certificates.templates`). A paper joins the Vietnamese and the English texts of its kind.
Placeholders are written `$name`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from string import Template
from typing import Any

LANGUAGES = ("vi", "en")
# Fields of many lines; every other field is one line.
LISTED = frozenset({"notes", "recipients"})
MOST_LETTERS = {"title": 120, "outcome": 120, "subject": 200, "signer_title": 80}
MOST_LINES, MOST_LETTERS_OF_LINE = 8, 300

Texts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wording:
    """A kind of paper.

    Attributes:
        allowed: the placeholders its texts may use.
        needed: field → placeholders that it must hold.
        texts: language → field → text, until an administrator writes a newer version.
        optional: fields that may be empty.
        is_issued: whether its area exists; the others can be worded and previewed only.
    """

    allowed: frozenset[str]
    texts: Mapping[str, Texts]
    needed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()
    is_issued: bool = True

    def fields(self, language: str) -> tuple[str, ...]:
        """The fields that are worded in a language."""
        return tuple(self.texts[language])


_RESULT = frozenset({"disease", "pool_size", "deadline", "province", "laboratory"})
_TITLE = {"title": frozenset({"disease"})}
_SIGNER = "PHỤ TRÁCH PHÒNG XÉT NGHIỆM"
_SAMPLE_ONLY = (
    "Kết quả chỉ có giá trị trên mẫu xét nghiệm.",
    "The result holds for the sample.",
)

WORDINGS: dict[str, Wording] = {
    "negative": Wording(
        allowed=_RESULT,
        needed=_TITLE,
        texts={
            "vi": {
                "title": "PHIẾU KẾT QUẢ XÉT NGHIỆM $disease",
                "outcome": "Âm tính",
                "notes": [_SAMPLE_ONLY[0]],
                "signer_title": _SIGNER,
            },
            "en": {
                "title": "$disease test result",
                "outcome": "Negative",
                "notes": [_SAMPLE_ONLY[1]],
            },
        },
    ),
    "pool_negative": Wording(
        allowed=_RESULT,
        needed={**_TITLE, "outcome": frozenset({"pool_size"})},
        texts={
            "vi": {
                "title": "PHIẾU KẾT QUẢ XÉT NGHIỆM $disease",
                "outcome": "Âm tính (mẫu gộp $pool_size)",
                "notes": [
                    "Mẫu gộp âm tính: mọi người có mẫu trong ống đều có kết quả âm tính.",
                    _SAMPLE_ONLY[0],
                ],
                "signer_title": _SIGNER,
            },
            "en": {
                "title": "$disease test result",
                "outcome": "Negative (pool of $pool_size)",
                "notes": ["The pool was negative, and so is everyone in it.", _SAMPLE_ONLY[1]],
            },
        },
    ),
    "positive": Wording(
        allowed=_RESULT,
        needed=_TITLE,
        texts={
            "vi": {
                "title": "PHIẾU KẾT QUẢ XÉT NGHIỆM $disease",
                "outcome": "Dương tính",
                "notes": [
                    # One line with its English: with Ct values the page is full.
                    "Cách ly tại chỗ, đeo khẩu trang, chờ trạm y tế; khó thở: gọi 115.",
                    _SAMPLE_ONLY[0],
                ],
                "signer_title": _SIGNER,
            },
            "en": {
                "title": "$disease test result",
                "outcome": "POSITIVE",
                "notes": [
                    "Isolate and mask; breathless: call 115.",
                    _SAMPLE_ONLY[1],
                ],
            },
        },
    ),
    "retest_notice": Wording(
        allowed=_RESULT,
        needed=_TITLE,
        texts={
            "vi": {
                "title": "GIẤY BÁO LẤY LẠI MẪU XÉT NGHIỆM $disease",
                "outcome": "Chưa có kết luận – cần lấy lại mẫu đơn",
                "notes": [
                    "Giấy này không phải là kết quả dương tính.",
                    (
                        "Đề nghị ở tại nhà, hạn chế tiếp xúc cho đến khi có kết quả "
                        "của mẫu lấy lại$deadline."
                    ),
                ],
                "signer_title": _SIGNER,
            },
            "en": {
                "title": "Notice of a new $disease sample",
                "outcome": "No conclusion yet – a new single sample is needed",
                "notes": [
                    "This is not a positive result.",
                    "Please stay at home until the new sample has its result.",
                ],
            },
        },
    ),
    "session_list": Wording(
        allowed=frozenset({"disease", "province", "site", "session", "day", "campaign"}),
        needed={**_TITLE, "subject": frozenset({"site", "day"})},
        optional=frozenset({"notes"}),
        texts={
            "vi": {
                "title": "DANH SÁCH KẾT QUẢ XÉT NGHIỆM $disease",
                "subject": "Buổi lấy mẫu $session ngày $day tại $site",
                "notes": [
                    "Người «cần lấy lại mẫu» chưa có kết luận; đó không phải kết quả dương tính."
                ],
                "recipients": ["Sở Y tế (b/c)", "$site", "Lưu: VT, XN"],
                "signer_title": "THỦ TRƯỞNG ĐƠN VỊ",
            },
            "en": {
                "title": "List of $disease test results",
                "subject": "Collection session $session of $day at $site",
                "notes": ["«To be sampled again» is no conclusion, and not a positive result."],
            },
        },
    ),
    "quarantine_completion": Wording(
        allowed=frozenset({"disease", "province", "place", "days", "decision"}),
        needed={"outcome": frozenset({"days"})},
        is_issued=False,
        texts={
            "vi": {
                "title": "GIẤY XÁC NHẬN HOÀN THÀNH CÁCH LY Y TẾ",
                "outcome": "Đã hoàn thành $days ngày cách ly y tế",
                "notes": [
                    "Cách ly phòng, chống $disease theo Quyết định số $decision.",
                    "Tiếp tục tự theo dõi sức khỏe; khi có triệu chứng, báo ngay cho trạm y tế.",
                ],
                "signer_title": "THỦ TRƯỞNG CƠ SỞ CÁCH LY",
            },
            "en": {
                "title": "Certificate of completed medical quarantine",
                "outcome": "$days days of medical quarantine completed",
                "notes": [
                    "Quarantine against $disease under decision $decision.",
                    "Keep watching your health; report symptoms to the health station.",
                ],
            },
        },
    ),
    "vaccination": Wording(
        allowed=frozenset({"disease", "province", "doses", "place"}),
        needed={"title": frozenset({"disease"}), "outcome": frozenset({"doses"})},
        is_issued=False,
        texts={
            "vi": {
                "title": "GIẤY XÁC NHẬN TIÊM CHỦNG VẮC XIN PHÒNG $disease",
                "outcome": "Đã tiêm $doses mũi",
                "notes": ["Sốt cao, khó thở, đau ngực sau tiêm: đến ngay cơ sở y tế gần nhất."],
                "signer_title": "CƠ SỞ TIÊM CHỦNG",
            },
            "en": {
                "title": "Certificate of vaccination against $disease",
                "outcome": "$doses dose(s) given",
                "notes": ["High fever, breathlessness or chest pain afterwards: see a doctor."],
            },
        },
    ),
}


def joined(vietnamese: Mapping[str, Any], english: Mapping[str, Any]) -> Texts:
    """The texts of a bilingual paper: English beside each field, and after « / » in each line."""
    texts: Texts = {}
    for name, text in vietnamese.items():
        if name not in LISTED:
            texts[name] = text
        elif name in english:
            pairs = zip_longest(text, english[name], fillvalue="")
            texts[name] = [" / ".join(part for part in pair if part) for pair in pairs]
        else:
            texts[name] = list(text)
    texts |= {f"{name}_en": text for name, text in english.items() if name not in LISTED}
    return texts


def built_in(kind: str, language: str) -> Texts:
    """The texts of a kind before anybody wrote others."""
    return dict(WORDINGS[kind].texts[language])


def filled(text: Any, words: Mapping[str, str]) -> str:
    """A text with its placeholders replaced; an unknown one stays as it stands."""
    return Template(str(text)).safe_substitute(words)


def names_in(text: str) -> tuple[set[str], bool]:
    """The placeholders of a text, and whether a `$` stands there that begins none."""
    found, is_broken = set(), False
    for match in Template.pattern.finditer(text):
        name = match["named"] or match["braced"]
        if name:
            found.add(name)
        elif match["invalid"] is not None:
            is_broken = True
    return found, is_broken
