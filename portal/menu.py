"""Every view and API, in menu order: the map of the user interface. Nothing else imports views.

Each area has one function here. `add_view` puts an entry in the menu, which is shown to roles
that hold any permission of the view (portal.roles); `add_view_no_menu` registers routes only.
"""

from flask import url_for
from flask_appbuilder import AppBuilder
from flask_babel import lazy_gettext

from portal.extensions import csrf
from portal.web.access import register_login_view
from portal.web.layout import account_urls


def register(appbuilder: AppBuilder) -> None:
    """Adds every screen and API to the application."""
    _accounts(appbuilder)
    _public(appbuilder)
    _laboratory(appbuilder)
    _citizens(appbuilder)
    _people(appbuilder)
    _scanning(appbuilder)
    _organisation(appbuilder)
    _ingest(appbuilder)
    _oversight(appbuilder)


def _accounts(appbuilder: AppBuilder) -> None:
    from portal.accounts.login_views import LoginView, OwnAccountView, SessionView

    appbuilder.sm.auth_view = appbuilder.add_view_no_menu(LoginView)
    appbuilder.add_view_no_menu(OwnAccountView)
    appbuilder.add_view_no_menu(SessionView)
    account_urls.session = lambda: url_for("SessionView.state")
    account_urls.login = lambda: url_for("LoginView.login")
    register_login_view("LoginView.login")
    account_urls.password = lambda: url_for("OwnAccountView.password")
    account_urls.logout = lambda: url_for("OwnAccountView.logout")


def _public(appbuilder: AppBuilder) -> None:
    from portal.certificates.public_views import LookupView, VerifyView
    from portal.declarations.views import DeclareView

    for view in (DeclareView, LookupView, VerifyView):
        appbuilder.add_view_no_menu(view)


def _citizens(appbuilder: AppBuilder) -> None:
    from portal.certificates import batch, print_copies, session_lists
    from portal.certificates.copy_views import PrintCopyView
    from portal.certificates.staff_views import (
        CertificateView,
        CorrectionRequestView,
        ResultPaperView,
    )
    from portal.certificates.template_views import CertificateTextView
    from portal.certificates.trust_views import TrustedSignerView
    from portal.declarations.staff_views import DeclarationImportView, DeclarationView

    for part in (batch, print_copies, session_lists):
        part.install()
    appbuilder.add_view_no_menu(PrintCopyView)
    place = {"category": "Citizens", "category_label": lazy_gettext("Citizens")}
    for view, name, label in (
        (DeclarationView, "Declarations", lazy_gettext("Declarations")),
        (DeclarationImportView, "Import declarations", lazy_gettext("Import declarations")),
        (ResultPaperView, "Results as papers", lazy_gettext("Results as papers")),
        (CertificateView, "Certificates", lazy_gettext("Certificates")),
        (CorrectionRequestView, "Correction requests", lazy_gettext("Correction requests")),
        (CertificateTextView, "Texts of papers", lazy_gettext("Texts of papers")),
        (TrustedSignerView, "Trusted signers", lazy_gettext("Trusted signers")),
    ):
        appbuilder.add_view(view, name, label=label, **place)


def _people(appbuilder: AppBuilder) -> None:
    import portal.results.identities  # noqa: F401 - results follow when people are merged
    from portal.people.duplicate_views import DuplicateView, LinkagePolicyView
    from portal.people.views import PairView, PersonView, UnmergeView

    place = {"category": "Citizens", "category_label": lazy_gettext("Citizens")}
    for view, name, label in (
        (PersonView, "People", lazy_gettext("Registered people")),
        (DuplicateView, "Duplicates", lazy_gettext("Duplicates")),
        (PairView, "Pairs", lazy_gettext("Pairs and decisions")),
        (LinkagePolicyView, "Automatic merging", lazy_gettext("Automatic merging")),
    ):
        appbuilder.add_view(view, name, label=label, **place)
    appbuilder.add_view_no_menu(UnmergeView)


def _scanning(appbuilder: AppBuilder) -> None:
    from portal.readings.views import PhotoReadingView
    from portal.reporting.views import CompletenessView, CoordinationView
    from portal.scanning.entry_views import SampleEntryView
    from portal.scanning.import_views import SampleImportView
    from portal.scanning.relay import RelayView
    from portal.scanning.views import BrowserDeviceView, ScanningView

    appbuilder.add_view(
        CoordinationView,
        "Coordination",
        label=lazy_gettext("Coordination"),
        category="Field work",
        category_label=lazy_gettext("Field work"),
    )
    appbuilder.add_view(
        ScanningView,
        "Scan",
        label=lazy_gettext("Sampling"),
        category="Field work",
        category_label=lazy_gettext("Field work"),
    )
    appbuilder.add_view(
        PhotoReadingView,
        "Read photos",
        label=lazy_gettext("Read photos"),
        category="Field work",
        category_label=lazy_gettext("Field work"),
    )
    appbuilder.add_view(
        SampleImportView,
        "Import samples",
        label=lazy_gettext("Import a sampling list"),
        category="Field work",
        category_label=lazy_gettext("Field work"),
    )
    appbuilder.add_view(
        CompletenessView,
        "Completeness",
        label=lazy_gettext("Completeness of the records"),
        category="Field work",
        category_label=lazy_gettext("Field work"),
    )
    appbuilder.add_view_no_menu(SampleEntryView)
    appbuilder.add_view_no_menu(BrowserDeviceView)
    appbuilder.add_view_no_menu(RelayView)
    # By the function: the blueprint would be kept for ever, and with it every application made.
    csrf.exempt(RelayView.relay)


def _organisation(appbuilder: AppBuilder) -> None:
    from portal.accounts.views import StaffImportView, StaffView
    from portal.areas.views import AreaView
    from portal.campaigns.views import CampaignView, CollectionSessionView, PoolPolicyView
    from portal.samples.label_views import TubeLabelView
    from portal.sites.import_views import SiteImportView
    from portal.sites.views import SiteView

    campaigns = {"category": "Campaigns", "category_label": lazy_gettext("Campaigns")}
    organisation = {"category": "Organisation", "category_label": lazy_gettext("Organisation")}
    for view, name, label, place in (
        (CollectionSessionView, "Sessions", lazy_gettext("Collection sessions"), campaigns),
        (CampaignView, "Campaign list", lazy_gettext("Campaign list"), campaigns),
        (PoolPolicyView, "Pool rules", lazy_gettext("Pool rules"), campaigns),
        (TubeLabelView, "Tube labels", lazy_gettext("Tube labels"), campaigns),
        (StaffView, "Accounts", lazy_gettext("Accounts"), organisation),
        (StaffImportView, "Staff lists", lazy_gettext("Import a staff list"), organisation),
        (SiteView, "Sites", lazy_gettext("Sites"), organisation),
        (AreaView, "Areas", lazy_gettext("Areas"), organisation),
    ):
        appbuilder.add_view(view, name, label=label, **place)
    appbuilder.add_view_no_menu(SiteImportView)


def _oversight(appbuilder: AppBuilder) -> None:
    from portal.audit.views import AuditView
    from portal.exports import audit_views
    from portal.exports.subject_views import SubjectAccessView
    from portal.feedback.views import FeedbackView, TicketView
    from portal.jobs.views import JobsView

    audit_views.install()

    appbuilder.add_view_no_menu(JobsView)
    account_urls.jobs = lambda: url_for("JobsView.index")
    appbuilder.add_view_no_menu(FeedbackView)
    account_urls.feedback = lambda screen, number: url_for(
        "FeedbackView.send", screen=screen or None, request=number or None
    )
    appbuilder.add_view(
        TicketView,
        "Faults and wishes",
        label=lazy_gettext("Faults and wishes"),
        category="Organisation",
        category_label=lazy_gettext("Organisation"),
    )
    appbuilder.add_view(
        AuditView,
        "Audit log",
        label=lazy_gettext("Audit log"),
        category="Oversight",
        category_label=lazy_gettext("Oversight"),
    )
    appbuilder.add_view(
        audit_views.SealView,
        "Seal of the audit log",
        label=lazy_gettext("Seal of the audit log"),
        category="Oversight",
    )
    appbuilder.add_view(
        SubjectAccessView,
        "Who saw a person's data",
        label=lazy_gettext("Who saw a person's data"),
        category="Oversight",
    )


def _laboratory(appbuilder: AppBuilder) -> None:
    import portal.results.watching  # noqa: F401 - the worker looks for what is overdue
    from portal.results.board_views import ChaseView, PlannedView, PoolBoardView
    from portal.results.design_views import DesignView
    from portal.results.finding_views import FindingView
    from portal.results.kit_views import KitLotView
    from portal.results.mapping_views import MappingView
    from portal.results.media_views import MediaPoolView
    from portal.results.overview_views import PoolAdviceView, TurnaroundView
    from portal.results.receipt_views import ReceiptView
    from portal.results.record_views import SampleView, TubeView
    from portal.results.release_views import ReleaseView
    from portal.results.retest_views import RetestView
    from portal.results.run_views import RackView

    laboratory = {"category": "Laboratory", "category_label": lazy_gettext("Laboratory")}
    samples = {"category": "Sampling", "category_label": lazy_gettext("Samples")}
    for view, name, label, place in (
        (SampleView, "Samples", lazy_gettext("Samples"), samples),
        (TubeView, "Tubes", lazy_gettext("Tubes"), samples),
        (PoolBoardView, "Tubes now", lazy_gettext("Tubes now"), samples),
        (ChaseView, "Overdue tubes", lazy_gettext("Overdue tubes"), samples),
        (PlannedView, "Planned, in no tube", lazy_gettext("Planned, in no tube"), samples),
        (RetestView, "Sample again", lazy_gettext("Sample again"), samples),
        (FindingView, "Findings", lazy_gettext("Findings"), samples),
        (PoolAdviceView, "Pools", lazy_gettext("Pools and positive share"), samples),
        (KitLotView, "Kit lots", lazy_gettext("Rapid test lots"), samples),
        (ReceiptView, "Receive samples", lazy_gettext("Receive samples"), laboratory),
        (
            MediaPoolView,
            "Pools of the laboratory",
            lazy_gettext("Pools of the laboratory"),
            laboratory,
        ),
        (DesignView, "Overlapping pools", lazy_gettext("Overlapping pools"), laboratory),
        (RackView, "Enter results", lazy_gettext("Enter results"), laboratory),
        (MappingView, "Column mappings", lazy_gettext("Column mappings"), laboratory),
        (ReleaseView, "Release results", lazy_gettext("Release results"), laboratory),
        (TurnaroundView, "Turnaround", lazy_gettext("Turnaround"), laboratory),
    ):
        appbuilder.add_view(view, name, label=label, **place)


def _ingest(appbuilder: AppBuilder) -> None:
    from portal.ingest.views import DeviceView, QuarantineView

    appbuilder.add_view(
        DeviceView,
        "Devices",
        label=lazy_gettext("Devices"),
        category="Organisation",
        category_label=lazy_gettext("Organisation"),
    )
    appbuilder.add_view(
        QuarantineView,
        "Events not applied",
        label=lazy_gettext("Events not applied"),
        category="Sampling",
        category_label=lazy_gettext("Samples"),
    )
