# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators on the engine: its doctor, its log, its list of heads, and what it has to tell."""

import bpy

from .. import engine_jobs, paths, running
from ..problem import Problem
from .explained import Explained, busy_reason, report_ending


class RefreshHeads(Explained, bpy.types.Operator):
    """Look again which heads there are"""

    bl_idname = "emosplat.refresh_heads"
    bl_label = "Refresh Heads"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return busy_reason()

    def run(self, context: bpy.types.Context) -> None:
        engine_jobs.refresh_heads()
        report_ending(self)


class Doctor(Explained, bpy.types.Operator):
    """Check the engine's Python: what runs here, what is missing, and what to do about it"""

    bl_idname = "emosplat.doctor"
    bl_label = "Run Doctor"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return busy_reason()

    def run(self, context: bpy.types.Context) -> None:
        engine_jobs.examine()
        report_ending(self)


class ShowReport(Explained, bpy.types.Operator):
    """Show what Doctor found"""

    bl_idname = "emosplat.show_report"
    bl_label = "EmoSplat Doctor"
    bl_options = {"INTERNAL"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return "" if engine_jobs.last_report else "Run Doctor first"

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_popup(self, width=520)

    def draw(self, _context: bpy.types.Context) -> None:
        from ..panels.doctor import draw_report

        self.layout.label(text=self.bl_label, icon="CHECKMARK" if engine_jobs.last_report["ok"] else "ERROR")
        draw_report(self.layout)

    def run(self, context: bpy.types.Context) -> None:
        """The popup is all there is to do."""


class CopyReport(Explained, bpy.types.Operator):
    """Copy Doctor's report, for a bug report"""

    bl_idname = "emosplat.copy_report"
    bl_label = "Copy Report"
    bl_options = {"INTERNAL"}

    def run(self, context: bpy.types.Context) -> None:
        from ..panels.doctor import report_lines

        context.window_manager.clipboard = "\n".join(report_lines())


class OpenLog(Explained, bpy.types.Operator):
    """Open the engine's log file"""

    bl_idname = "emosplat.open_log"
    bl_label = "Open Log"

    def run(self, context: bpy.types.Context) -> None:
        log = paths.log_file()
        if not log.exists():
            raise Problem("There is no log yet.", "It begins when the engine first runs.")
        if not bpy.app.background:
            bpy.ops.wm.path_open(filepath=str(log))


class DismissMessages(Explained, bpy.types.Operator):
    """Clear these messages"""

    bl_idname = "emosplat.dismiss_messages"
    bl_label = "Dismiss"
    bl_options = {"INTERNAL"}

    def run(self, context: bpy.types.Context) -> None:
        running.clear_messages()


CLASSES = (RefreshHeads, Doctor, ShowReport, CopyReport, OpenLog, DismissMessages)
