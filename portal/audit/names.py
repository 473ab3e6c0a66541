"""What the tables and steps of the audit log are called on the screen; files keep the codes."""

from flask_babel import lazy_gettext
from flask_babel.speaklater import LazyString

TABLES: dict[str, LazyString] = {
    "ab_role": lazy_gettext("Roles"),
    "ab_user": lazy_gettext("Logins"),
    "ab_user_role": lazy_gettext("Roles of logins"),
    "admin_unit_successions": lazy_gettext("Successions of areas"),
    "admin_units": lazy_gettext("Areas"),
    "analyser_mappings": lazy_gettext("Column mappings"),
    "antigen_reads": lazy_gettext("Antigen readings"),
    "campaigns": lazy_gettext("Campaigns"),
    "certificate_drafts": lazy_gettext("Drafts of texts of papers"),
    "certificate_templates": lazy_gettext("Texts of papers"),
    "certificates": lazy_gettext("Certificates"),
    "collection_sessions": lazy_gettext("Collection sessions"),
    "correction_requests": lazy_gettext("Correction requests"),
    "custody_events": lazy_gettext("Custody of tubes"),
    "declaration_versions": lazy_gettext("Versions of declarations"),
    "declarations": lazy_gettext("Declarations"),
    "devices": lazy_gettext("Devices"),
    "duplicate_candidates": lazy_gettext("Pairs that may be one person"),
    "feedback_tickets": lazy_gettext("Feedback"),
    "findings": lazy_gettext("Findings"),
    "kit_lots": lazy_gettext("Kit lots"),
    "lab_results": lazy_gettext("Laboratory results"),
    "lab_runs": lazy_gettext("Laboratory runs"),
    "linkage_policies": lazy_gettext("Rules of automatic merging"),
    "merges": lazy_gettext("Merges of people"),
    "people": lazy_gettext("Registered people"),
    "person_identifiers": lazy_gettext("Papers of people"),
    "photo_readings": lazy_gettext("Photos read"),
    "pool_designs": lazy_gettext("Overlapping designs"),
    "pool_members": lazy_gettext("Members of pools"),
    "pool_policies": lazy_gettext("Pool rules"),
    "pools": lazy_gettext("Pools"),
    "quarantined_events": lazy_gettext("Events not yet recorded"),
    "retest_labels": lazy_gettext("Labels for new samples"),
    "retest_visits": lazy_gettext("Visits for new samples"),
    "sample_boxes": lazy_gettext("Boxes of samples"),
    "samples": lazy_gettext("Samples"),
    "site_memberships": lazy_gettext("Sites of accounts"),
    "site_readiness": lazy_gettext("Readiness of sites"),
    "sites": lazy_gettext("Sites"),
    "staff_imports": lazy_gettext("Staff lists"),
    "staff_profiles": lazy_gettext("Accounts"),
    "trainings": lazy_gettext("Trainings"),
    "trusted_signers": lazy_gettext("Trusted signers"),
    "tube_label_ranges": lazy_gettext("Tube labels"),
    "tubes": lazy_gettext("Tubes"),
    "audit_events": lazy_gettext("Audit log"),
}

STEPS: dict[str, LazyString] = {
    "create": lazy_gettext("created"),
    "change": lazy_gettext("changed"),
    "delete": lazy_gettext("deleted"),
    "bulk insert": lazy_gettext("created in bulk"),
    "bulk update": lazy_gettext("changed in bulk"),
    "bulk delete": lazy_gettext("deleted in bulk"),
    "list": lazy_gettext("list opened"),
    "read": lazy_gettext("opened"),
    "list results": lazy_gettext("list of results opened"),
    "list to retest": lazy_gettext("retest list opened"),
    "read rapid tests": lazy_gettext("rapid tests opened"),
    "read planned list": lazy_gettext("planned list opened"),
    "print": lazy_gettext("printed"),
    "print copy": lazy_gettext("print copy made"),
    "print copy, papers": lazy_gettext("papers of a print copy"),
    "compare planned list": lazy_gettext("planned list compared"),
    "export certificates, papers": lazy_gettext("papers of an export"),
    "export certificates": lazy_gettext("certificates exported"),
    "export result list": lazy_gettext("result list exported"),
    "export with proofs": lazy_gettext("exported with proofs"),
    "subject access": lazy_gettext("who saw a person"),
    "import samples": lazy_gettext("sampling list imported"),
    "enter sample": lazy_gettext("sample typed in"),
    "people.merge": lazy_gettext("people merged"),
    "people.unmerge": lazy_gettext("people separated"),
    "pair: reopened": lazy_gettext("pair opened again"),
    "ingest.apply": lazy_gettext("scans recorded"),
    "people.complete": lazy_gettext("person completed from a paper"),
    "declarations.link": lazy_gettext("declaration tied to its person"),
    "samples.withdraw": lazy_gettext("sample withdrawn"),
    "antigen.release": lazy_gettext("rapid test released"),
    "tubes.discard": lazy_gettext("tube discarded"),
    "findings.gone": lazy_gettext("finding ended by itself"),
    "results.assign": lazy_gettext("result given to a tube"),
    "results.hold": lazy_gettext("result held"),
    "results.record": lazy_gettext("results recorded"),
    "results.release": lazy_gettext("results released"),
    "tubes.receive": lazy_gettext("tubes received"),
    "tubes.recount": lazy_gettext("swabs counted"),
    "tubes.reject": lazy_gettext("tubes rejected"),
    "tubes.result": lazy_gettext("tubes resulted"),
    "tubes.send": lazy_gettext("tubes sent"),
    "tubes.test": lazy_gettext("tubes under test"),
    "tubes.test_singly": lazy_gettext("tubes to test singly"),
}

# Steps that carry a state of theirs behind a point or a space.
_FAMILIES: dict[str, LazyString] = {
    "custody.": lazy_gettext("custody"),
    "results.": lazy_gettext("result"),
    "samples.": lazy_gettext("state of samples"),
    "export ": lazy_gettext("exported as"),
}


def table(code: str) -> str:
    """The name of a table; an unknown one keeps its code."""
    return str(TABLES.get(code, code))


def step(code: str) -> str:
    """What was done; an unknown step keeps its code, a state keeps its own behind the word."""
    if code in STEPS:
        return str(STEPS[code])
    for family, word in _FAMILIES.items():
        if code.startswith(family):
            return f"{word}: {code.removeprefix(family)}"
    return code
