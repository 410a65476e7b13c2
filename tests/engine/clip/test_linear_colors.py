# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours that blend in linear light as the head's own do in sRGB."""

import numpy as np
import pytest
import torch

from engine.clip.linear_colors import linear_colors, to_linear
from engine.head.puppet import build_puppet
from engine.report import Report
from engine.splats.gaussians import Gaussians
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
    fitted, tiles = linear_colors(rest, Report())
    errors = [np.square(draw(colors) - wanted).mean() for colors in (plain, fitted)]
    assert errors[1] < 0.4 * errors[0] and float(fitted.min()) >= 0
    assert float(tiles.min()) >= 0 and float(tiles.max()) <= 1


def test_tiles_show_what_the_picture_shows_at_their_place():
    """A red splat behind a blue veil is purple in the picture, and so are their tiles; one that stands alone keeps its
    own colour."""
    means = torch.tensor([[0.0, 0.0, 0.0], [0.0, -0.01, 0.0], [0.1, 0.0, 0.0]])
    count = len(means)
    sh = torch.zeros(count, 1, 3)
    red, blue, green = (torch.tensor(c) for c in ((0.9, 0.1, 0.1), (0.1, 0.1, 0.9), (0.1, 0.8, 0.1)))
    for k, color in enumerate((red, blue, green)):
        sh[k, 0] = (color - 0.5) / 0.28209479
    rest = Gaussians(means, torch.tensor([[1.0, 0, 0, 0]]).repeat(count, 1), torch.full((count, 3), 0.01),
                     torch.tensor([0.99, 0.5, 0.99]), sh)
    _, tiles = linear_colors(rest, Report())
    assert 0.1 < float(tiles[1, 0]) < float(to_linear(red[0])), "the veil shows the red behind it"
    assert float(tiles[1, 2]) < float(to_linear(blue[2]))
    torch.testing.assert_close(tiles[2], to_linear(green), atol=0.02, rtol=0.0)
