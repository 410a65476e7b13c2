# SPDX-License-Identifier: GPL-3.0-or-later
"""Doctor's report, for the preferences and its popup."""

import bpy

from ..engine_jobs import last_report
from .text import wrapped

COLUMNS = 80


def draw_report(layout: bpy.types.UILayout) -> None:
    """One line per check with its mark, and what to do about each that failed."""
    if not last_report:
        return
    column = layout.box().column(align=True)
    checks = last_report["checks"]
    for check, following in zip(checks, [*checks[1:], {"todo": ""}]):
        for number, line in enumerate(wrapped(f"{check['name']}: {check['detail']}", COLUMNS)):
            column.label(text=line, icon="BLANK1" if number else _icon(check))
        if check["todo"] != following["todo"]:  # several packages that miss have one remedy
            for line in wrapped(check["todo"], COLUMNS):
                column.label(text=line, icon="FORWARD")
    column.operator("emosplat.copy_report", icon="COPYDOWN")


def _icon(check: dict) -> str:
    return "CHECKMARK" if check["ok"] else "ERROR" if check["fatal"] else "INFO"


def report_lines() -> list[str]:
    """The report as plain text."""
    marks = {"CHECKMARK": "ok  ", "ERROR": "FAIL", "INFO": "note"}
    return [f"{marks[_icon(check)]} {check['name']}: {check['detail']} {check['todo']}".strip()
            for check in last_report.get("checks", ())]
