"""What goes wrong between a person and a typed field: one small function for each corruption.

Each takes the text (and a generator) and returns the text as it might have been typed.
"""

import unicodedata

import numpy as np

Rng = np.random.Generator

TONES = "\u0300\u0309\u0303\u0301\u0323"
TELEX_TONE = dict(zip(TONES, "frxsj", strict=True))
VNI_TONE = dict(zip(TONES, "23415", strict=True))
TELEX_SHAPE = {"\u0302": None, "\u0306": "w", "\u031b": "w"}
VNI_SHAPE = {"\u0302": "6", "\u0306": "8", "\u031b": "7"}
NEIGHBOURS = {
    "a": "sqz", "b": "vn", "c": "xv", "d": "sf", "e": "wr", "g": "fh", "h": "gj", "i": "uo",
    "k": "jl", "l": "k", "m": "n", "n": "bm", "o": "ip", "p": "o", "q": "wa", "r": "et", "s": "ad",
    "t": "ry", "u": "yi", "v": "cb", "x": "zc", "y": "tu",
}  # fmt: skip
REGIONAL = [("s", "x"), ("x", "s"), ("tr", "ch"), ("ch", "tr"), ("n", "l"), ("l", "n"),
            ("d", "gi"), ("gi", "d"), ("v", "d")]  # fmt: skip
NICKNAMES = ["Tí", "Tèo", "Bé", "Cu", "Na", "Bông", "Út", "Hai", "Ba", "Tư"]
OLD_PREFIXES = {
    "70": "120", "79": "121", "77": "122", "83": "123", "84": "124", "85": "125", "76": "126",
    "81": "127", "78": "128", "82": "129", "32": "162", "33": "163", "34": "164", "35": "165",
    "36": "166", "37": "167", "38": "168", "39": "169", "56": "186", "58": "188",
}  # fmt: skip


def fold(text: str) -> str:
    text = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(c for c in text if not unicodedata.combining(c))


def old_tone_place(text: str, _rng: Rng) -> str:
    for new, old in (("òa", "oà"), ("óa", "oá"), ("ọa", "oạ"), ("ỏa", "oả"), ("úy", "uý"),
                     ("ùy", "uỳ"), ("ủy", "uỷ"), ("ụy", "uỵ"), ("òe", "oè")):  # fmt: skip
        text = text.replace(new, old)
    return text


def decomposed(text: str, _rng: Rng) -> str:
    return unicodedata.normalize("NFD", text)


def wrong_tone(text: str, rng: Rng) -> str:
    words = text.split(" ")
    at = rng.integers(len(words))
    letters = unicodedata.normalize("NFD", words[at])
    found = [c for c in letters if c in TONES]
    if found:
        other = rng.choice([*TONES, ""])
        letters = letters.replace(found[0], str(other))
    else:
        vowels = [i for i, c in enumerate(letters) if c.lower() in "aeiouy"]
        if vowels:
            letters = letters[: vowels[0] + 1] + str(rng.choice(list(TONES))) + letters[
                vowels[0] + 1 :
            ]  # fmt: skip
    words[at] = unicodedata.normalize("NFC", letters)
    return " ".join(words)


def _keystrokes(text: str, *, telex: bool) -> str:
    out = []
    for word in text.split(" "):
        typed, last = "", ""
        for c in unicodedata.normalize("NFD", word.replace("đ", "d9").replace("Đ", "D9")):
            if c in TONES:
                last = (TELEX_TONE if telex else VNI_TONE)[c]
            elif c in TELEX_SHAPE:
                typed += (TELEX_SHAPE[c] or typed[-1].lower()) if telex else VNI_SHAPE[c]
            elif c == "9":
                typed += "d" if telex else "9"
            else:
                typed += c
        out.append(typed + last)
    return " ".join(out)


def telex(text: str, _rng: Rng) -> str:
    return _keystrokes(text, telex=True)


def vni(text: str, _rng: Rng) -> str:
    return _keystrokes(text, telex=False)


def typo(text: str, rng: Rng) -> str:
    if len(text) < 4:
        return text
    at = int(rng.integers(1, len(text) - 1))
    kind = rng.integers(4)
    if text[at] == " " or text[at + 1] == " ":
        at -= 1
    if kind == 0:
        return text[:at] + text[at + 1 :]
    if kind == 1:
        return text[:at] + text[at] + text[at:]
    if kind == 2:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    near = NEIGHBOURS.get(fold(text[at]).lower(), "e")
    return text[:at] + near[rng.integers(len(near))] + text[at + 1 :]


def regional(text: str, rng: Rng) -> str:
    words = text.split(" ")
    for at in rng.permutation(len(words)):
        for before, after in REGIONAL:
            if words[at].lower().startswith(before) and len(words[at]) > len(before) + 1:
                tail = words[at][len(before) :]
                words[at] = after.capitalize() + tail
                return " ".join(words)
    return text


def middle_dropped(text: str, _rng: Rng) -> str:
    words = text.split(" ")
    return f"{words[0]} {words[-1]}" if len(words) > 2 else text


def order(text: str, rng: Rng) -> str:
    words = text.split(" ")
    return " ".join(words[-1:] + words[:-1] if rng.random() < 0.6 else words[1:] + words[:1])


def nickname(text: str, rng: Rng) -> str:
    words = text.split(" ")
    return " ".join([*words[:-1], NICKNAMES[rng.integers(len(NICKNAMES))]])


def digit_typo(text: str, rng: Rng) -> str:
    if len(text) < 2:
        return text
    at = int(rng.integers(len(text)))
    if rng.random() < 0.3 and at + 1 < len(text):
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + str((int(text[at]) + int(rng.integers(1, 10))) % 10) + text[at + 1 :]


def phone_spelling(text: str, rng: Rng) -> str:
    national = text[1:]
    kind = rng.integers(5)
    if kind == 0:
        return "+84" + national
    if kind == 1:
        return f"{text[:4]}.{text[4:7]}.{text[7:]}"
    if kind == 2:
        return national
    if kind == 3:
        return f"{text[:4]} {text[4:7]} {text[7:]}"
    return "0" + OLD_PREFIXES.get(national[:2], national[:2]) + national[2:]


def address_spelling(text: str, rng: Rng) -> str:
    for full, short in (("Phường ", "P."), ("Xã ", "X."), ("Thôn ", "T. "), ("Tổ ", "tổ ")):
        if rng.random() < 0.6:
            text = text.replace(full, short)
    kind = rng.integers(4)
    if kind == 0:
        text = text.replace(", Quảng Trị", "")
    elif kind == 1:
        text = text.replace("Quảng Trị", "QT").replace(",", "")
    elif kind == 2:
        text = fold(text)
    return text


def address_typo(text: str, rng: Rng) -> str:
    return typo(text, rng)
