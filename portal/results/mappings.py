"""Column mappings of analyser files: drafted over a real file, checked whole, kept by version."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from core_rs import fold_name
from portal import clock
from portal.actors import Actor
from portal.errors import Conflict, Invalid, NotFound
from portal.results.analyser import COLUMNS, FileMapping, gene_columns
from portal.results.models import AnalyserMapping
from portal.samples.rules import Outcome
from portal.web.sheets import header_key, read_table

USES = ("code", "well", "outcome", "target", "ct", "gene", "repeat", "control")
WORDED = (Outcome.POSITIVE, Outcome.NEGATIVE, Outcome.INCONCLUSIVE, Outcome.INVALID)
MOST_COLUMNS = 80
LONGEST_NAME = 80
LINES_SHOWN = 5
LINES_SEARCHED = 60
LOWEST_CUT_OFF, HIGHEST_CUT_OFF = 10.0, 50.0


@dataclass(slots=True)
class ColumnUse:
    """A column of the file: its header, the first cells below it, and what it is used for."""

    header: str
    use: str = ""
    gene: str = ""
    cells: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Draft:
    """A mapping as it stands in the form; `words` and controls are texts parted by commas."""

    name: str = ""
    columns: list[ColumnUse] = field(default_factory=list)
    words: dict[str, str] = field(default_factory=dict)
    positive_control: str = ""
    negative_control: str = ""
    internal_control: str = "IC"
    cut_off: str = "38"
    is_exact: bool = True

    @classmethod
    def of(cls, mapping: AnalyserMapping) -> "Draft":
        """A saved mapping, to be changed or copied."""
        rules = FileMapping.of(mapping.columns)
        stored = mapping.columns.get("words", {})
        return cls(
            name=mapping.name,
            columns=[ColumnUse(header, use) for use, header in rules.headers.items()]
            + [ColumnUse(header, "gene", gene) for header, gene in rules.genes.items()],
            words={
                outcome.value: ", ".join(w for w, o in stored.items() if o == outcome)
                for outcome in WORDED
            },
            positive_control=", ".join(rules.positive_control),
            negative_control=", ".join(rules.negative_control),
            internal_control=rules.internal_control,
            cut_off=f"{rules.cut_off:g}",
            is_exact=rules.is_exact,
        )

    @classmethod
    def read(cls, form: MultiDict[str, str]) -> "Draft":
        """From the form: three lists of equal length say the columns."""
        headers, uses, genes = (form.getlist(name) for name in ("header", "use", "gene"))
        return cls(
            name=" ".join(form.get("name", "").split()),
            columns=[
                ColumnUse(header, use if use in USES else "", gene.strip()[:20])
                for header, use, gene in zip(headers, uses, genes, strict=False)
            ][:MOST_COLUMNS],
            words={outcome.value: form.get(f"words_{outcome}", "") for outcome in WORDED},
            positive_control=form.get("positive_control", ""),
            negative_control=form.get("negative_control", ""),
            internal_control=form.get("internal_control", "").strip()[:20],
            cut_off=form.get("cut_off", "38").strip(),
            is_exact=form.get("is_exact", "1") == "1",
        )

    def stored(self) -> dict[str, Any]:
        """As `AnalyserMapping.columns` keeps it.

        Raises:
            Invalid: every problem at once.
        """
        problems = [*self._problems_of_columns(), *self._problems_of_words()]
        cut_off = _number(self.cut_off)
        if cut_off is None or not LOWEST_CUT_OFF <= cut_off <= HIGHEST_CUT_OFF:
            problems.append(_("The highest Ct must be a number from 10 to 50."))
        if problems:
            raise Invalid(_("The mapping is not complete."), details=problems)
        return {
            "headers": {c.use: c.header for c in self.columns if c.use not in {"", "gene"}},
            "genes": {c.header: c.gene for c in self.columns if c.use == "gene"},
            "words": {w: o for o, text in self.words.items() for w in listed(text)},
            "controls": {
                "positive": listed(self.positive_control),
                "negative": listed(self.negative_control),
            },
            "internal_control": self.internal_control,
            "cut_off": cut_off,
            "is_exact": self.is_exact,
        }

    def _problems_of_columns(self) -> list[str]:
        problems = []
        used = [column.use for column in self.columns if column.use]
        if "code" not in used:
            problems.append(_("Choose the column with the tube code."))
        if self.is_exact and not {"outcome", "ct", "gene"} & set(used):
            problems.append(_("Choose a column with the result or with a Ct value."))
        if "target" in used and "ct" not in used:
            problems.append(_("A column with genes needs a column with their Ct."))
        keys = [header_key(column.header) for column in self.columns if column.use]
        genes = [column.gene.lower() for column in self.columns if column.use == "gene"]
        for use in USES:
            if use != "gene" and used.count(use) > 1:
                headers = ", ".join(c.header for c in self.columns if c.use == use)
                problems.append(_("Two columns have one use: %(headers)s.", headers=headers))
        if "" in genes:
            problems.append(_("Write the gene beside every column with the Ct of one gene."))
        if len(set(genes)) < len(genes) or ({"ct", "gene"} <= set(used)):
            problems.append(_("Each gene has one column with its Ct, or all share one column."))
        if len(set(keys)) < len(keys):
            problems.append(_("Two columns in use have the same header. Rename one in the file."))
        return problems

    def _problems_of_words(self) -> list[str]:
        folded = [fold_name(word) or word for text in self.words.values() for word in listed(text)]
        twice = sorted({word for word in folded if folded.count(word) > 1})
        problems = [_("«%(word)s» stands for two results.", word=word) for word in twice]
        controls = [
            {fold_name(word) or word for word in listed(text)}
            for text in (self.positive_control, self.negative_control)
        ]
        problems += [
            _("«%(word)s» names both controls.", word=word)
            for word in sorted(controls[0] & controls[1])
        ]
        return problems


def listed(text: str) -> list[str]:
    """Words parted by commas, semicolons or lines; each once."""
    parts = text.replace(";", ",").replace("\n", ",").split(",")
    return list(dict.fromkeys(part.strip()[:60] for part in parts if part.strip()))


def lay_over(draft: Draft, content: bytes, header_line: int = 0) -> int:
    """Sets the draft's columns to those of a file, with the uses known or usual for them.

    Args:
        draft: changed in place.
        content: of a CSV or XLSX file; nothing of it is kept but the headers.
        header_line: the line of the headers, from 1; 0: the one that looks like it.

    Returns:
        The line of the headers.

    Raises:
        Invalid: no table, or no such line in it.
    """
    table = read_table(content)
    line = header_line or _find_headers(table[:LINES_SEARCHED], draft)
    if not 1 <= line <= len(table) or not any(table[line - 1]):
        raise Invalid(_("This line of the file has no headers. Write the number of another line."))
    headers = table[line - 1][:MOST_COLUMNS]
    below = [cells for cells in table[line:] if any(cells)][:LINES_SHOWN]
    known = {header_key(c.header): (c.use, c.gene) for c in draft.columns}
    usual = {} if draft.columns and draft.is_exact else _usual(headers)
    taken = {use for use, _gene in known.values() if use != "gene"}
    draft.columns = []
    for position, header in enumerate(headers):
        use, gene = known.get(header_key(header)) or usual.get(position, ("", ""))
        if header_key(header) not in known and use in taken:
            use, gene = "", ""
        if header:
            shown = [cells[position] if position < len(cells) else "" for cells in below]
            draft.columns.append(ColumnUse(header, use, gene, shown))
    draft.is_exact = True
    return line


def _find_headers(lines: Sequence[Sequence[str]], draft: Draft) -> int:
    """The line with most known headers; where none is known, the first with most cells."""
    known = {header_key(column.header) for column in draft.columns}

    def weight(cells: Sequence[str]) -> tuple[int, int]:
        hits = sum(bool(cell) and header_key(cell) in known for cell in cells)
        return hits + len(_usual(cells)), sum(bool(cell) for cell in cells)

    best = max(range(len(lines)), key=lambda n: (weight(lines[n]), -n), default=0)
    return best + 1


def _usual(headers: Sequence[str]) -> dict[int, tuple[str, str]]:
    """Position → use and gene, by the usual Vietnamese and English headers."""
    found: dict[str, int] = {}
    for column in COLUMNS:
        words = {header_key(word) for word in (column.header, column.name, *column.synonyms)}
        for position, header in enumerate(headers):
            if header and header_key(header) in words:
                found.setdefault(column.name, position)
    if "well_position" in found:
        found["well"] = found.pop("well_position")
    usual = {position: (use, "") for use, position in found.items()}
    genes = {} if "target" in found else gene_columns(headers, FileMapping())
    for position, gene in genes.items():
        usual.setdefault(position, ("gene", gene))
    return usual


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None


def get_mapping(session: Session, actor: Actor, mapping_id: int) -> AnalyserMapping:
    """A mapping of the actor's laboratories, retired or not.

    Raises:
        NotFound: none, or not theirs.
    """
    found = session.get(AnalyserMapping, mapping_id)
    if found is None:
        raise NotFound(_("There is no such mapping."))
    actor.scope.require_site(found.laboratory_id)
    return found


def all_of(session: Session, laboratory_id: int) -> list[AnalyserMapping]:
    """Every version of every mapping of a laboratory, by name, the newest first."""
    return list(
        session.scalars(
            sa.select(AnalyserMapping)
            .where(AnalyserMapping.laboratory_id == laboratory_id)
            .order_by(AnalyserMapping.name, AnalyserMapping.version.desc())
        )
    )


def save(
    session: Session,
    actor: Actor,
    *,
    laboratory_id: int,
    name: str,
    columns: Mapping[str, Any],
    replaces: AnalyserMapping | None = None,
) -> AnalyserMapping:
    """A new mapping, or the next version of one; the version before is retired.

    Raises:
        Invalid: no name, or too long a name.
        Conflict: another mapping bears the name, or somebody else changed this one meanwhile.
        NotFound: not the actor's laboratory.
    """
    actor.scope.require_site(laboratory_id)
    if not name or len(name) > LONGEST_NAME:
        raise Invalid(_("Give the mapping a name of at most 80 letters."))
    if replaces is not None:
        if replaces.laboratory_id != laboratory_id:
            raise NotFound(_("There is no such mapping."))
        retire(session, actor, replaces)
    namesakes = session.scalars(
        sa.select(AnalyserMapping)
        .where(AnalyserMapping.laboratory_id == laboratory_id, AnalyserMapping.name == name)
        .with_for_update()
    ).all()
    if any(row.retired_at is None for row in namesakes):
        raise Conflict(_("This laboratory has a mapping of this name. Choose another name."))
    before = [row.version for row in namesakes] + ([replaces.version] if replaces else [])
    made = AnalyserMapping(
        laboratory_id=laboratory_id,
        name=name,
        columns=dict(columns),
        version=max(before, default=0) + 1,
        created_at=clock.now(),
    )
    session.add(made)
    session.flush()
    return made


def retire(session: Session, actor: Actor, mapping: AnalyserMapping) -> None:
    """Files are read by this version no more; it stays in the list of earlier versions.

    Raises:
        Conflict: it is retired already, or was changed by somebody else.
        NotFound: not the actor's laboratory.
    """
    actor.scope.require_site(mapping.laboratory_id)
    session.refresh(mapping, with_for_update=True)
    if mapping.retired_at is not None:
        raise Conflict(_("This mapping was changed or retired. Open the list again."))
    mapping.retired_at = clock.now()
    session.flush()
