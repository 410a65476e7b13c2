# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators that say why they are disabled, and that report a Problem without a traceback."""

import bpy

from .. import running
from ..heads import active_head
from ..problem import Problem


class Explained:
    """Mixin: `disabled_reason` greys the button out and becomes its tooltip; a Problem from `run` is reported."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why the operator cannot run now, or ""."""
        return ""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if reason := cls.disabled_reason(context):
            cls.poll_message_set(reason)
        return not reason

    def run(self, context: bpy.types.Context) -> None:
        """Do the work. Raises Problem."""
        raise NotImplementedError

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            self.run(context)
        except Problem as problem:
            self.report({"ERROR"}, str(problem))
            return {"CANCELLED"}
        return {"FINISHED"}


class OnHead(Explained):
    """Mixin for operators that act on the panel's head."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return head_reason(active_head(context))


class AsksForFile:
    """Mixin for operators with a `filepath`: asks for it, unless a file was dropped onto the view."""

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        if self.filepath:
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}


def head_reason(head: bpy.types.Object | None) -> str:
    """Why nothing can be done to this head, or ""."""
    if head is None:
        return "Select a head, or add one"
    return "" if head.is_editable else "This head is linked from another file: make a library override of it first"


def busy_reason() -> str:
    """Why the engine takes no job now, or ""."""
    return f"{running.session.task.title} is still under way" if running.session.busy else ""


def report_ending(operator: bpy.types.Operator) -> None:
    """In background mode, where jobs end before their operator does, report how. Raises Problem for an error."""
    if not bpy.app.background:
        return
    for message in running.messages():
        if message.level == "ERROR":
            raise Problem(message.what, message.todo)
        operator.report({message.level}, f"{message.what} {message.todo}".strip())
