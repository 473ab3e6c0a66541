"""Passes `/ingest/v1/…` on to the door where no proxy stands in front (one PC, a trial, tests).

In production the proxy sends these paths to the door itself (docs/operations.md) and this route
is never reached. It adds nothing and checks nothing: the door does, by the device's token.
"""

import http.client
from typing import Any

from flask import Response, current_app, request
from flask_appbuilder import expose

from portal.errors import Unavailable
from portal.web.views import PublicView

_PASSED = ("Authorization", "Content-Type")
_RETURNED = ("Content-Type", "Retry-After")


class RelayView(PublicView):
    """Open without login: a device shows its own token to the door."""

    route_base = "/ingest/v1"
    class_permission_name = "IngestRelay"

    @expose("/<any(batches, outcomes):path>", methods=["GET", "POST"])
    def relay(self, path: str) -> Any:
        """The door's own answer."""
        line = http.client.HTTPConnection(
            "127.0.0.1", current_app.config["TRAM"].ingest_port, timeout=20
        )
        query = request.query_string.decode("ascii", errors="ignore")
        try:
            line.request(
                request.method,
                f"/ingest/v1/{path}" + (f"?{query}" if query else ""),
                request.get_data(),
                {name: request.headers[name] for name in _PASSED if name in request.headers},
            )
            answer = line.getresponse()
            body = answer.read()
        except OSError:
            raise Unavailable("The ingest door does not answer.", code="ingest.away") from None
        finally:
            line.close()
        headers = {name: answer.headers[name] for name in _RETURNED if name in answer.headers}
        return Response(body, answer.status, headers)
