# SPDX-License-Identifier: GPL-3.0-or-later
"""The Head: static Gaussians and what moves them."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..deform import cpu
from ..deform.deformation import Deformation
from ..deform.drive import DriveFrame
from ..emotion.personal import PersonalEmotion
from ..splats.gaussians import Gaussians
from .rig import Rig

if TYPE_CHECKING:
    from ..deform.performer import Performer


@dataclass
class Head:
    """A talking head at rest, in its own frame: metres, origin between the ears, face towards -y, z up.

    Args:
        name: what a person calls it by, and the stem of its file.
        gaussians: N Gaussians at rest.
        mover: moves these N Gaussians: a Rig, or the Deformation of a head that was fitted.
        meta: what else its file's header says, as JSON can hold it: "title", "licence", ...
        person: how the emotion in this person's voice is heard, where the fit learned that.

    Raises:
        ValueError: the mover is for another number of Gaussians.
    """

    name: str
    gaussians: Gaussians
    mover: Rig | Deformation
    meta: dict = field(default_factory=dict)
    person: PersonalEmotion | None = None

    def __post_init__(self) -> None:
        if len(self.gaussians) != len(self.mover):
            raise ValueError(f"The mover is for {len(self.mover)} Gaussians, the head has {len(self.gaussians)}.")

    @property
    def fitted(self) -> bool:
        """Whether a Deformation moves it, which says how unsure it is."""
        return isinstance(self.mover, Deformation)

    @cached_property
    def _performer(self) -> "Performer | None":
        """What poses a fitted head fast, where it can run; it takes a Deformation that no longer changes."""
        if not self.fitted or not cpu.runs(self.gaussians.means):
            return None
        from ..deform.performer import Performer

        return Performer(self.mover, self.gaussians)

    def pose(
        self, frame: DriveFrame | np.ndarray | torch.Tensor, head_pose: np.ndarray | torch.Tensor, threads: int = 0
    ) -> Gaussians:
        """The Gaussians of one frame of a take. No gradients are kept; fitting calls the Deformation itself.

        From the first call on, the head's Gaussians and what moves them must stay as they are.

        Args:
            frame: `DriveFrame.of_take(take, k)` or a row of a Drive; or (52,) ARKit weights in [0, 1] alone, in the
                order of EXPRESSION_NAMES.
            head_pose: (6,) rotation vector (radians) and translation (metres) about the origin between the ears.
            threads: 0 for all cores.

        Returns:
            N Gaussians in the head's frame; what does not change is shared with the head's own.

        Raises:
            ValueError: another shape than (52,) or (6,).
        """
        if not isinstance(frame, DriveFrame):
            frame = DriveFrame.of_expression(frame)
        head_pose = torch.as_tensor(head_pose, dtype=torch.float32)
        if head_pose.shape != (6,):
            raise ValueError(f"A head pose has the shape (6,), not {tuple(head_pose.shape)}.")
        if self._performer is not None:
            return self._performer.pose(frame, head_pose, threads)
        with torch.no_grad():
            return self.mover.pose(self.gaussians, frame, head_pose)
