"""Laws of the house on tables: each has a scope rule and an audit rule, and both are real."""

from flask_appbuilder import Model

import portal.models  # noqa: F401
from portal.audit import names
from portal.audit.rules import UNAUDITED
from portal.web.scope import RULES

TABLES = Model.metadata.tables


def test_every_table_says_who_may_see_its_rows() -> None:
    assert set(RULES) == set(TABLES)


def test_every_rule_of_scope_names_columns_that_exist() -> None:
    wrong = {
        f"{table}.{column}"
        for table, rule in RULES.items()
        for column in rule.columns
        if column not in TABLES[table].columns
    }
    assert wrong == set()
    parents = {rule.parent for rule in RULES.values() if rule.kind == "through"}
    assert {parent for parent in parents if RULES[parent].kind not in {"site", "area"}} == set()


def test_only_known_tables_go_without_a_trail_and_each_says_why() -> None:
    assert set(UNAUDITED) <= set(TABLES)
    assert all(UNAUDITED.values())


def test_every_table_with_a_trail_has_a_name_for_the_reader_of_the_log() -> None:
    assert set(TABLES) - set(UNAUDITED) <= set(names.TABLES)


def test_every_table_with_a_site_or_an_area_is_scoped_by_it() -> None:
    exempt = {"campaigns", "people", "staff_profiles", "collection_sessions", "sites"}
    loose = {
        name
        for name, table in TABLES.items()
        if {"site_id", "laboratory_id", "area_id"} & set(table.columns.keys())
        and RULES[name].kind not in {"site", "area", "through"}
    }
    assert loose <= exempt
