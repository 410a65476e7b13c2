# SPDX-License-Identifier: GPL-3.0-or-later
"""From what drives a head to a few coefficients: inputs within what was seen, and the code network."""

import torch
from torch import Tensor, nn

from .drive import CONTENT, EXPRESSION, GAZE, Drive, DriveFrame

# How far inputs and coefficients may go beyond what was seen, as a share of its range.
BEYOND = 0.25
FAR = 1e4  # "no limit yet", where nothing has been seen


class Inputs(nn.Module):
    """Expression, gaze and codes as one standardised vector that never leaves what was seen by more than BEYOND.

    A shape that the capture never showed is held still. Codes that a take does not have are predicted from expression,
    gaze and content by ridge regression over the capture.

    Args:
        codes: C, landmark components.
    """

    def __init__(self, codes: int) -> None:
        super().__init__()
        self.codes, known = codes, EXPRESSION + GAZE + CONTENT
        self.size = EXPRESSION + GAZE + codes
        self.register_buffer("mean", torch.zeros(self.size))
        self.register_buffer("scale", torch.ones(self.size))
        self.register_buffer("low", torch.full((self.size,), -FAR))
        self.register_buffer("high", torch.full((self.size,), FAR))
        self.register_buffer("content_mean", torch.zeros(CONTENT))
        self.register_buffer("codes_weight", torch.zeros(codes, known))
        self.register_buffer("codes_bias", torch.zeros(codes))

    @torch.no_grad()
    def see(self, drive: Drive, ridge: float = 1e-2) -> None:
        """Learn range, mean and spread of the inputs, and how codes follow from the rest, from a capture's rows.

        Raises:
            ValueError: the drive's codes are not those of the settings.
        """
        has = 0 if drive.codes is None else drive.codes.shape[1]
        if has != self.codes:
            raise ValueError(f"This deformation has {self.codes} codes, the drive has {has}.")
        content = None if drive.content is None else drive.content[drive.frames].double()
        known = torch.cat([drive.expression, drive.gaze], 1).double()
        if content is not None:
            self.content_mean.copy_(content.mean(0))
        heard = known.new_zeros(len(known), CONTENT) if content is None else content - content.mean(0)
        if self.codes:
            self._learn_codes(torch.cat([known, heard], 1), drive.codes.double(), ridge)
            known = torch.cat([known, drive.codes.double()], 1)
        low, high = known.amin(0), known.amax(0)
        spread = known.std(0, correction=0)
        self.mean.copy_(known.mean(0))
        self.scale.copy_(torch.where(high - low > 1e-6, spread.clamp_min(1e-2), torch.ones_like(spread)))
        self.low.copy_(low - BEYOND * (high - low))
        self.high.copy_(high + BEYOND * (high - low))

    def _learn_codes(self, known: Tensor, codes: Tensor, ridge: float) -> None:
        mean, spread = known.mean(0), known.std(0, correction=0).clamp_min(1e-3)
        x = (known - mean) / spread
        gram = x.T @ x + ridge * len(x) * torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
        weight = torch.linalg.solve(gram, x.T @ (codes - codes.mean(0))).T / spread
        self.codes_weight.copy_(weight)
        self.codes_bias.copy_(codes.mean(0) - weight @ mean)

    def forward(self, frame: DriveFrame) -> Tensor:
        """(52 + 2 + C,) standardised inputs of one row.

        Raises:
            ValueError: codes of another number.
        """
        x = torch.cat([frame.expression, frame.gaze])
        if self.codes:
            codes = frame.codes if frame.codes is not None else self._predict(x, frame.content)
            if codes.shape != (self.codes,):
                raise ValueError(f"This deformation has {self.codes} codes, the drive has {len(codes)}.")
            x = torch.cat([x, codes])
        return (torch.minimum(torch.maximum(x, self.low), self.high) - self.mean) / self.scale

    def _predict(self, known: Tensor, content: Tensor | None) -> Tensor:
        heard = torch.zeros_like(self.content_mean) if content is None else content - self.content_mean
        return self.codes_weight @ torch.cat([known, heard]) + self.codes_bias


class CodeNetwork(nn.Module):
    """Standardised inputs (X,) to coefficients (R,): a linear map and a small MLP beside it.

    After the fit the coefficients are held within what the capture needed (`remember`), so that no slider and no sound
    can throw a Gaussian further than the pictures did.
    """

    def __init__(self, inputs: int, width: int, rank: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, rank, bias=False)
        nn.init.normal_(self.linear.weight, std=inputs**-0.5)
        self.layers = nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, rank))
        self.register_buffer("low", torch.full((rank,), -FAR))
        self.register_buffer("high", torch.full((rank,), FAR))

    def forward(self, inputs: Tensor) -> Tensor:
        z = self.linear(inputs) + self.layers(inputs)
        return torch.minimum(torch.maximum(z, self.low), self.high)

    @torch.no_grad()
    def remember(self, inputs: Tensor) -> None:
        """Hold the coefficients within those of standardised inputs (T, X), and BEYOND."""
        z = self.linear(inputs) + self.layers(inputs)
        low, high = z.amin(0), z.amax(0)
        self.low.copy_(low - BEYOND * (high - low))
        self.high.copy_(high + BEYOND * (high - low))
