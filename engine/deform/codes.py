# SPDX-License-Identifier: GPL-3.0-or-later
"""From what drives a head to a few coefficients: inputs within what was seen, and the code network."""

import torch
from torch import Tensor, nn

from .drive import CONTENT, EMOTION, EXPRESSION, GAZE, STYLE, Drive, DriveFrame

# How far inputs and coefficients may go beyond what was seen, as a share of its range.
BEYOND = 0.25
# How far coefficients may go together, as a share of the diagonal of their ranges: what was seen of an actor and in a
# film came to 0.41 and 0.42 of it, half of all rows to less than 0.26.
TOGETHER = 0.5
LEAST_SPREAD = 1e-2
LEAST_VARIANCE = 1e-4  # of a principal component, as a share of the first one's
FAR = 1e4  # "no limit yet", where nothing has been seen


class Standard(nn.Module):
    """Numbers (..., X) minus their mean, over their spread, held within what was seen and BEYOND.

    Args:
        size: X.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("scale", torch.ones(size))
        self.register_buffer("low", torch.full((size,), -FAR))
        self.register_buffer("high", torch.full((size,), FAR))

    @torch.no_grad()
    def see(self, values: Tensor) -> None:
        """Learn all of that from (T, X)."""
        values = values.double()
        low, high = values.amin(0), values.amax(0)
        spread = values.std(0, correction=0)
        self.mean.copy_(values.mean(0))
        self.scale.copy_(torch.where(high - low > 1e-6, spread.clamp_min(LEAST_SPREAD), torch.ones_like(spread)))
        self.low.copy_(low - BEYOND * (high - low))
        self.high.copy_(high + BEYOND * (high - low))

    def forward(self, values: Tensor) -> Tensor:
        return (torch.minimum(torch.maximum(values, self.low), self.high) - self.mean) / self.scale


class Inputs(nn.Module):
    """What drives a head, standardised, never far from what was seen.

    A shape that the capture never showed is held still, and so is the style, of which a capture shows one. Codes that a
    take does not have are predicted from expression, gaze and content by ridge regression over the capture.

    Args:
        codes: C, landmark components.
    """

    def __init__(self, codes: int) -> None:
        super().__init__()
        self.codes = codes
        self.size = EXPRESSION + GAZE + codes
        self.face = Standard(self.size)
        self.content, self.style, self.emotion = Standard(CONTENT), Standard(STYLE), Standard(EMOTION)
        self.register_buffer("codes_weight", torch.zeros(codes, EXPRESSION + GAZE + CONTENT))
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
        if drive.content is not None:
            self.content.see(drive.content[drive.frames])
        if drive.emotion is not None:
            self.emotion.see(drive.emotion[drive.frames])
        if drive.style is not None:
            self.style.see(drive.style[None])
            self.style.mean.zero_()  # the one style that was seen is not nothing
        known = torch.cat([drive.expression, drive.gaze], 1)
        if self.codes:
            heard = known.new_zeros(len(known), CONTENT)
            if drive.content is not None:
                heard = self.content(drive.content[drive.frames])
            self._learn_codes(torch.cat([known, heard], 1).double(), drive.codes.double(), ridge)
            known = torch.cat([known, drive.codes], 1)
        self.face.see(known)

    def _learn_codes(self, known: Tensor, codes: Tensor, ridge: float) -> None:
        mean, spread = known.mean(0), known.std(0, correction=0).clamp_min(1e-3)
        x = (known - mean) / spread
        gram = x.T @ x + ridge * len(x) * torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
        weight = torch.linalg.solve(gram, x.T @ (codes - codes.mean(0))).T / spread
        self.codes_weight.copy_(weight)
        self.codes_bias.copy_(codes.mean(0) - weight @ mean)

    def forward(self, frame: DriveFrame) -> Tensor:
        """(52 + 2 + C,) standardised expression, gaze and codes of one row.

        Raises:
            ValueError: codes of another number.
        """
        x = torch.cat([frame.expression, frame.gaze])
        if self.codes:
            codes = frame.codes if frame.codes is not None else self._predict(x, frame.content)
            if codes.shape != (self.codes,):
                raise ValueError(f"This deformation has {self.codes} codes, the drive has {len(codes)}.")
            x = torch.cat([x, codes])
        return self.face(x)

    def _predict(self, known: Tensor, content: Tensor | None) -> Tensor:
        heard = torch.zeros_like(self.content.mean) if content is None else self.content(content)
        return self.codes_weight @ torch.cat([known, heard]) + self.codes_bias


class CodeNetwork(nn.Module):
    """Standardised inputs (X,) to coefficients (R,): a linear map and a small MLP beside it.

    After the fit the coefficients are held within what the capture needed (`remember`), so that no slider and no sound
    can throw a Gaussian further than the pictures did: each within its own range and BEYOND, and all of them TOGETHER,
    since what is extreme in every way at once was never seen, and tears.
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
        middle, half = (self.high + self.low) / 2, ((self.high - self.low) / 2).clamp_min(1e-9)
        off = ((z - middle) / half).clamp(-1.0, 1.0)
        most = max(1.0, TOGETHER * len(half) ** 0.5)
        return middle + half * off * (most / off.norm(dim=-1, keepdim=True).clamp_min(most))

    @torch.no_grad()
    def begin(self, inputs: Tensor) -> None:
        """Begin with the principal components of standardised inputs (T, X), each of unit variance: what a capture
        shows most gets a coefficient of its own. Where there are fewer than R, the others stay as they are."""
        values, vectors = torch.linalg.eigh(inputs.T.cov())
        values, vectors = values.flip(0), vectors.flip(1)
        found = min(len(self.low), int((values > LEAST_VARIANCE * values[0]).sum()))
        self.linear.weight[:found] = (vectors[:, :found] / values[:found].sqrt()).T

    @torch.no_grad()
    def remember(self, inputs: Tensor) -> None:
        """Hold the coefficients within those of standardised inputs (T, X), and BEYOND."""
        z = self.linear(inputs) + self.layers(inputs)
        low, high = z.amin(0), z.amax(0)
        self.low.copy_(low - BEYOND * (high - low))
        self.high.copy_(high + BEYOND * (high - low))
