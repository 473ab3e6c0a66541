"""Forms generated from models by FAB, with fields that load no tables and speak plainly."""

import datetime as dt
from typing import Any

import sqlalchemy as sa
from flask_appbuilder.forms import FieldConverter, GeneralModelConverter
from flask_babel import lazy_gettext
from markupsafe import Markup, escape
from wtforms import (
    BooleanField,
    DateField,
    DateTimeField,
    DecimalField,
    Field,
    IntegerField,
    SelectChoice,
    SelectField,
    StringField,
    TextAreaField,
    ValidationError,
    validators,
)
from wtforms.widgets import TextInput, html_params

from portal import clock
from portal.db import db_session


class DayField(DateField):
    """A day as people write it, 31/08/2021; what browsers send for a date is read as well."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("render_kw", {"placeholder": "dd/mm/yyyy", "inputmode": "numeric"})
        super().__init__(*args, format=["%d/%m/%Y", "%Y-%m-%d"], **kwargs)
        self.widget = TextInput()


class LocalInstantField(DateTimeField):
    """An instant entered on a Vietnamese wall clock, kept in UTC."""

    data: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("render_kw", {"placeholder": "dd/mm/yyyy hh:mm"})
        super().__init__(*args, format=["%d/%m/%Y %H:%M", "%Y-%m-%dT%H:%M"], **kwargs)
        self.widget = TextInput()

    def process_data(self, value: dt.datetime | None) -> None:
        """Shows the stored instant as local time."""
        super().process_data(clock.local(value).replace(tzinfo=None) if value else None)

    def process_formdata(self, valuelist: list[str]) -> None:
        """Reads local time, gives an aware instant."""
        super().process_formdata(valuelist)
        if self.data is not None:
            self.data = self.data.replace(tzinfo=clock.LOCAL_ZONE).astimezone(dt.UTC)


class OptionsWidget:
    """A search box over rows of another table; `web/options.js` fetches matches as one types."""

    def __call__(self, field: "RelatedField", **attributes: Any) -> Markup:
        """The hidden key and the visible search box."""
        name = attributes.pop("name", field.name)
        for key in ("class", "class_"):
            attributes.pop(key, None)
        hidden = html_params(type="hidden", name=name, value=field.key_text())
        shown = html_params(
            type="search",
            id=field.id,
            value=field.label_text(),
            class_="form-control",
            role="combobox",
            autocomplete="off",
            aria_expanded="false",
            data_options=field.column,
            **attributes,
        )
        inner = f"<input {hidden}><input {shown}>"
        return Markup('<span class="options">' + inner + "</span>")  # noqa: S704 - html_params escapes


class RelatedField(Field):
    """One row of a related table, by its key; only that row is ever loaded, within the scope."""

    widget = OptionsWidget()

    def __init__(
        self, label: Any = None, *args: Any, model: Any, column: str, **kwargs: Any
    ) -> None:
        super().__init__(label, *args, **kwargs)
        self.model, self.column = model, column

    def process_formdata(self, valuelist: list[str]) -> None:
        """Loads the row named by the submitted key; the scope wall hides rows outside."""
        text = valuelist[0].strip() if valuelist else ""
        self.data = None
        if text:
            self.data = find_row(self.model, text)
            if self.data is None:
                raise ValidationError(self.gettext("Not a valid choice"))

    def key_text(self) -> str:
        """The key, for the hidden field."""
        return str(self.data.id) if self.data is not None else ""

    def label_text(self) -> str:
        """What the row is called, for the visible field."""
        return str(self.data) if self.data is not None else ""


def find_row(model: Any, key: str) -> Any:
    """The row of a key given as text, within the scope; None otherwise."""
    if not key.isdigit():
        return None
    return db_session().scalars(sa.select(model).where(model.id == int(key))).one_or_none()


class _Fields(FieldConverter):
    conversion_table = (
        ("is_text", TextAreaField, None),
        ("is_json", TextAreaField, None),
        ("is_string", StringField, None),
        ("is_integer", IntegerField, None),
        ("is_numeric", DecimalField, None),
        ("is_float", DecimalField, None),
        ("is_boolean", BooleanField, None),
        ("is_date", DayField, None),
        ("is_datetime", LocalInstantField, None),
    )


class TramModelConverter(GeneralModelConverter):
    """FAB's converter from model to form; choices are lists, related rows are searched."""

    def __init__(self, datamodel: Any, choices: dict[str, list[Any]], *, is_search: bool) -> None:
        super().__init__(datamodel)
        self.choices = choices
        self.is_search = is_search

    def _convert_many_to_one(
        self,
        col_name: str,
        label: Any,
        description: Any,
        lst_validators: list[Any],
        filter_rel_fields: Any,
        form_props: dict[str, Any],
    ) -> dict[str, Any]:
        del filter_rel_fields
        is_optional = self.is_search or self.datamodel.is_nullable(col_name)
        presence = validators.Optional() if is_optional else validators.InputRequired()
        form_props[col_name] = RelatedField(
            label,
            description=description,
            validators=[presence, *lst_validators],
            model=self.datamodel.get_related_model(col_name),
            column=col_name,
        )
        return form_props

    def _convert_many_to_many(self, col_name: str, *args: Any) -> dict[str, Any]:
        del args
        message = f"{col_name} is a list of rows; give it a screen of its own"
        raise TypeError(message)

    def _convert_simple(
        self,
        col_name: str,
        label: Any,
        description: Any,
        lst_validators: list[Any],
        form_props: dict[str, Any],
    ) -> dict[str, Any]:
        checks = list(lst_validators)
        longest = self.datamodel.get_max_length(col_name)
        if longest != -1:
            checks.append(validators.Length(max=longest))
        column = self.datamodel.list_columns[col_name]
        is_required = not (self.is_search or column.nullable or column.default is not None)
        is_flag = self.datamodel.is_boolean(col_name)
        if not is_flag:
            checks.insert(0, validators.InputRequired() if is_required else validators.Optional())
        default = None if self.is_search else self.datamodel.get_col_default(col_name)
        if self.is_search and self.datamodel.is_datetime(col_name):
            form_props[col_name] = DayField(label)  # instants are searched by local day
        elif col_name in self.choices or (is_flag and self.is_search):
            form_props[col_name] = self._choice(col_name, label, description, is_required, default)
        else:
            field = _Fields(self.datamodel, col_name, label, description, checks, default)
            form_props[col_name] = field.convert()
        return form_props

    def _choice(
        self, col_name: str, label: Any, description: Any, is_required: Any, default: Any
    ) -> SelectField:
        flags = [("1", lazy_gettext("Yes")), ("0", lazy_gettext("No"))]
        given = self.choices.get(col_name, flags)
        blank = [] if is_required else [SelectChoice("", "")]
        return SelectField(
            label,
            description=description,
            choices=blank + [SelectChoice(choice[0], choice[1]) for choice in given],
            default=default,
            validate_choice=True,
        )


def form_problems(form: Any) -> list[str]:
    """Every problem of a form as «label: sentence»."""
    return [
        f"{form[name].label.text}: {text}"
        for name, texts in form.errors.items()
        if name
        for text in texts
    ]


def plain(text: Any) -> str:
    """A lazy or marked-up text as a plain, escaped one."""
    return str(escape(text))
