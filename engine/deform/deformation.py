# SPDX-License-Identifier: GPL-3.0-or-later
"""Deformation: one row of a Drive to moved Gaussians.

Under UA-3DTalk's networks (arXiv 2601.19112, section Uncertainty-based Deformation) lies a low-rank residual per
Gaussian: coefficients of a small network times a basis of the Gaussian's own (linear blendshapes that are learned, as
in Gaussian Blendshapes, Ma et al., SIGGRAPH 2024, on position, rotation, scale, opacity and colour). The networks work
at control nodes, which the Gaussians follow; where they are not sure, what they add falls back to nothing.
"""

from dataclasses import replace

import torch
from torch import Tensor, nn

from ..splats.gaussians import Gaussians
from ..splats.quats import matrices_from_quats, multiply_quats, quats_from_rotation_vectors
from .branch import Driven
from .changes import CHANNELS, UNITS, apply_changes, units
from .codes import CodeNetwork, Inputs
from .drive import NOW, Drive, DriveFrame
from .field import NodeField
from .settings import DeformationSettings

# Parameters and buffers with a row for every Gaussian.
PER_GAUSSIAN = ("basis", "torso", "log_error", "field.index", "field.logits")
MOST_ROWS = 160  # of a drive, that all networks are asked about, beside the extremes
UNSEEN_ERROR = -1.6  # log of an expected error of 0.2: of a Gaussian about which nothing was learned


class Deformation(nn.Module):
    """Moves N Gaussians.

    Args:
        settings: sizes.
        count: N.
        learning: with what is only needed to learn (tri-planes); what a file holds is without.

    Attributes:
        basis: (N, 13, R) parameter, in changes.UNITS per coefficient.
        torso: (N,) buffer, 0 to 1: how far a Gaussian belongs to the torso, which does not turn with the head.
        log_error: (N,) parameter, log of the expected error of the picture where this Gaussian is.
        slope: parameter, how much that grows with the networks' uncertainty.
    """

    def __init__(self, settings: DeformationSettings, count: int, learning: bool = True) -> None:
        super().__init__()
        self.settings = settings
        self.inputs = Inputs(settings.codes)
        self.code_network = CodeNetwork(self.inputs.size, settings.width, settings.rank)
        self.basis = nn.Parameter(torch.zeros(count, CHANNELS, settings.rank))
        self.register_buffer("torso", torch.zeros(count))
        self.register_buffer("units", units(), persistent=False)
        self.log_error = nn.Parameter(torch.full((count,), UNSEEN_ERROR))
        self.slope = nn.Parameter(torch.ones(1))
        self.field = NodeField(settings, count, learning) if settings.nodes else None

    def __len__(self) -> int:
        return len(self.basis)

    def see(self, drive: Drive) -> None:
        """Before the fit: learn range, mean and spread of the inputs from the rows that are fitted, and begin with the
        coefficients that tell most of these rows apart."""
        self.inputs.see(drive)
        if len(drive) > 1:
            self.code_network.begin(self._faces(drive))

    @torch.no_grad()
    def _faces(self, drive: Drive) -> Tensor:
        """(T, X) standardised numbers of the face."""
        return torch.stack([self.inputs(drive.frame(row)) for row in range(len(drive))])

    @torch.no_grad()
    def place_nodes(self, rest: Gaussians, drive: Drive, inside: Tensor | None = None) -> None:
        """When the basis has learned to move: choose the nodes by it, and let the networks work from here on.

        Args:
            drive: rows that are fitted.
            inside: (N,) bool, Gaussians in the mouth, which follow the mouth's nodes; None where there are none.

        Raises:
            ValueError: the settings have no nodes, or nodes and Gaussians do not fit, see NodeField.place.
        """
        if self.field is None:
            raise ValueError("This deformation has no nodes.")
        z = self.code_network(self._faces(drive.select(_spread(len(drive)))))
        spread = torch.linalg.cholesky(z.T.cov() + 1e-9 * torch.eye(z.shape[1], device=z.device))
        motion = UNITS["position"] * self.basis[:, :3] @ spread
        inside = torch.zeros(len(self), dtype=torch.bool) if inside is None else inside
        self.field.place(rest.means, motion, inside.to(rest.means.device))

    @torch.no_grad()
    def remember(self, drive: Drive) -> None:
        """After the fit: hold coefficients and nodes within those of the rows that were fitted.

        The networks are asked about rows that are spread evenly, and about those where a coefficient is at its end.
        """
        faces = self._faces(drive)
        z = self.code_network(faces)
        self.code_network.remember(faces)
        if self.field is not None and self.field.placed:
            rows = torch.cat([z.argmin(0), z.argmax(0), _spread(len(drive)).to(z.device)]).unique()
            self.field.remember([self.driven(drive.frame(row)) for row in rows.tolist()])

    @torch.no_grad()
    def select(self, index: Tensor) -> None:
        """Make the new i-th Gaussian a copy of the old index[i], in place: to prune, to split, to move points.

        Parameters stay the same objects, so that an optimiser goes on with them; its state's rows are the caller's, for
        the parameters of PER_GAUSSIAN.
        """
        for name in PER_GAUSSIAN:
            owner, _, own = name.rpartition(".")
            if owner and self.field is None:
                continue
            tensor = getattr(self.get_submodule(owner), own)
            tensor.data = tensor.data[index]

    def forward(self, rest: Gaussians, frame: DriveFrame, step: int | None = None) -> Gaussians:
        """Move Gaussians from rest by one row of a Drive. Gradients flow to everything that is a parameter, and to
        `rest`.

        Args:
            rest: N Gaussians.
            step: in the first part of a training, its number: one network per view, chosen by it, and now and then a
                view less. None: all networks.

        Returns:
            N Gaussians in the head's frame, with their uncertainty: the expected error of a picture's colours where
            each is, 0 to 1 and more. The head's own pose is not yet in it.

        Raises:
            ValueError: another number of Gaussians.
        """
        if len(rest) != len(self):
            raise ValueError(f"This deformation moves {len(self)} Gaussians, not {len(rest)}.")
        driven = self.driven(frame)
        changes = (self.basis.flatten(0, 1) @ driven.coefficients).view(-1, CHANNELS) * self.units
        log_error = self.log_error
        if self.field is not None and self.field.placed:
            more, unsure = self.field(rest, driven, step)
            changes, log_error = changes + more, log_error + self.slope * unsure
        return replace(apply_changes(rest, changes), uncertainty=log_error.exp())

    def pose(self, rest: Gaussians, frame: DriveFrame, head_pose: Tensor, step: int | None = None) -> Gaussians:
        """`forward`, and then the head turns on its torso.

        Args:
            head_pose: (6,) rotation vector (radians) about the head's origin, then translation (metres).
        """
        return self.turn(self(rest, frame, step), head_pose)

    def turn(self, moved: Gaussians, head_pose: Tensor) -> Gaussians:
        """Turn moved Gaussians with the head's pose (6,), the torso's less."""
        if not head_pose.any():
            return moved
        turn = quats_from_rotation_vectors(head_pose[:3])
        torso = self.torso[:, None]
        means = moved.means @ matrices_from_quats(turn).T + head_pose[3:]
        blended = torso * turn.new_tensor([1.0, 0.0, 0.0, 0.0]) + (1.0 - torso) * turn
        quats = multiply_quats(nn.functional.normalize(blended, dim=1), moved.quats)
        return replace(moved, means=torso * moved.means + (1.0 - torso) * means, quats=quats)

    def driven(self, frame: DriveFrame) -> Driven:
        """What moves the branches in one row: standardised, within what was seen."""
        inputs, content = self.inputs, None if frame.window is None else self.inputs.content(frame.window)
        face = inputs(frame)
        return Driven(
            self.code_network(face), face, content, None if content is None else content[NOW],
            None if frame.style is None else inputs.style(frame.style),
            None if frame.emotion is None else inputs.emotion(frame.emotion),
        )

    @staticmethod
    def from_state(settings: DeformationSettings, state: dict[str, Tensor]) -> "Deformation":
        """One that `state_for_file` gave the tensors of, whose memory it takes over."""
        made = Deformation.unlearned(settings, len(state["basis"]))
        made.load_state_dict(state, assign=True)
        return made.eval()

    @staticmethod
    def unlearned(settings: DeformationSettings, count: int) -> "Deformation":
        """One with random weights, to be replaced, that leaves torch's random numbers as they were. Not on torch's
        "meta" device: what fills weights at random makes it import its compiler there, which takes a second."""
        with torch.random.fork_rng(devices=[]):
            return Deformation(settings, count, learning=False)

    def state_for_file(self) -> dict[str, Tensor]:
        """What a head's file holds: the state of a Deformation that is no longer learning."""
        if self.field is not None:
            for branch in (self.field.face, self.field.mouth):
                if branch is not None:
                    branch.settle()
        return {name: value for name, value in self.state_dict().items() if "planes." not in name}


def _spread(count: int) -> Tensor:
    """At most MOST_ROWS of so many rows, evenly spread."""
    return torch.linspace(0, count - 1, min(count, MOST_ROWS)).round().long()
