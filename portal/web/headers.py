"""Security headers on every answer: a nonce CSP, no framing, no sniffing, HSTS under https."""

import secrets

from flask import Flask, Response, g, request

from portal.settings import Settings

_ONE_YEAR = 365 * 24 * 3600


def nonce() -> str:
    """The nonce of this answer, for the few scripts that must stand in a page."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return str(g.csp_nonce)


def allow(directive: str, source: str) -> None:
    """Adds a source to a CSP directive of this answer only (a camera's wasm, an ingest door)."""
    g.setdefault("csp_extra", {}).setdefault(directive, []).append(source)


def init_app(app: Flask, config: Settings) -> None:
    """Writes the headers and gives templates `csp_nonce()`."""
    app.jinja_env.globals["csp_nonce"] = nonce

    @app.after_request
    def secure(response: Response) -> Response:
        headers = response.headers
        headers.setdefault("Content-Security-Policy", _policy())
        headers["X-Frame-Options"] = "DENY"
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "same-origin"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Permissions-Policy"] = "camera=(self), geolocation=(), microphone=(), payment=()"
        if config.uses_https:
            headers["Strict-Transport-Security"] = f"max-age={_ONE_YEAR}; includeSubDomains"
        if request.endpoint != "static" and not (request.endpoint or "").endswith(".static"):
            headers.setdefault("Cache-Control", "no-store")
        return response


def _policy() -> str:
    policy = {
        "default-src": ["'none'"],
        "script-src": ["'self'", f"'nonce-{nonce()}'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "media-src": ["'self'", "blob:"],
        "worker-src": ["'self'"],
        "manifest-src": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
    }
    for directive, sources in g.get("csp_extra", {}).items():
        policy.setdefault(directive, []).extend(sources)
    return "; ".join(f"{name} {' '.join(sources)}" for name, sources in policy.items())
