# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours that blend in linear light as the head's own do in sRGB."""

import numpy as np
import pytest
import torch

from engine.clip.linear_colors import linear_colors, to_linear
from engine.head.puppet import build_puppet
from engine.report import Report
from engine.splats.cameras import portrait_camera
from engine.splats.rasterize import rasterize


@pytest.mark.parametrize(("srgb", "linear"), [(0.0, 0.0), (0.04, 0.04 / 12.92), (0.5, 0.214041), (1.0, 1.0)])
def test_to_linear(srgb, linear):
    assert float(to_linear(torch.tensor(srgb))) == pytest.approx(linear, abs=1e-5)


def test_their_blend_is_nearer_than_that_of_colours_converted_one_by_one():
    rest, size = build_puppet().gaussians, 192
    viewmat, K = (torch.from_numpy(matrix)[None] for matrix in portrait_camera(size, size))

    def draw(colors, sh_degree=None):
        with torch.no_grad():
            picture, alphas, _ = rasterize(rest.means, rest.quats, rest.scales, rest.opacities, colors, viewmat, K,
                                           size, size, sh_degree=sh_degree)
        return (picture / alphas.clamp_min(1e-6))[alphas[..., 0] > 0.5].numpy()

    wanted = to_linear(torch.from_numpy(draw(rest.sh, 0)).clamp(0, 1)).numpy()
    plain = to_linear((0.5 + 0.28209479 * rest.sh[:, 0]).clamp(0, 1))
    fitted = linear_colors(rest, Report())
    errors = [np.square(draw(colors) - wanted).mean() for colors in (plain, fitted)]
    assert errors[1] < 0.4 * errors[0] and float(fitted.min()) >= 0
