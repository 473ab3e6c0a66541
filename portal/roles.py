"""Every role and what it may do, as code. Permissions are decided from this table alone.

A grant names a view's `class_permission_name` and FAB permission names (`can_list`, `can_show`,
`can_add`, `can_edit`, `can_delete`, or our own verbs such as `can_release`). Whatever is not
granted is refused; `menu_access` follows from holding any permission of the view.
"""

from enum import StrEnum


class Role(StrEnum):
    """The roles of a provincial testing round."""

    DEPARTMENT_ADMIN = "Department admin"
    ACCOUNT_ADMIN = "Account admin"
    COORDINATOR = "Coordinator"
    SITE_MANAGER = "Site manager"
    COLLECTOR = "Collector"
    VOLUNTEER = "Volunteer"
    LABORATORY_TECHNICIAN = "Laboratory technician"
    LABORATORY_VERIFIER = "Laboratory verifier"
    DECLARATION_OFFICER = "Declaration officer"
    DATA_OFFICER = "Data officer"
    AUDITOR = "Auditor"


# Roles whose rows are the whole province; the others see their sites and areas.
PROVINCE_WIDE = frozenset(
    {Role.DEPARTMENT_ADMIN, Role.ACCOUNT_ADMIN, Role.COORDINATOR, Role.DATA_OFFICER, Role.AUDITOR}
)

READ = ("can_list", "can_show")
WRITE = (*READ, "can_add", "can_edit")

# permission class → permission → roles. Kept in alphabetical order.
GRANTS: dict[str, dict[str, frozenset[Role]]] = {}


def grant(view: str, permissions: tuple[str, ...] | str, *roles: Role) -> None:
    """Adds roles to permissions of a view; called at import, below, area by area."""
    names = (permissions,) if isinstance(permissions, str) else permissions
    for name in names:
        held = GRANTS.setdefault(view, {})
        held[name] = held.get(name, frozenset()) | frozenset(roles)


def may(roles: frozenset[str], permission: str, view: str) -> bool:
    """Whether any of the roles holds the permission on the view."""
    return not GRANTS.get(view, {}).get(permission, frozenset()).isdisjoint(roles)


# -- audit --------------------------------------------------------------------------------------
grant("AuditEvents", (*READ, "can_export"), Role.AUDITOR, Role.DEPARTMENT_ADMIN)


# -- feedback: everybody sends, the focal point answers (R19, R72) ---------------------------------
grant("Feedback", "can_send", *Role)
grant(
    "FeedbackTickets",
    (*READ, "can_edit", "can_export"),
    Role.DEPARTMENT_ADMIN,
    Role.ACCOUNT_ADMIN,
)


# -- areas, sites, accounts, campaigns ------------------------------------------------------------

_ADMINS = (Role.DEPARTMENT_ADMIN, Role.ACCOUNT_ADMIN)

grant("Areas", READ, Role.DEPARTMENT_ADMIN, Role.ACCOUNT_ADMIN, Role.COORDINATOR, Role.DATA_OFFICER)
grant("Sites", READ, *_ADMINS, Role.COORDINATOR, Role.SITE_MANAGER, Role.AUDITOR)
grant("Sites", ("can_add", "can_edit", "can_open", "can_export"), Role.DEPARTMENT_ADMIN)
grant("Sites", ("can_add", "can_edit", "can_open"), Role.COORDINATOR)
grant("Sites", "can_import", Role.DEPARTMENT_ADMIN, Role.COORDINATOR)
grant("SiteImports", "can_import", Role.DEPARTMENT_ADMIN, Role.COORDINATOR)
grant("Sites", "can_confirm_ready", Role.DEPARTMENT_ADMIN, Role.COORDINATOR, Role.SITE_MANAGER)
grant(
    "Staff",
    (*WRITE, "can_withdraw", "can_suspend", "can_record_training", "can_issue_slips"),
    *_ADMINS,
    Role.SITE_MANAGER,
)
grant("Staff", ("can_import", "can_export"), *_ADMINS)
grant("StaffImports", "can_import", *_ADMINS)
grant("Campaigns", READ, Role.DEPARTMENT_ADMIN, Role.COORDINATOR, Role.SITE_MANAGER, Role.AUDITOR)
grant("Campaigns", ("can_add", "can_edit", "can_open"), Role.DEPARTMENT_ADMIN, Role.COORDINATOR)
grant("PoolPolicies", READ, Role.DEPARTMENT_ADMIN, Role.COORDINATOR, Role.LABORATORY_VERIFIER)
grant("PoolPolicies", "can_add", Role.DEPARTMENT_ADMIN, Role.COORDINATOR)
grant(
    "CollectionSessions",
    (*READ, "can_add", "can_edit", "can_open", "can_export"),
    Role.DEPARTMENT_ADMIN,
    Role.COORDINATOR,
    Role.SITE_MANAGER,
)
grant("CollectionSessions", READ, Role.AUDITOR)
grant(
    "TubeLabels",
    (*READ, "can_add"),
    Role.DEPARTMENT_ADMIN,
    Role.COORDINATOR,
    Role.SITE_MANAGER,
)


# -- laboratory and pools ------------------------------------------------------------------------
_LABORATORY = (Role.LABORATORY_TECHNICIAN, Role.LABORATORY_VERIFIER)
_LEADERS = (Role.COORDINATOR, Role.DEPARTMENT_ADMIN)

grant("Receipt", "can_list", *_LABORATORY, *_LEADERS)
grant("Receipt", ("can_receive", "can_reject"), *_LABORATORY)
grant("Runs", READ, *_LABORATORY, *_LEADERS, Role.AUDITOR)
grant("Runs", "can_record", *_LABORATORY)
grant("Rack", ("can_record", "can_import"), *_LABORATORY)
grant("AnalyserMappings", ("can_list", "can_edit"), *_LABORATORY)
grant("Runs", "can_amend", *_LABORATORY)
grant("Runs", "can_release", Role.LABORATORY_VERIFIER)
grant("Findings", (*READ, "can_export"), *_LABORATORY, *_LEADERS, Role.SITE_MANAGER)
grant("Findings", "can_close", Role.LABORATORY_VERIFIER, *_LEADERS, Role.SITE_MANAGER)
grant("Retests", "can_list", Role.SITE_MANAGER, Role.COLLECTOR, *_LEADERS)
grant("Retests", "can_note", Role.SITE_MANAGER, Role.COLLECTOR, Role.COORDINATOR)
grant("Samples", READ, Role.SITE_MANAGER, Role.COLLECTOR, Role.DATA_OFFICER, Role.AUDITOR)
grant("Samples", READ, *_LEADERS)
grant("Samples", "can_export", Role.SITE_MANAGER, Role.AUDITOR, *_LEADERS)
grant("Samples", ("can_edit", "can_withdraw"), Role.SITE_MANAGER, Role.COORDINATOR)
grant("Samples", "can_import", Role.SITE_MANAGER)
grant("Tubes", "can_import", Role.SITE_MANAGER)
grant("SampleImports", "can_import", Role.SITE_MANAGER)
grant("SampleEntries", "can_add", Role.SITE_MANAGER)
grant("KitLots", READ, *_LEADERS, Role.SITE_MANAGER, Role.COLLECTOR)
grant("KitLots", ("can_add", "can_withdraw"), *_LEADERS, Role.SITE_MANAGER)
grant("Tubes", READ, *_LABORATORY, *_LEADERS, Role.SITE_MANAGER, Role.COLLECTOR, Role.AUDITOR)
grant("Tubes", "can_export", *_LABORATORY, *_LEADERS, Role.SITE_MANAGER, Role.AUDITOR)
grant("Tubes", ("can_edit", "can_withdraw"), *_LABORATORY, Role.COORDINATOR)
grant("Turnaround", "can_list", *_LABORATORY, *_LEADERS, Role.SITE_MANAGER, Role.AUDITOR)
grant("Pool advice", "can_list", *_LEADERS, Role.SITE_MANAGER)
grant("Pool advice", "can_apply", *_LEADERS)
grant("Pool board", "can_list", *_LABORATORY, *_LEADERS, Role.SITE_MANAGER)


# -- people --------------------------------------------------------------------------------------
_DECIDERS = (Role.DATA_OFFICER, Role.COORDINATOR, Role.SITE_MANAGER)
grant("People", READ, *_DECIDERS, Role.DEPARTMENT_ADMIN, Role.AUDITOR)
grant("People", "can_edit", Role.DATA_OFFICER, Role.SITE_MANAGER)
grant("People", "can_export", Role.DATA_OFFICER, Role.DEPARTMENT_ADMIN, Role.AUDITOR)
grant("Duplicates", READ, *_DECIDERS, Role.DEPARTMENT_ADMIN, Role.AUDITOR)
grant("Duplicates", "can_decide", *_DECIDERS)
grant("Merges", "can_undo", *_DECIDERS)
grant(
    "LinkagePolicies",
    "can_list",
    Role.DATA_OFFICER,
    Role.COORDINATOR,
    Role.DEPARTMENT_ADMIN,
    Role.AUDITOR,
)
grant("LinkagePolicies", "can_add", Role.DEPARTMENT_ADMIN)


# -- declarations, certificates -------------------------------------------------------------------
grant(
    "Declarations",
    (*WRITE, "can_withdraw", "can_reissue"),
    Role.DECLARATION_OFFICER,
    Role.DATA_OFFICER,
    Role.DEPARTMENT_ADMIN,
)
grant("Declarations", "can_export", Role.DECLARATION_OFFICER, Role.DEPARTMENT_ADMIN, Role.AUDITOR)
grant("Declarations", READ, Role.AUDITOR, Role.COORDINATOR)
grant("DeclarationImports", "can_import", Role.DECLARATION_OFFICER, Role.DATA_OFFICER)
grant(
    "ResultPapers",
    ("can_list", "can_export"),
    Role.AUDITOR,
    Role.DEPARTMENT_ADMIN,
    Role.SITE_MANAGER,
)
grant("Certificates", READ, Role.AUDITOR, Role.DEPARTMENT_ADMIN, Role.SITE_MANAGER)
grant("Certificates", ("can_withdraw", "can_export"), Role.DEPARTMENT_ADMIN)
grant("CertificateTexts", "can_list", Role.DEPARTMENT_ADMIN, Role.COORDINATOR, Role.AUDITOR)
grant("CertificateTexts", "can_edit", Role.DEPARTMENT_ADMIN)
grant("CertificateTexts", "can_activate", Role.DEPARTMENT_ADMIN, Role.COORDINATOR)
grant("TrustedSigners", "can_list", Role.DEPARTMENT_ADMIN, Role.AUDITOR)
grant("TrustedSigners", "can_edit", Role.DEPARTMENT_ADMIN)
grant(
    "CorrectionRequests",
    (*READ, "can_withdraw"),
    Role.DEPARTMENT_ADMIN,
    Role.DATA_OFFICER,
    Role.SITE_MANAGER,
)


# -- ingest ---------------------------------------------------------------------------------------
grant("Devices", (*READ, "can_add", "can_withdraw"), Role.SITE_MANAGER, Role.DEPARTMENT_ADMIN)
grant("Devices", READ, Role.COORDINATOR, Role.AUDITOR)
grant("Quarantine", (*READ, "can_apply", "can_withdraw"), Role.SITE_MANAGER, Role.COORDINATOR)
grant("Quarantine", (*READ, "can_apply", "can_withdraw"), Role.DATA_OFFICER)

# -- scanning -----------------------------------------------------------------------------------
grant("Scanning", "can_scan", Role.COLLECTOR, Role.VOLUNTEER, Role.SITE_MANAGER)
grant("PhotoReadings", ("can_list", "can_read"), Role.COORDINATOR)
grant("Devices", "can_enrol", Role.SITE_MANAGER, Role.DEPARTMENT_ADMIN)

# -- reporting ----------------------------------------------------------------------------------
grant(
    "Coordination",
    "can_show",
    Role.COORDINATOR,
    Role.DEPARTMENT_ADMIN,
    Role.SITE_MANAGER,
    Role.AUDITOR,
)
grant(
    "Completeness",
    ("can_list", "can_export"),
    Role.COORDINATOR,
    Role.DEPARTMENT_ADMIN,
    Role.SITE_MANAGER,
    Role.DATA_OFFICER,
    Role.AUDITOR,
)
