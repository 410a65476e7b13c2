# SPDX-License-Identifier: GPL-3.0-or-later
"""A branch of UA-3DTalk's Uncertainty-based Deformation: views, uncertainty blocks, fusion, decoder, at P points.

The face has the views audio (with expression), content, style and emotion, and heads for position, rotation and scale;
the mouth interior has no emotion and the position alone. Where a drive lacks a view, the product of Gaussians simply
lacks a factor.
"""

import random
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .blocks import AUDIO, SPATIAL, AudioNet, Decoder, PointAttention, UncertaintyBlock
from .drive import CONTENT, STYLE
from .emotion_encoder import ENCODING, RESOLUTIONS, WIDTH, EmotionEncoder
from .fusion import fuse
from .planes import TriPlane

SPATIAL_RESOLUTIONS = (64, 128, 256, 512)
DROPPED = 0.1  # of the training's steps, for each view that a drive may lack


@dataclass
class Driven:
    """What moves a branch in one frame, standardised; what is not known is None.

    Args:
        coefficients: (R,) of the code network, for the basis.
        face: (X,) expression, gaze and landmark components.
        window: (8, 64); content: (64,), its middle.
        style: (64,).
        emotion: (128,).
    """

    coefficients: Tensor
    face: Tensor
    window: Tensor | None
    content: Tensor | None
    style: Tensor | None
    emotion: Tensor | None


class Branch(nn.Module):
    """P points' changes.

    Args:
        points: P.
        members: T.
        face: X, numbers of the face. The paper's audio view has six for eyes and expression; here it has all of them,
            because heads are also driven by expression alone.
        emotion: whether there is an emotion view.
        heads: what the decoder changes, name -> how many numbers.
        learning: with tri-planes, from which the points' codes are learned; without, with the codes alone.
    """

    def __init__(
        self, points: int, members: int, face: int, emotion: bool, heads: dict[str, int], learning: bool
    ) -> None:
        super().__init__()
        self.members = members
        self.planes = self.emotion_planes = None
        if learning:
            self.planes = TriPlane(points, SPATIAL // len(SPATIAL_RESOLUTIONS), SPATIAL_RESOLUTIONS)
            self.emotion_planes = TriPlane(points, WIDTH, RESOLUTIONS) if emotion else None
        self.register_buffer("codes", torch.zeros(SPATIAL, points))
        self.audio_net, self.attention = AudioNet(), PointAttention()
        views = {"audio": (face, AUDIO), "content": (CONTENT, 0), "style": (STYLE, 0)}
        self.emotion_encoder = None
        if emotion:
            self.register_buffer("emotion_codes", torch.zeros(ENCODING, points))
            self.emotion_encoder = EmotionEncoder()
            views["emotion"] = (0, ENCODING)
        self.views = nn.ModuleDict({name: UncertaintyBlock(members, *sizes) for name, sizes in views.items()})
        self.decoder = Decoder(heads)

    def place(self, positions: Tensor) -> None:
        """Set the points to (P, 3) metres."""
        for planes in (self.planes, self.emotion_planes):
            if planes is not None:
                planes.place(positions)

    @torch.no_grad()
    def settle(self) -> None:
        """Keep the codes that the tri-planes give now."""
        if self.planes is not None:
            self.codes.copy_(self.planes())
        if self.emotion_planes is not None:
            self.emotion_codes.copy_(self.emotion_planes())

    def forward(self, driven: Driven, step: int | None) -> tuple[Tensor, Tensor]:
        """Changes (C, P), and (P,) how unsure they are, see fusion.fuse.

        Args:
            step: in the first part of a training, chooses one network per view, and views to do without. None: all.
        """
        codes = self.codes if self.planes is None else self.planes()
        chance = None if step is None else random.Random(step)
        raw = []
        for name, (frame, gain) in self.inputs(driven).items():
            member = slice(None)
            if chance is not None:
                if name != "audio" and chance.random() < DROPPED:
                    continue
                first = chance.randrange(self.members)
                member = slice(first, first + 1)
            block = self.views[name]
            per_point = self._per_point(name, codes) if gain is not None else None
            raw.append(block(block.still(codes, member), frame, per_point, gain, member))
        fused, unsure = fuse(torch.stack(raw))
        return self.decoder(self.decoder.still(codes), fused), unsure

    def inputs(self, driven: Driven) -> dict[str, tuple[Tensor | None, Tensor | None]]:
        """View -> (numbers of the frame, what scales the points' own numbers), of the views that there are."""
        gain = None if driven.window is None else self.audio_net(driven.window)
        inputs = {"audio": (driven.face, gain)}
        inputs |= {"content": (driven.content, None), "style": (driven.style, None)}
        if self.emotion_encoder is not None and driven.emotion is not None:
            inputs["emotion"] = (None, self.emotion_encoder.attended(driven.emotion))
        return {name: (frame, gain) for name, (frame, gain) in inputs.items() if frame is not None or gain is not None}

    def _per_point(self, name: str, codes: Tensor) -> Tensor:
        """What a view's gain scales: the audio attention (32, P), or the emotion's spatial features (192, P)."""
        if name == "audio":
            return self.attention(codes)
        return self.emotion_codes if self.emotion_planes is None else self.emotion_planes()
