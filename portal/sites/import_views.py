"""The list of sites: upload, every problem at once, the same file back."""

import base64
import io
from typing import Any

from flask import current_app, request, send_file, url_for

from portal.errors import Invalid
from portal.sites import importing
from portal.web.views import StationView, current_actor, expose, permission, transaction


class SiteImportView(StationView):
    """Collection points, laboratories and the other sites from one list."""

    class_permission_name = "SiteImports"
    route_base = "/site-imports"
    default_view = "upload"

    @expose("/", methods=["GET", "POST"])
    @permission("can_import")
    def upload(self) -> Any:
        """The upload box and what became of the list."""
        report = problem = None
        if request.method == "POST":
            file = request.files.get("file")
            try:
                with transaction(current_actor()) as session:
                    report = importing.import_sites(
                        session,
                        current_actor(),
                        file_name=(file.filename if file else "") or "",
                        content=file.read() if file else b"",
                        province_name=current_app.config["TRAM"].province_name,
                    )
            except Invalid as error:
                problem = error
        page = self.render_template(
            "sites/import.html",
            view=self,
            report=report,
            problem=problem,
            answer=base64.b64encode(report.answer_file).decode() if report else "",
            back=url_for("SiteView.list"),
        )
        return page, 422 if problem else 200

    @expose("/template.xlsx")
    @permission("can_import")
    def template(self) -> Any:
        """The empty list, made from the importer's own schema."""
        return send_file(
            io.BytesIO(importing.template()), download_name="mau-danh-sach-don-vi.xlsx"
        )
