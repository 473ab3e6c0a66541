"""Signatures and docstrings of the native module, for Python readers."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from os import PathLike
from typing import Any, ClassVar, Literal, final

from typing_extensions import Buffer

class CoreError(ValueError):
    """An error of core_rs. `code` is stable, `kind` is coarse."""

    code: str
    kind: str

class Table:
    """Columns handed over by Rust; read it with polars, pyarrow or anything that speaks Arrow."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...
    def __len__(self) -> int: ...

class QrError(CoreError):
    """An image that cannot be read.

    Codes: `qr.empty_file`, `qr.unknown_format`, `qr.damaged_jpeg`, `qr.damaged_png`,
    `qr.no_pixels`, `qr.too_many_pixels`, `qr.deadline`.
    """

@final
class Symbol:
    """One QR symbol of an image."""

    @property
    def text(self) -> str | None:
        """The content as text; None if the bytes are not text."""

    @property
    def raw(self) -> bytes:
        """The content as written."""

    @property
    def corners(
        self,
    ) -> tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]:
        """(x, y) in pixels of the upright image, clockwise from the symbol's own top left."""

def decode_image(
    data: Buffer,
    *,
    mode: Literal["fast", "thorough"] = "fast",
    max_pixels: int = 50_000_000,
    deadline_ms: int | None = 5000,
) -> list[Symbol]:
    """Every QR symbol of a JPEG or PNG file; an empty list if there is none.

    `fast` stops at the first scale that gives a symbol; `thorough` tries everything.
    No new stage starts after `deadline_ms`; symbols read until then are returned.

    Raises:
        QrError: with the codes named there; `qr.deadline` only if nothing was read in time.
    """

def decode_gray(
    array: Buffer,
    *,
    mode: Literal["fast", "thorough"] = "fast",
    max_pixels: int = 50_000_000,
    deadline_ms: int | None = 5000,
) -> list[Symbol]:
    """Every QR symbol of gray pixels: anything with a buffer of shape (height, width), uint8."""

def decode_many(
    images: Iterable[Buffer],
    *,
    threads: int | None = None,
    mode: Literal["fast", "thorough"] = "fast",
    max_pixels: int = 50_000_000,
    deadline_ms: int | None = 5000,
) -> list[list[Symbol] | QrError]:
    """Decodes files (bytes) and gray arrays (two dimensions) on all cores, answers in order.

    An image that fails has its QrError in its place; the others are not touched.
    """

class Candidate:
    """A known person who may be the one asked for.

    `kind` is `exact` (a shared document and nothing against it: `key` names the document),
    `conflict` (a shared document, but the rest says another person: report, never merge) or
    `proposal` (by score only). `bits` are log2 odds; `prior_bits` plus the bits of `weights`
    (field, level, bits; stable names) add up to them. `pattern` can be stored and explained later.
    """

    person_id: int
    kind: str
    key: str | None
    bits: float
    probability: float
    prior_bits: float
    pattern: int
    weights: list[tuple[str, str, float]]

class PeopleLinker:
    """Reads records part by part, then links them all, so that no table need lie whole in memory.

    Columns as for `link_people`. `ward_successors` maps old ward codes to new ones.
    """

    COLUMNS: ClassVar[list[str]]
    """What is read of a table; other columns may be left out."""

    def __init__(
        self, *, threads: int | None = None, ward_successors: dict[str, str] | None = None
    ) -> None: ...
    def __len__(self) -> int: ...
    def add(self, records: object) -> None:
        """Reads the rows of anything with `__arrow_c_stream__`."""
    def save_part(self, directory: object, part: int) -> None:
        """Writes the rows read as part number `part` (from 0) of a linking in tasks."""
    def link(
        self, *, learn: bool = True, after_step: Callable[[str], object] | None = None
    ) -> Linkage:
        """Links all rows read; the linker is empty afterwards.

        `after_step` is called with the name of each step of `Linkage.seconds` when it is done.
        """

class Linkage:
    """The result of linking, and how it came about."""

    compared: dict[str, int]
    """Pairs compared, by the first blocking rule that brought them."""
    lost_candidates: dict[str, int]
    """Pairs left out because their block was too large, by rule; empty is what it should be."""
    seconds: dict[str, float]
    probabilities: dict[str, list[tuple[str, list[float]]]]
    """What was learnt: field → (level, probability for one person, twins, namesakes, one
    household, strangers of one year of birth, other strangers)."""
    rates: list[float]
    """Pairs for each record: one person, twins, namesakes, one household."""

    def __len__(self) -> int: ...
    def table(self) -> Table:
        """`record_id, entity_id, score, review`, a row for each record in the order read.

        `entity_id` is the `record_id` of the entity's first record. `score` is the probability of
        the weakest join that holds the record in its entity, null for one alone. `review`: the
        join is weak, a plausible link was refused, or two people have one tube.
        """
    def pairs(self) -> Table:
        """Plausible pairs by row: `a, b, bits, pattern`."""
    def explain(self, pattern: int) -> tuple[float, list[tuple[str, str, float]]]:
        """Prior bits and the weight of every field (field, level, bits) of a pattern."""

def link_people(
    records: object,
    *,
    threads: int | None = None,
    learn: bool = True,
    ward_successors: dict[str, str] | None = None,
) -> Table:
    """Finds which records are one person, without labels; deterministic. See docs/linkage.md.

    `records` is anything with `__arrow_c_stream__`, with text columns, all optional and nullable:
    `full_name, dob, sex, cccd, cmnd, health_insurance, personal_qid, phone, address, ward_code,
    device_id, batch_id, sample_code, registered_at`, and `record_id` (integers or text; the row
    number if missing). Returns `Linkage.table()`.
    """

def link_task(directory: object, task: str, part: int, parts: int, *, threads: int = 1) -> None:
    """Does one task of a linking from file to file; its file in `directory` is there afterwards.

    In this order, after `PeopleLinker.save_part` for every part: `merge` once, `keys`, `blocks` and
    `pairs` for every part, `learn` and `components` once, `cluster` for every part. A task may be
    repeated at any time, and two workers may do the same one. See docs/linkage.md.
    """

def link_entities(directory: object, parts: int) -> tuple[Table, dict[str, int]]:
    """What the tasks found, a row for each record, and the pairs left out, by rule.

    Columns `entity` (row of the entity's first record), `score` and `review`.
    """

def link_records(
    records: object,
    fields: dict[str, str],
    *,
    source: str | None = None,
    threads: int | None = None,
) -> tuple[Table, Table, dict[str, int]]:
    """Links records of any kind by the engine of people, without labels.

    `fields` maps text columns to their kind: `name` or `text`, `code` or `number`, `date`. With
    `source`, a column, only records of different sources are ever one. Returns a row for each
    record (`entity`: row number of its first record, `bits`), the plausible pairs (`a, b, bits`)
    and the candidates left out by rule.
    """

class PersonIndex:
    """Who is already known. Thread safe; long calls release the GIL.

    A record is a mapping, a table has columns, of text as typed, all optional and nullable:
    `full_name, dob, sex, national_id (or cccd), old_national_id (or cmnd),
    health_insurance_number (or health_insurance), personal_qid, phone, address, ward_code,
    sample_code`. Tables are anything with `__arrow_c_stream__`. A person may have several entries.
    """

    def __init__(self) -> None: ...
    def __len__(self) -> int: ...
    def __contains__(self, person_id: int) -> bool: ...
    def add(self, person_id: int, record: dict[str, str | None]) -> None: ...
    def add_many(self, table: object) -> int:
        """Adds a row each; needs `person_id` (64-bit integers). Returns the number of rows."""
    def update(self, person_id: int, record: dict[str, str | None]) -> None:
        """Replaces all entries of the person by this one."""
    def remove(self, person_id: int) -> int:
        """Removes all entries of the person; how many there were."""
    def redirect(self, from_person_id: int, to_person_id: int) -> int:
        """Moves the entries of one person to another, as a merge by redirection does."""
    def rename_ward(self, old_code: str, new_code: str) -> None:
        """Compares records of the old ward as of the new one, from now on."""
    def look_up(
        self, record: dict[str, str | None], *, limit: int = 5, least_bits: float = 0.0
    ) -> list[Candidate]:
        """Likely people, best first; everybody whose document was shown is always among them."""
    def match_many(self, table: object, *, limit: int = 3, least_bits: float = 0.0) -> Table:
        """Answers for a batch, in the order of its rows; the index is not changed.

        Columns: `row`, `kind` (as in Candidate), `person_id` (null if the other side is a row),
        `other_row` (an earlier row of the same batch, null if the other side is a person), `key`,
        `probability`, `bits`, `pattern`. A row has at most one `exact` answer with a person_id;
        if its documents name several people, all are conflicts.
        """
    def explain(self, pattern: int) -> tuple[float, list[tuple[str, str, float]]]:
        """Prior bits and the weight of every field (field, level, bits) of a stored pattern."""
    def link(self, *, threads: int | None = None) -> Linkage:
        """Links all entries as `link_people` would, whatever the order in which they came.

        The `record_id` of the result is the person of each entry.
        """
    def save(self, path: str | PathLike[str]) -> None:
        """Writes the index so that a reader sees the old file or the new one."""
    @staticmethod
    def load(path: str | PathLike[str]) -> PersonIndex:
        """Back from `save`; a damaged or foreign file raises CoreError `linkage.index_file`."""

# --- names: text, phones, ids, dates, codes ---

@final
class InputWarning:
    """Something a person should look at; the value stands. `str()` is a sentence."""

    @property
    def code(self) -> str:
        """Stable, `area.reason`."""

    @property
    def message(self) -> str:
        """A sentence for people, without personal data."""

    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class PartialDate:
    """A date of which the day, or day and month, may be unknown. `str()` is `iso`."""

    @property
    def year(self) -> int: ...
    @property
    def month(self) -> int | None: ...
    @property
    def day(self) -> int | None: ...
    @property
    def iso(self) -> str:
        """ISO 8601 with reduced precision: `1990`, `1990-01`, `1990-01-02`."""

    @property
    def precision(self) -> Literal["year", "month", "day"]: ...
    @property
    def warnings(self) -> list[InputWarning]:
        """`date.two_digit_year`, `date.serial`."""

    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Phone:
    """A Vietnamese phone number."""

    @property
    def number(self) -> str:
        """National form: `0901234567`."""

    @property
    def e164(self) -> str:
        """`+84901234567`."""

    @property
    def kind(self) -> Literal["mobile", "landline"]: ...
    @property
    def warnings(self) -> list[InputWarning]:
        """`phone.leading_zero`, `.old_prefix`, `.several`, `.placeholder`, `.unlisted_prefix`."""

@final
class NationalId:
    """A national ID number and what its digits say."""

    @property
    def number(self) -> str:
        """12 or 9 digits."""

    @property
    def kind(self) -> Literal["cccd", "cmnd"]: ...
    @property
    def province_code(self) -> str | None:
        """Three digits: province or country of birth registration; 12 digits only."""

    @property
    def province(self) -> str | None:
        """Its name of before 1 July 2025, where the code is known."""

    @property
    def sex(self) -> Literal["male", "female"] | None: ...
    @property
    def birth_year(self) -> int | None: ...
    @property
    def warnings(self) -> list[InputWarning]:
        """`id.leading_zero`, `.unknown_province`, `.sex`, `.birth_year`, `.placeholder`."""

@final
class HealthInsuranceNumber:
    """The 15 characters of a health insurance card, or the 10 digits of the person."""

    @property
    def number(self) -> str: ...
    @property
    def social_insurance_number(self) -> str:
        """The ten digits that stay with the person."""

    @property
    def group(self) -> str | None: ...
    @property
    def benefit_level(self) -> int | None: ...
    @property
    def province_code(self) -> str | None: ...
    @property
    def warnings(self) -> list[InputWarning]:
        """`bhyt.benefit_level`, `bhyt.unknown_province`."""

@final
class NameParts:
    """A full name in its three parts; a name of one word is a given name."""

    @property
    def surname(self) -> str: ...
    @property
    def middle(self) -> str: ...
    @property
    def given(self) -> str: ...

@final
class Repair:
    """A text after repair, and what the repair rests on."""

    @property
    def text(self) -> str: ...
    @property
    def encoding(self) -> Literal["unicode", "tcvn3", "vni", "utf8_as_windows1252"]: ...
    @property
    def evidence(self) -> int:
        """Words that were no syllables as they stood and are by this encoding."""

@final
class ColumnVerdict:
    """What a column of texts was written in."""

    @property
    def encoding(self) -> Literal["unicode", "tcvn3", "vni", "utf8_as_windows1252"]: ...
    @property
    def for_it(self) -> int:
        """Texts that can only be that."""

    @property
    def against(self) -> int:
        """Texts that can only be something else."""

def normalise_name(text: str) -> str:
    """The form to store: NFC, single spaces, nothing invisible; case and tones as typed."""

def canonical_name(text: str) -> str:
    """The key that compares names with diacritics: stored form, lower case, new tone placement."""

def title_name(text: str) -> str:
    """Capital at the start of each word."""

def fold_name(text: str) -> str:
    """The key that compares names without diacritics: lower case ASCII words (`đ` is `d`)."""

def soft_fold_name(text: str) -> str:
    """The fold with Lý/Lí, Quý/Quí, Đắc/Đắk made one: a soft match only."""

def place_tones(text: str, placement: Literal["new", "old"] = "new") -> str:
    """Moves the tone of open `oa oe uy`: hoà, thuý (new), hòa, thúy (old); `quý` stays."""

def sort_key(full_name: str) -> bytes:
    """Bytes that sort as Vietnamese lists do: given name, middle, surname; letters, then tones."""

def split_name(text: str) -> NameParts:
    """First word, words between, last word."""

def repair_text(text: str) -> Repair:
    """Repairs TCVN3, VNI or mis-read UTF-8 on the text's own evidence.

    Texts of a file are better repaired together, by `repair_names`.
    """

def read_typing(text: str) -> tuple[str, Literal["telex", "vni"]] | None:
    """Residue of a keyboard driver (`Nguyeenx`) as it was meant; a hint, not the truth."""

def parse_phone(text: str) -> Phone:
    """Reads a phone number as people and spreadsheets write it.

    Raises:
        CoreError: `phone.empty`, `phone.scientific`, `phone.characters`, `phone.length`,
            `phone.prefix`, `phone.foreign`.
    """

def parse_national_id(
    text: str,
    *,
    sex: Literal["male", "female"] | None = None,
    birth_year: int | None = None,
) -> NationalId:
    """Reads 12 digits (CCCD) or 9 (CMND); what disagrees with `sex`, `birth_year` warns.

    Raises:
        CoreError: `id.empty`, `id.scientific`, `id.characters`, `id.length`.
    """

def parse_health_insurance_number(text: str) -> HealthInsuranceNumber:
    """Reads 15 characters of a card or 10 digits.

    Raises:
        CoreError: `bhyt.empty`, `bhyt.form`.
    """

def parse_date(text: str, *, latest_year: int = 2030) -> PartialDate:
    """Reads a date day first, a year alone, ISO, `00` parts, or the day number of a spreadsheet.

    A two-digit year is the latest that is not after `latest_year`, and warns.

    Raises:
        CoreError: `date.empty`, `date.form`, `date.calendar`.
    """

def new_code(n: int = 10) -> str:
    """`n` random symbols of the system's source and one check symbol over GF(32).

    Raises:
        CoreError: `code.length` unless 1 ≤ n ≤ 30.
    """

def check_code(text: str, *, length: int | None = None) -> str:
    """A code as people type it in its normal form; `length` counts the check symbol.

    Raises:
        CoreError: `code.empty`, `code.symbol`, `code.length`, `code.check_symbol`.
    """

def code_check_symbol(body: str) -> str:
    """The check symbol that belongs behind `body` (docs/payloads.md has the rule)."""

def check_tube_code(text: str) -> str:
    """A tube code of ours in its normal form.

    Raises:
        CoreError: `tube.form`, `tube.day`, `tube.check_digit`.
    """

def tube_check_digit(body: str) -> str:
    """The ISO/IEC 7064 MOD 11,10 check digit behind three letters and twelve digits."""

def fold_names(table: object, column: str = "full_name") -> Table:
    """Column `folded`. `table` is anything with `__arrow_c_stream__`; nulls stay nulls."""

def name_keys(table: object, column: str = "full_name") -> Table:
    """Columns normalised, canonical, folded, soft_folded, surname, middle, given, sort_key."""

def repair_names(table: object, column: str = "full_name") -> tuple[Table, ColumnVerdict]:
    """Columns text, encoding, evidence; the whole column decides for its doubtful texts."""

def parse_phones(table: object, column: str = "phone") -> Table:
    """Columns number, kind, warnings (codes, comma between), problem (code of the error)."""

def parse_national_ids(table: object, column: str = "national_id") -> Table:
    """Columns number, kind, warnings, problem."""

def parse_dates(table: object, column: str = "birth_date", *, latest_year: int = 2030) -> Table:
    """Columns iso, year, month, day, precision, warnings, problem."""

# --- pools ---

class PoolPolicy:
    """The dated rules of a campaign for pools. All arguments by name; bad ones in one CoreError.

    max_size: most samples in one tube; None: only the tube's own planned size counts.
    validated_size: largest size validated for the assay: F3 up to it is a warning.
    stranger_clears: a negative pool with more swabs than members may clear the registered ones.
    clock_tolerance_minutes (5): clocks may differ by so much before F7.
    round_days (7): two memberships closer than this are of one round (F2), where the members
        table has no column `round`. episode_days (14): evidence further apart is not combined.
    same_day_hours (24): "the same day" of F11. reuse_days (1): members of one tube collected
        further apart mean a label used twice (F13).
    receipt_hours (24), result_hours (48): F8. max_attempts (2): invalid singles to UNRESOLVED.
    weak_ct (35), ct_gap (3): F12. alarm_probability (0.001): F14.
    overlapping: the design puts a person in several pools on purpose.
    accept_decoded_positive: a decoded positive needs no single test (off by default).
    pool_symptomatic, single_contact_classes, pooled_specimen_types, pooled_methods: F16; an
        empty list of types or methods allows all.
    """

    def __init__(
        self,
        *,
        max_size: int | None = None,
        validated_size: int | None = None,
        stranger_clears: bool = False,
        clock_tolerance_minutes: float | None = None,
        round_days: float | None = None,
        episode_days: float | None = None,
        same_day_hours: float | None = None,
        reuse_days: float | None = None,
        receipt_hours: float | None = None,
        result_hours: float | None = None,
        max_attempts: int = 2,
        weak_ct: float = 35.0,
        ct_gap: float = 3.0,
        alarm_probability: float = 0.001,
        overlapping: bool = False,
        accept_decoded_positive: bool = False,
        pool_symptomatic: bool = False,
        single_contact_classes: list[str] = ...,
        pooled_specimen_types: list[str] = ...,
        pooled_methods: list[str] = ...,
    ) -> None: ...

class PoolMatch:
    """A campaign matched. Tables are Arrow: `polars.DataFrame(match.members)` reads one.

    members: one row for every row of the members handed in, in that order:
        state   NOT_SAMPLED, WAITING, HOLD, NEG_BY_POOL, NEG_SINGLE, SUSPECT_POOL, RETEST_DUE,
                RETEST_RUNNING, POS_CONFIRMED or UNRESOLVED: the state of the *person*, all
                tubes of the episode together, so the same on all rows of that episode
        reason  null, or why: conflict (F6), early (F7), late (F5), over_size (F3), count (F4),
                two_tubes (F2), reused_label (F13), identity (F15), not_for_pool (F16),
                doubted (F11), repeat_tube, resample, lost, rejected, single_invalid, attempts,
                suspect, decoded, withdrawn
    tubes: one row a tube: tube_code, registered (members on time), late, size (people: what the
        laboratory counted if more), outcome, run, version, ct_value, is_amended,
        is_turned_positive (an older version was negative: urgent), state and reason (what the
        tube alone says to a member on time), is_blocked, findings ("F3 F4").
    findings: code, is_blocking, tube_code, person_id, row (of the members), detail (text without
        names). F14 has neither tube nor person: its group is in the detail.
    retests: one row for each person to test again: person_id, tube_code, row, state, reason,
        is_urgent, needs_new_sample (no single sample is kept).
    counts: memberships by state.
    core_seconds: time without the GIL, from Arrow columns to states (what the Python call adds to
        it is measured by `make bench-pools`).
    """

    @property
    def members(self) -> Table: ...
    @property
    def core_seconds(self) -> float: ...
    @property
    def tubes(self) -> Table: ...
    @property
    def findings(self) -> Table: ...
    @property
    def retests(self) -> Table: ...
    @property
    def counts(self) -> dict[str, int]: ...
    def __len__(self) -> int: ...

def match_pools(
    members: object,
    results: object,
    policy: PoolPolicy | None = None,
    *,
    tubes: object | None = None,
    closings: object | None = None,
    as_of: object | None = None,
) -> PoolMatch:
    """Match results to people and find every contradiction (F1 to F16).

    Tables are anything with `__arrow_c_stream__` (polars, pyarrow) or, for a few rows, lists of
    dictionaries. Code columns are text (or integers, read as their digits); instants are
    timestamps, in dictionaries aware datetimes. Columns other than the required may be absent.

    members: person_id, tube_code (required; null tube: planned, F9), added_at, collected_at,
        withdrawn (bool), is_symptomatic (bool), contact_class, specimen_type, method (text),
        round (text or int: rows of one round), retest_of (tube code this sample re-tests),
        identity (what proves who it is; the same for two people, or two for one: F15).
        The same person in the same tube twice is one membership.
    results: tube_code, outcome (required: negative, positive, inconclusive, invalid, rejected),
        result_id, amends_id, version (1, 2, …; null: one above what it amends), run (2 when the
        laboratory tested the same tube once more), recorded_at, ct_value.
        The newest run, then the newest version counts, in whatever order they come; two outcomes
        of the same newest version are F6. An amendment that names another tube takes the result
        away from the amended one.
    tubes: tube_code, planned_size, counted_swabs, sealed_at, sent_at, received_at, is_lost,
        is_rejected, is_used_up, pool_kind (swab or media), parent_code (the tube this one was
        mixed into), team, laboratory, rack (F14).
    closings: code, tube_code, person_id: findings closed by somebody who may; F5 and F16 need
        both, F2 and F15 the person, all others the tube.
    as_of: the instant F8 counts to (aware datetime); the latest instant of the tables if absent.

    Raises CoreError `pooling.columns` with all missing or mistyped columns and unknown words,
    `pooling.rows` for rows without a person, `pooling.policy`.
    """

def match_tube(
    tube_code: str,
    members: object,
    results: object,
    policy: PoolPolicy | None = None,
    *,
    tubes: object | None = None,
    closings: object | None = None,
    as_of: object | None = None,
) -> dict[str, Any]:
    """The same rules for one tube, for the moment of release.

    The tables are those of `match_pools`, best as lists of dictionaries: all members of the tube,
    *and all other memberships of those people in the campaign* with the results of those tubes.

    Returns `tube` (the columns of PoolMatch.tubes; findings as a list), `members` (person_id,
    state, reason, is_late) and `findings` (code, is_blocking, tube_code, person_id, detail) of the
    tube and its people. Raises as `match_pools`, and `pooling.tube` for an unknown tube.
    """

class PoolIndex:
    """A campaign kept in memory and matched as its tables grow.

    Tables are those of `match_pools`; rows come in any order and any number of times. Each call
    works out only what the new rows touch and returns the memberships whose state changed:
    person_id, tube_code, state, reason, state_before, reason_before. A change from NEG_* to
    anything else is urgent: somebody was told. Results need their `version` here: `amends_id` and
    equal result ids are only compared within one call. A tube's row replaces the earlier one.
    """

    def __init__(self, policy: PoolPolicy | None = None) -> None: ...
    def add_members(self, table: object) -> Table: ...
    def set_tubes(self, table: object) -> Table: ...
    def add_results(self, table: object) -> Table: ...
    def close_findings(self, table: object) -> Table: ...
    def rematch(self) -> None:
        """Work everything out anew: the check of the increments, not the normal way."""

    @property
    def members(self) -> Table:
        """Every membership: person_id, tube_code, state, reason."""

    @property
    def tubes(self) -> Table:
        """As PoolMatch.tubes."""

    @property
    def retests(self) -> Table:
        """As PoolMatch.retests; `row` counts memberships."""

    def findings(self, as_of: object) -> Table:
        """As PoolMatch.findings at an aware datetime; `row` counts memberships."""

    @property
    def counts(self) -> dict[str, int]: ...
    @property
    def byte_size(self) -> int:
        """Bytes held, spare room included."""

    def __len__(self) -> int: ...

def pool_finding_kinds() -> list[dict[str, Any]]:
    """F1 to F16: code, title, effect, can_block, closers (roles that may close it)."""

def decode_pools(
    people: int, pools: Sequence[Sequence[int]], outcomes: Sequence[bool | None]
) -> dict[str, Any]:
    """Decode overlapping pools: `pools` are lists of people (0 to people - 1), None: no result.

    candidates (COMP: in no negative pool), definite (DD: the only candidate of a positive pool),
    negative, open (no result), greedy (SCOMP) and smallest (a smallest explanation; is_cut_off if
    the search was stopped) to rank whom to test first, contradictions (positive pools that no
    candidate explains: a wrong result), doubted (members of these). Only `negative` and `definite`
    may change what a person is told, and only where nothing contradicts.
    Raises CoreError `pooling.decode`.
    """

def pack_households(households: Sequence[int], size: int) -> list[list[int]]:
    """Tubes of `size` for people given the number of their household: indices of people.

    A household that fits is never split; households fill each other's gaps.
    """

def pool_prevalence(
    positive: Sequence[float],
    size: Sequence[float],
    tested: Sequence[float],
    *,
    point: str = "firth",
    interval: str | None = None,
    confidence: float = 0.95,
    sensitivity: float | Sequence[float] = 1.0,
    specificity: float | Sequence[float] = 1.0,
) -> dict[str, float | None]:
    """Share of positive people from pools: `positive` of `tested` pools of `size` people.

    point: firth (default), gart (also bc-mle), mle, mir. interval: skew-score (the one to show),
    bc-skew-score, score, lrt, wald, mir, exact (few pools), and for pools of one size
    clopper-pearson (also cp), wilson, agresti-coull (also ac), blaker, second-order (also soc).
    sensitivity, specificity: one value, or one for each size (dilution).

    Returns estimate, lower, upper, at_least. Nothing positive: 0, upper is Wilson's limit on the
    people. Every pool positive: estimate None and `at_least` (one-sided), never 100 %. Intervals
    for perfect tests only. Raises CoreError `pooling.prevalence` with all faults, `pooling.name`.
    Pools that hold families break the independence: see `pool_household_warning`.
    """

def binomial_tail(positive: int, tested: int, share: float) -> float:
    """Chance of `positive` or more of `tested` where each is positive with chance `share` (F14).

    Raises CoreError `pooling.share`.
    """

def pool_household_warning(
    positive: Sequence[float],
    size: Sequence[float],
    tested: Sequence[float],
    confirmed: float,
    resolved: float,
) -> tuple[float, float] | None:
    """Cases per positive pool (seen, expected) if they show that positives share pools.

    `confirmed` cases in `resolved` positive pools whose members are all re-tested. Then the share
    from pools is too low, and the confirmed one is to be shown. None: no sign of it.
    """

def pool_design(
    design: str,
    *,
    p: float | None = None,
    p_each: Sequence[float] | None = None,
    alpha: float | None = None,
    sizes: Sequence[int] | None = None,
    stages: Sequence[Sequence[int | None]] | None = None,
    sensitivity: float | Sequence[float] = 1.0,
    specificity: float | Sequence[float] = 1.0,
    arrangement: str | None = None,
    poolings: int | None = None,
    infers_last: bool | None = None,
) -> dict[str, float | None]:
    """Expected tests and accuracy of a design, exactly.

    design: dorfman, informative_dorfman, hierarchical, array, informative_array,
    array_with_master, sterrett.
    Chances: p for all; p_each, one for each person (of an array row by row; without sizes and
    stages all are one pool); p with alpha: those expected of people whose risks follow
    Beta(alpha, alpha (1/p - 1)), lowest first.
    sizes: group sizes by stage (the last stage, singly, is added); of an array its side, or rows
    and columns. stages: the group of each person at each stage, None once resolved.
    sensitivity, specificity: one value, or one for each stage; of an array (master pool,) lines,
    singles; of sterrett pools, singles. Who is alone from the start is tested with the last one.
    arrangement: where people stand in an array: given (row by row; informative arrays are
    gradient), gradient (by column, highest risks first), spiral (highest in the first corner).
    sterrett tests a positive pool one by one, highest risk first; after a positive the rest is
    pooled again, `poolings` times at most (None: always). infers_last: the last of a pool is
    called positive without a test if all others were negative; by default only where tests are
    perfect and poolings is None.

    Returns people, expected_tests (for all people of one pool or array), tests_per_person,
    sensitivity, specificity, ppv, npv (None for a share of nobody, p of 0 or 1), and the expected
    numbers of people missed and false_positives. Raises CoreError `pooling.design`,
    `pooling.name`.
    """

def optimal_pool_size(
    design: str,
    p: float | None = None,
    *,
    p_each: Sequence[float] | None = None,
    alpha: float | None = None,
    sizes_from: int = 2,
    sizes_to: int = 100,
    stages: int = 3,
    objective: str = "ET",
    weights: tuple[float, float] | None = None,
    sensitivity: float | Sequence[float] = 1.0,
    specificity: float | Sequence[float] = 1.0,
    poolings: int | None = None,
    infers_last: bool | None = None,
) -> dict[str, Any]:
    """The best size of a design, among first pools (sides of an array) of the sizes given.

    Chances and qualities as in `pool_design`. With p_each all these people are the first pool or
    the array, and only `dorfman` chooses pools of up to sizes_to; groups are neighbours in the
    order of risk. informative_dorfman splits a block of which no pool is the whole, as
    binGroup2's ID2. A hierarchical design has 2, 3 or 4 `stages`, its groups are equal or not,
    whichever is best (four stages: at most 150 people).
    objective: ET (tests per person), MAR (tests per person called rightly) or GR (tests and
    errors per person; weights: tests a false positive and a missed person count, 1 and 1).

    Returns value (of the objective), size, sizes (by stage, of the largest group), groups (sizes a
    positive pool or a block is split into), stages (group of each person at each stage, for
    `pool_design`), p_each (the risks, where they differ) and what `pool_design` returns.
    """

def informative_pools(
    chances: Sequence[float],
    largest: int,
    *,
    sensitivity: float = 1.0,
    specificity: float = 1.0,
) -> tuple[list[list[int]], float]:
    """Best Dorfman pools for people of known risk: indices into `chances`, and expected tests."""

def pool_advice(
    p: float,
    sizes: Sequence[int],
    *,
    qualities: dict[int, tuple[float, float]] | None = None,
    prices: dict[int, float] | None = None,
) -> list[dict[str, Any]]:
    """Pool sizes compared at a positive share p, one dictionary a size.

    qualities: size to (sensitivity, specificity), the dilution table of the assay; 1 is the single
    test; missing: perfect. prices: size to price per person; 1 is what each re-test costs.
    Keys: size, tests_per_person, saving (against single tests), price_per_person,
    missed_per_100_000 (cases not found among 100,000 people).
    """

# --- payloads: what the text of a scan means ---

@final
class Payload:
    """A typed payload. All it says of a person is a claim; attributes that do not apply are None.

    | kind | attributes beside kind and warnings |
    |---|---|
    | national_id_card | version 2021 or 2024, national_id, old_national_id, full_name (None if \
broken on the way, then perhaps name_hint), birth_date, sex, address, issued_on, \
cancelled_national_id, father_name, mother_or_guardian_name (for minors only) |
    | personal_qr | national_id, full_name (no diacritics: never over an accented one), \
birth_date, sex, qid, declared_by_other, declared_by_qid, health_insurance_number, phone, \
is_masked |
    | health_insurance_card | version old or new, health_insurance_number, \
social_insurance_number, full_name, birth_date, sex, address, registered_clinic, valid_from, \
valid_to, issued_on, mother_or_guardian_name |
    | dcc | none: give the text to the credential functions |
    | tube, maybe_tube | code, host if it was an address |
    | declaration, venue, certificate, result_slip | code, host |
    | lookup_code | code |
    | national_id | national_id, old_national_id (if 9 digits), sex |
    | social_insurance_number, health_insurance_number | the same, and the other if it follows |
    | phone | phone |
    | foreign_url | host; never to be opened |

    Codes of warnings: those of NationalId, HealthInsuranceNumber and `code.check_symbol`,
    `payload.mojibake`, `payload.keyboard_driver`, `payload.ascii_scanner`,
    `payload.maybe_social_insurance_number`, `card.sex`, `card.issued_on`, `card.date`,
    `card.issued_before_birth`, `card.issued_before_2021`, `card.old_national_id`,
    `personal_qr.birth_date`, `personal_qr.phone`.
    """

    @property
    def kind(
        self,
    ) -> Literal[
        "national_id_card",
        "personal_qr",
        "health_insurance_card",
        "dcc",
        "tube",
        "maybe_tube",
        "declaration",
        "venue",
        "result_slip",
        "certificate",
        "lookup_code",
        "national_id",
        "social_insurance_number",
        "health_insurance_number",
        "phone",
        "foreign_url",
    ]: ...
    @property
    def version(self) -> Literal["2021", "2024", "old", "new"] | None: ...
    @property
    def code(self) -> str | None: ...
    @property
    def host(self) -> str | None: ...
    @property
    def national_id(self) -> str | None: ...
    @property
    def old_national_id(self) -> str | None: ...
    @property
    def cancelled_national_id(self) -> str | None: ...
    @property
    def full_name(self) -> str | None: ...
    @property
    def name_hint(self) -> str | None:
        """What a broken name was probably meant to be: for a person to confirm."""

    @property
    def birth_date(self) -> PartialDate | None: ...
    @property
    def sex(self) -> Literal["male", "female"] | None: ...
    @property
    def address(self) -> str | None: ...
    @property
    def issued_on(self) -> PartialDate | None: ...
    @property
    def father_name(self) -> str | None: ...
    @property
    def mother_or_guardian_name(self) -> str | None: ...
    @property
    def qid(self) -> str | None: ...
    @property
    def declared_by_other(self) -> bool | None: ...
    @property
    def declared_by_qid(self) -> str | None: ...
    @property
    def health_insurance_number(self) -> str | None: ...
    @property
    def social_insurance_number(self) -> str | None: ...
    @property
    def phone(self) -> str | None: ...
    @property
    def registered_clinic(self) -> str | None: ...
    @property
    def valid_from(self) -> PartialDate | None: ...
    @property
    def valid_to(self) -> PartialDate | None: ...
    @property
    def is_masked(self) -> bool: ...
    @property
    def warnings(self) -> list[InputWarning]: ...

def parse_payload(text: str, *, hosts: Sequence[str] | None = None) -> Payload:
    """What the text of a scan, or of a keyboard, is.

    `hosts`: names our addresses live under; where none is given any host with one of our paths
    (`/t/` tube, `/k/` declaration, `/v/` venue, `/r/` slip, `/c/` certificate) counts.

    Raises:
        CoreError: `payload.empty`, `payload.too_long`, `payload.unknown`,
            `payload.keyboard_driver`, `payload.mojibake`, `payload.id_card`,
            `payload.insurance_card`. No message repeats the text.
    """

def check_envelope(body: bytes) -> tuple[str, str, int, int]:
    """The envelope of an ingest batch: device id, batch id, seq, number of events.

    Ids are 32 hexadecimal digits. Events may be anything; `read_batches` judges them.

    Raises:
        CoreError: `batch.envelope`; the message names every problem, one a line.
    """

def read_batches(
    bodies: list[bytes], latest_year: int
) -> tuple[list[tuple[str, str, int, int]], Table]:
    """The envelopes of bodies that passed `check_envelope`, and all their events, in order.

    Columns of numbers: body, start, end (where the event lies), planned_size, position,
    sample_count, birth_year; of microseconds since 1970: occurred_at, read_at; of truth values:
    is_symptomatic, has_person, is_name_plain; of text (empty where not known): event_id, kind,
    grant, problem (stable code of what is wrong), detail, tube_code, session_code, sample_id,
    result_code, source, subject_group, retest_of, reason, kit_name, kit_lot, outcome, full_name,
    folded_name, sort_name, birth_on, sex, phone, national_id, cmnd, health_insurance, qid,
    passport, address, declaration_code, warnings, nationality.
    """

# --- credentials: DCC, our signed slip, the Merkle tree of the audit log ---
# An instant is an aware datetime or seconds since 1970; a key or certificate is DER, PEM or Base64.

@final
class Problem:
    """Why a code does not count. `code` is stable; `str()` is a sentence without personal data."""

    @property
    def code(self) -> str: ...
    @property
    def message(self) -> str: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class TrustList:
    """Keys that are trusted, by `kid`. Which they are is for the caller to know."""

    def __new__(cls) -> TrustList: ...
    def __len__(self) -> int: ...
    def add_certificate(self, certificate: bytes | str) -> bytes:
        """Adds a signer's certificate; returns its kid.

        Raises:
            CoreError: `certificate.der`, `certificate.key`, `pem.form`.
        """

    def add_key(self, kid: bytes, public_key: bytes | str) -> None:
        """Adds a bare public key (SubjectPublicKeyInfo) under a kid somebody vouches for."""

@final
class DccVerdict:
    """The outcome of a verification: valid if there is no problem.

    Codes of problems, in the order of the layers: `dcc.prefix`, `dcc.too_long`,
    `base45.length`, `base45.character`, `base45.value`, `dcc.compression`, `cbor.truncated`,
    `cbor.malformed`, `cbor.depth`, `cbor.trailing`, `cose.structure`, `cose.critical`,
    `dcc.claims`, `dcc.algorithm`,
    `dcc.unknown_key`, `dcc.signature`, `dcc.key_usage`, `dcc.key_not_valid`, `dcc.not_yet_valid`,
    `dcc.expired`, `dcc.schema` (once for each thing that is wrong).
    """

    @property
    def is_valid(self) -> bool: ...
    @property
    def problems(self) -> list[Problem]: ...
    @property
    def issuer(self) -> str | None: ...
    @property
    def issued_at(self) -> datetime | None: ...
    @property
    def expires_at(self) -> datetime | None: ...
    @property
    def kid(self) -> bytes | None: ...
    @property
    def algorithm(self) -> Literal["ES256", "PS256"] | None: ...
    @property
    def content(self) -> dict[str, Any] | None:
        """`ver`, `nam`, `dob` and one of `v`, `t`, `r`; also of a certificate that is not valid."""

def verify_dcc(text: str, trust: TrustList, at: datetime | int) -> DccVerdict:
    """Verifies the text of a QR code. Never raises for what the text is."""

def verify_dccs(
    table: object,
    trust: TrustList,
    at: datetime | int,
    column: str = "code",
    *,
    threads: int | None = None,
) -> Table:
    """A text column of codes on all cores.

    Columns: is_valid, problems (codes, comma between), issuer, expires_at (seconds since 1970),
    surname, given (transliterated), birth_date.
    """

@final
class DccSigner:
    """Signs DCC with ES256 or PS256, by the kind of private key."""

    def __new__(
        cls,
        private_key: bytes | str,
        *,
        certificate: bytes | str | None = None,
        kid: bytes | None = None,
        issuer: str = "VN",
    ) -> DccSigner:
        """`private_key` is PKCS#8; give the signer's certificate or, without one, a kid.

        Raises:
            CoreError: `credential.private_key`, `credential.key_pair`, `credential.argument`.
        """

    def issue(
        self, content: dict[str, Any], issued_at: datetime | int, expires_at: datetime | int
    ) -> str:
        """The text of the QR code.

        Raises:
            CoreError: `dcc.schema`, naming everything that is wrong with the content.
        """

@final
class CoseMessage:
    """A COSE_Sign1 message; its signature is not looked at."""

    @property
    def algorithm(self) -> Literal["ES256", "PS256"] | None: ...
    @property
    def kid(self) -> bytes | None: ...
    @property
    def payload(self) -> bytes: ...
    @property
    def signature(self) -> bytes: ...
    @property
    def content(self) -> Any:
        """The health certificate of the claims."""

def read_cose(message: bytes) -> CoseMessage:
    """Reads the inner layer of a DCC without verifying it."""

def verify_cose(
    message: bytes,
    trust: TrustList,
    at: datetime | int,
    *,
    schema_version: str | None = None,
) -> DccVerdict:
    """Verifies the inner layer of a DCC, as `verify_dcc` does after unpacking.

    Raises:
        CoreError: `cbor.*`, `cose.structure`, `cose.critical`: the bytes are no such message.
    """

def dcc_unprefix(text: str) -> str:
    """Takes `HC1:` off; CoreError `dcc.prefix` if it is not there."""

def dcc_inflate(data: bytes) -> bytes:
    """Undoes zlib, at most 64 KiB; CoreError `dcc.compression`."""

def base45_decode(text: str) -> bytes:
    """RFC 9285, strict; CoreError `base45.length`, `base45.character`, `base45.value`."""

def base45_encode(data: bytes) -> str:
    """RFC 9285."""

def cbor_decode(data: bytes) -> Any:
    """RFC 8949, one value that fills the input; tags fall away. CoreError `cbor.*`."""

def cbor_encode(value: Any) -> bytes:
    """Dict, list, str, int, float, bool, bytes and None; shortest heads, definite lengths."""

def check_dcc_schema(content: Any, schema_version: str | None = None) -> list[str]:
    """Everything that is wrong with the content of a DCC; empty if nothing is."""

def transliterate_name(text: str) -> str:
    """ICAO Doc 9303: `Đặng Thị-Hòa` → `DANG<THI<HOA`, at most 80 characters."""

def read_certificate(certificate: bytes | str) -> dict[str, Any]:
    """kid, not_before, not_after, usages (dotted), country of an X.509 certificate."""

def may_sign_dcc(certificate: bytes | str, content: Any) -> bool:
    """Whether the extended key usage of a signer's certificate covers this content."""

@final
class SlipSigner:
    """Signs our compact result slip with Ed25519."""

    def __new__(cls, private_key: bytes | str, key_id: int = 1) -> SlipSigner:
        """`private_key` is PKCS#8 or its 32 bytes; `key_id` tells verifiers which key it is."""

    @property
    def public_key(self) -> bytes:
        """The 32 bytes that verify."""

    def sign(
        self,
        *,
        kind: Literal["single", "pool", "rapid", "other"],
        outcome: Literal["negative", "positive", "inconclusive", "invalid", "rejected"],
        sampled_at: datetime | int,
        released_at: datetime | int,
        code: str,
        full_name: str,
        birth_date: str,
    ) -> str:
        """165 symbols to stand behind `HTTPS://HOST/R/`; the same input gives the same slip.

        `code` is a look-up code, `birth_date` ISO 8601.

        Raises:
            CoreError: `slip.statement`, `code.*`.
        """

@final
class Slip:
    """A slip that was read; attributes are None where the text is no slip at all."""

    @property
    def is_valid(self) -> bool: ...
    @property
    def problems(self) -> list[Problem]:
        """`slip.form`, `slip.unknown_key`, `slip.signature`."""

    @property
    def key_id(self) -> int | None: ...
    @property
    def kind(self) -> str | None: ...
    @property
    def outcome(self) -> str | None: ...
    @property
    def code(self) -> str | None: ...
    @property
    def sampled_at(self) -> datetime | None: ...
    @property
    def released_at(self) -> datetime | None: ...
    def is_of(self, full_name: str, birth_date: str) -> bool:
        """Whether name (with or without diacritics) and ISO birth date are those signed."""

def verify_slip(text: str, keys: dict[int, bytes]) -> Slip:
    """Reads and verifies a slip or its whole address; `keys`: key_id → public key."""

def verify_slips(
    table: object, keys: dict[int, bytes], column: str = "code", *, threads: int | None = None
) -> Table:
    """A text column of slips on all cores: is_valid, problems, code, outcome, released_at."""

@final
class RunningRoot:
    """The root over a growing log in constant memory; the same tree as MerkleLog. Thread safe."""

    def __new__(cls) -> RunningRoot: ...
    def __len__(self) -> int: ...
    def add(self, entries: Sequence[bytes]) -> bytes:
        """Adds entries; returns their leaf hashes, 32 bytes each, one after the other."""

    def add_leaves(self, leaves: bytes) -> None:
        """Adds entries of which only the hashes are known. ValueError for a cut one."""

    def root(self) -> bytes:
        """The root over all that was added so far."""

    def copy(self) -> RunningRoot:
        """Another one over the same entries."""

@final
class MerkleLog:
    """The Merkle tree of RFC 6962 over a log. Thread safe. IndexError beyond what it holds."""

    def __new__(cls, leaves: bytes | None = None) -> MerkleLog:
        """Empty, or from leaf hashes as `leaves()` gave them."""

    def __len__(self) -> int: ...
    def append(self, entry: bytes) -> int:
        """Adds an entry; returns its index."""

    def append_many(self, table: object, column: str = "entry") -> int:
        """Adds a binary or text column, all or nothing; returns the new size."""

    def root(self, size: int | None = None) -> bytes:
        """The root over the first `size` entries."""

    def leaf(self, index: int) -> bytes:
        """The leaf hash of an entry."""

    def leaves(self, start: int = 0) -> bytes:
        """Leaf hashes from `start` on, 32 bytes each: all a new tree needs."""

    def inclusion_proof(self, index: int, size: int | None = None) -> list[bytes]:
        """Shows that entry `index` is under `root(size)`."""

    def consistency_proof(self, old_size: int, new_size: int | None = None) -> list[bytes]:
        """Shows that the log of `new_size` entries begins with that of `old_size`."""

def verify_inclusion(
    entry: bytes, index: int, size: int, proof: list[bytes], root: bytes
) -> bool: ...
def verify_consistency(
    old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: list[bytes]
) -> bool: ...
def leaf_hash(entry: bytes) -> bytes:
    """SHA-256 over a zero and the entry."""

def merkle_root(table: object, column: str = "entry") -> bytes:
    """The root over a binary or text column: what an offline verifier compares."""

# --- papers: a designed page, filled and signed per person ---

class PaperSeal:
    """An RSA key, parsed once, with the CMS of its certificate.

    Without a key the place of the RSA value stays empty, for a token to fill.
    """

    def __init__(
        self,
        key: bytes | None,
        *,
        cms: bytes,
        digest_at: int,
        signature_at: int,
        attributes: bytes,
        attributes_digest_at: int,
        contents: int,
    ) -> None:
        """PKCS #8 in DER; the CMS and its signed attributes with the places of what changes.

        `contents`: bytes that a file keeps for the CMS.

        Raises:
            CoreError: `pdf.private_key`, `pdf.skeleton`, `pdf.certificate_size`.
        """

class PaperDesign:
    """A page with places for values; its shapes are the ways its lines may fall."""

    def __init__(
        self,
        faces: Sequence[tuple[int, dict[str, tuple[int, int]], bytes | None]],
        slots: Sequence[tuple[int, int, bool, float, float]],
    ) -> None:
        """Faces: units of an em, letter → (glyph, advance), the font file if papers cut it.

        Slots: face, size in 1/1024 pixel, whether centred, left edge and width in pixels.

        Raises:
            CoreError: `pdf.font`.
        """

    def counts(self, values: Sequence[str]) -> list[int] | None:
        """Lines that each value takes; None where the simple rules can not be sure."""

    def add_shape(
        self,
        counts: Sequence[int],
        *,
        prefix: bytes,
        rows: Sequence[tuple[int, int, int]],
        parts: Sequence[tuple[int, str, bytes, Sequence[tuple[str, int, int, bytes]], int]],
        fixed_glyphs: Sequence[Sequence[int]],
        signature: tuple[int, int] | None,
        trailer: bytes,
        identifier: int,
    ) -> None:
        """The file for these numbers of lines: what is the same for all, and the other objects.

        `fixed_glyphs`: of each face, the glyphs of the texts that are the same for all.

        Raises:
            CoreError: `pdf.part`.
        """

    def fill(
        self, papers: Sequence[Sequence[str]], seal: PaperSeal | None = None, *, threads: int = 0
    ) -> list[bytes]:
        """The files of many people, on as many threads (0: all cores).

        Raises:
            CoreError: `pdf.shape`, `pdf.signing`, `qr.too_long`.
        """

def write_qr(text: str) -> tuple[int, bytes]:
    """A symbol of at least level M: modules of a side, and one byte a module (1 for dark).

    Raises:
        CoreError: `qr.too_long`.
    """
