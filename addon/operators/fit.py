# SPDX-License-Identifier: GPL-3.0-or-later
"""Fit a head to the chosen capture, after asking whose face it is."""

import bpy
from bpy.props import BoolProperty, FloatProperty, StringProperty

from .. import captures, fitting
from ..captures import KnownCapture
from .capture import OnCapture
from .explained import busy_reason, report_ending

ASKED = ("A head can be made to say anything with this person's face.", "Did they agree to that?")
AGREED = "The person who was filmed agreed that this head is made of them and used"
WIDTH = 400


class FitHead(OnCapture, bpy.types.Operator):
    """Fit a head to the chosen capture. Blender stays usable meanwhile, and a fit that was broken off goes on"""

    bl_idname = "emosplat.fit_head"
    bl_label = "Fit Head"

    minutes: FloatProperty(name="Minutes", default=20.0, min=0.1, soft_min=2.0, max=1440.0,
                           description="How long to fit")
    agreed: BoolProperty(
        name="They Agreed", options={"SKIP_SAVE"},
        description="Kept in the head's file, with the date. Without it the head says that none was recorded",
    )
    goes_on: BoolProperty(options={"HIDDEN", "SKIP_SAVE"})
    consent: StringProperty(name="To What", default=AGREED, maxlen=2000, options={"SKIP_SAVE"},
                            description="Kept in the head's file, in your words or theirs")

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        if reason := super().disabled_reason(context) or busy_reason():
            return reason
        return "This capture is damaged" if captures.chosen_capture(context.scene).error else ""

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        self.goes_on = fitting.next_head(captures.chosen_capture(context.scene))[1]
        return context.window_manager.invoke_props_dialog(self, width=WIDTH, confirm_text="Fit")

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "minutes")
        if self.goes_on:
            layout.label(text="A fit was broken off: with the same minutes it goes on.", icon="INFO")
        if captures.chosen_capture(context.scene).person:
            box = layout.box().column(align=True)
            for number, sentence in enumerate(ASKED):
                box.label(text=sentence, icon="BLANK1" if number else "USER")
            layout.prop(self, "agreed")
            row = layout.row()
            row.active = self.agreed
            row.prop(self, "consent")

    def run_on(self, capture: KnownCapture) -> None:
        consent = self.consent if self.agreed and capture.person else ""
        fitting.start_fit(bpy.context, capture, self.minutes, consent)
        report_ending(self)


CLASSES = (FitHead,)
