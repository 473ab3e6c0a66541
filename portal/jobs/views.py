"""The page of one's own jobs: progress, the file, its checksum."""

from typing import Any

from flask import current_app, redirect, send_file, url_for
from flask_babel import gettext

from portal.jobs import services
from portal.jobs.models import Job
from portal.web.access import current_actor, signed_in
from portal.web.views import StationView, db_session, expose, transaction


class JobsView(StationView):
    """Everybody sees the own jobs and no others."""

    route_base = "/jobs"
    class_permission_name = "Jobs"
    default_view = "index"

    @expose("/")
    @signed_in
    def index(self) -> Any:
        """The last jobs."""
        jobs = services.recent_jobs(db_session(), current_actor())
        return self.render_template("jobs/jobs.html", title=gettext("My files"), jobs=jobs)

    @expose("/<uid>/state")
    @signed_in
    def state(self, uid: str) -> Any:
        """How far a job is, for the progress bar."""
        return _state(services.get_job(db_session(), current_actor(), uid))

    @expose("/<uid>/cancel", methods=["POST"])
    @signed_in
    def cancel(self, uid: str) -> Any:
        """Stops a job."""
        with transaction(current_actor()) as session:
            job = services.get_job(session, current_actor(), uid)
            services.cancel(session, current_actor(), job)
        return redirect(url_for("JobsView.index"))

    @expose("/<uid>/file")
    @signed_in
    def file(self, uid: str) -> Any:
        """The file a job made."""
        job = services.get_job(db_session(), current_actor(), uid)
        path = services.path_of(current_app.config["TRAM"].shared_dir, job)
        if job.status != "done" or not path.exists():
            return redirect(url_for("JobsView.index"))
        answer = send_file(path, as_attachment=True, download_name=job.file_name, max_age=0)
        answer.headers["Repr-Digest"] = f"sha-256={job.file_sha256}"
        return answer


def _state(job: Job) -> dict[str, Any]:
    return {
        "status": job.status,
        "done": job.done_count,
        "total": job.total_count,
        "message": job.message,
    }
