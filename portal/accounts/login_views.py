"""The login page, signing out, and one's own password."""

from typing import Any

from flask import current_app, flash, jsonify, redirect, request, session, url_for
from flask_appbuilder import expose
from flask_babel import gettext, lazy_gettext
from flask_login import login_user, logout_user
from flask_wtf import FlaskForm
from flask_wtf.csrf import generate_csrf
from wtforms import PasswordField, StringField, validators

from portal.accounts import login as door
from portal.actors import PUBLIC
from portal.db import transaction
from portal.errors import DomainError, TooMany
from portal.web.access import current_actor, current_login, signed_in
from portal.web.languages import local_path
from portal.web.views import PublicView, StationView


class LoginForm(FlaskForm):
    """Name and password, or the one-time code of a first-login slip."""

    username = StringField(
        lazy_gettext("Login name"),
        [validators.InputRequired(), validators.Length(max=64)],
        render_kw={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"},
    )
    password = PasswordField(
        lazy_gettext("Password"),
        [validators.InputRequired(), validators.Length(max=128)],
        description=lazy_gettext("For the first login: the code on your slip."),
        render_kw={"autocomplete": "current-password"},
    )


class PasswordForm(FlaskForm):
    """The old and the new password."""

    current = PasswordField(
        lazy_gettext("Current password"),
        [validators.Length(max=128)],
        render_kw={"autocomplete": "current-password"},
    )
    new = PasswordField(
        lazy_gettext("New password"),
        [validators.InputRequired(), validators.Length(max=128)],
        description=lazy_gettext("At least 10 characters, letters and other signs."),
        render_kw={"autocomplete": "new-password"},
    )
    again = PasswordField(
        lazy_gettext("New password, once more"),
        [
            validators.InputRequired(),
            validators.EqualTo("new", lazy_gettext("The two are not the same.")),
        ],
        render_kw={"autocomplete": "new-password"},
    )


class LoginView(PublicView):
    """Public by nature: nobody is signed in yet."""

    route_base = ""
    class_permission_name = "Logins"
    default_view = "login"

    @expose("/login/", methods=["GET", "POST"])
    def login(self) -> Any:
        """Shows the form; posted, opens a session that carries the account's version."""
        target = local_path(request.args.get("next"))
        if current_login() is not None:
            return redirect(target)
        form = LoginForm()
        problem: DomainError | None = None
        if form.validate_on_submit():
            with transaction(PUBLIC) as database:
                outcome = door.sign_in(
                    database,
                    username=form.username.data,
                    password=form.password.data,
                    network=request.remote_addr or "",
                    secret=current_app.config["SECRET_KEY"],
                )
            if outcome.login is not None:
                session.clear()  # no value planted before the login survives it
                login_user(outcome.login)
                return redirect(target)
            problem = outcome.problem
        page = self.render_template(
            "accounts/login.html", title=gettext("Sign in"), form=form, problem=problem
        )
        headers = {}
        if isinstance(problem, TooMany):
            headers["Retry-After"] = str(problem.retry_after_seconds)
        return page, (problem.status if problem else 200), headers


class SessionView(PublicView):
    """Whether one is still signed in, asked by a page before it sends a form."""

    route_base = "/session"
    default_view = "state"

    @expose("/")
    def state(self) -> Any:
        """Also a fresh token, since signing in again ends the one that the form holds."""
        answer = jsonify(is_signed_in=current_login() is not None, csrf=generate_csrf())
        answer.headers["Cache-Control"] = "no-store"
        return answer


class OwnAccountView(StationView):
    """What everybody who is signed in may do with the own account."""

    route_base = ""
    class_permission_name = "OwnAccount"
    default_view = "password"

    @expose("/logout/", methods=["POST"])
    @signed_in
    def logout(self) -> Any:
        """Ends every session of the account, this one included."""
        with transaction(current_actor()) as database:
            door.sign_out(database, current_actor())
        logout_user()
        session.clear()
        return redirect(url_for("LoginView.login"))

    @expose("/password/", methods=["GET", "POST"])
    @signed_in
    def password(self) -> Any:
        """Shows the form; posted, sets the password and keeps only this session."""
        form = PasswordForm()
        problem: DomainError | None = None
        if form.validate_on_submit():
            try:
                with transaction(current_actor()) as database:
                    renewed = door.change_password(
                        database,
                        current_actor(),
                        current=form.current.data or "",
                        new=form.new.data,
                    )
            except DomainError as error:
                problem = error
            else:
                login_user(renewed)
                flash(gettext("The password was changed. Other sessions have ended."), "success")
                return redirect("/")
        login = current_login()
        is_first = login is not None and login.must_change_password
        page = self.render_template(
            "accounts/password.html",
            title=gettext("Change password"),
            form=form,
            problem=problem,
            is_first=is_first,
        )
        is_bad = problem is not None or bool(form.errors)
        return page, (problem.status if problem else 422 if is_bad else 200)
