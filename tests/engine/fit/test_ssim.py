# SPDX-License-Identifier: GPL-3.0-or-later
"""SSIM: the compiled kernels against the definition in float64, value and slope."""

import pytest
import torch

from engine.fit.ssim import multi_scale_ssim, ssim, ssim_map


def planes(height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(4)
    target = torch.rand(3, height, width, generator=random)
    return (0.9 * target + 0.1 * torch.rand(3, height, width, generator=random)).clamp(0, 1), target


@pytest.mark.parametrize("size", [(11, 11), (37, 52), (64, 40)])
def test_value_and_slope_are_those_of_the_definition(size):
    picture, target = planes(*size)
    exact = picture.double().requires_grad_()
    value = ssim_map(exact, target.double()).mean()
    value.backward()
    fast = picture.clone().requires_grad_()
    found = ssim(fast, target, threads=2)
    (3 * found).backward()
    assert float(found.detach()) == pytest.approx(float(value.detach()), abs=2e-6)
    off = (fast.grad / 3 - exact.grad).abs().max() / exact.grad.abs().max()
    assert off < 1e-5


def test_equal_pictures_are_wholly_alike():
    _, target = planes(30, 30)
    assert float(ssim(target, target)) == pytest.approx(1.0, abs=1e-6)


def test_several_scales_are_averaged_as_far_as_the_picture_reaches():
    picture, target = planes(48, 48)
    halves = [torch.nn.functional.avg_pool2d(p[None], 2)[0] for p in (picture, target)]
    expected = (ssim(picture, target) + ssim(*halves)) / 2
    assert float(multi_scale_ssim(picture, target, 2)) == pytest.approx(float(expected), abs=1e-6)
    assert float(multi_scale_ssim(picture, target, 9)) != pytest.approx(float(expected), abs=1e-4)


def test_a_picture_smaller_than_the_window_is_refused():
    with pytest.raises(ValueError, match="11 pixels"):
        ssim(torch.zeros(3, 10, 40), torch.zeros(3, 10, 40))
