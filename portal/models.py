"""Every table, imported once: for migrations and for a complete mapper registry."""

import flask_appbuilder.security.sqla.models  # noqa: F401

import portal.accounts.models
import portal.areas.models
import portal.audit.models
import portal.campaigns.models
import portal.certificates.models
import portal.declarations.models
import portal.feedback.models
import portal.ingest.models
import portal.jobs.models
import portal.people.models
import portal.pools.models
import portal.readings.models
import portal.reporting.models
import portal.results.models
import portal.samples.models
import portal.sites.models  # noqa: F401
