# SPDX-License-Identifier: GPL-3.0-or-later
import pytest
import torch

from engine.deform.fusion import FEATURES, PRIOR, fuse, fuse_by_inverses, split


def some_raw(views: int, members: int, points: int, dtype=torch.float64, seed: int = 0) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    raw = torch.randn(views, members, 2 * FEATURES, points, generator=random, dtype=torch.float64)
    raw[:, :, FEATURES:] = 2.5 * raw[:, :, FEATURES:] - 1.0
    return raw.to(dtype)


@pytest.mark.parametrize("views", [1, 3, 4])
@pytest.mark.parametrize("members", [1, 2, 10])
def test_exact_against_five_inverses(views, members):
    raw = some_raw(views, members, 50)
    fused, expected = fuse(raw)[0], fuse_by_inverses(raw)
    assert (fused - expected).abs().max() <= 1e-8 * max(1.0, expected.abs().max())


def test_log_determinant_and_gradients_in_float64():
    raw = some_raw(3, 4, 5).requires_grad_()
    means, variances = split(raw.detach())
    covariances = torch.diag_embed(variances.mT) + torch.stack(
        [torch.stack([torch.cov(view[:, :, p].T) for p in range(5)]) for view in means]
    )
    total = torch.linalg.inv(covariances).sum(0) + PRIOR * torch.eye(FEATURES, dtype=raw.dtype)
    torch.testing.assert_close(fuse(raw)[1], -torch.logdet(total) / FEATURES)
    target = torch.randn(FEATURES, 5, dtype=raw.dtype, generator=torch.Generator().manual_seed(1))
    grads = [torch.autograd.grad((f(raw) * target).sum(), raw)[0] for f in (lambda r: fuse(r)[0], fuse_by_inverses)]
    torch.testing.assert_close(*grads, atol=1e-9, rtol=1e-7)


@pytest.mark.parametrize("views, members, points", [(4, 10, 29), (3, 10, 8), (1, 2, 64), (2, 3, 200)])
@pytest.mark.parametrize("threads", [1, 3])
def test_compiled_kernel_against_float64(views, members, points, threads):
    """Values, log-determinants and gradients; the last block of eight overlaps the one before."""
    raw = some_raw(views, members, points, torch.float32)
    target = torch.randn(FEATURES, points, generator=torch.Generator().manual_seed(2))
    results = []
    for dtype in (torch.float32, torch.float64):
        leaf = raw.detach().to(dtype, copy=True).requires_grad_()
        fused, unsure = fuse(leaf, threads)
        (fused * target.to(dtype)).sum().backward()
        results.append([value.detach().double() for value in (fused, unsure, leaf.grad)])
    for got, expected in zip(*results):
        assert (got - expected).abs().max() <= 1e-4 * expected.abs().max()
    assert torch.equal(fuse(raw, 1)[0], fuse(raw, threads)[0])


def test_an_unsure_view_counts_less_and_nothing_sure_is_zero():
    raw = torch.zeros(2, 3, 2 * FEATURES, 1)
    raw[0, :, :FEATURES], raw[1, :, :FEATURES] = 1.0, -1.0
    raw[0, :, FEATURES:], raw[1, :, FEATURES:] = -6.0, 4.0
    fused, unsure = fuse(raw)
    assert (fused > 0.95).all()
    raw[0, :, FEATURES:] = 4.0
    nothing, more = fuse(raw)
    assert nothing.abs().max() < 1e-6 and -0.1 < more < 0 and more > unsure


def test_networks_that_disagree_make_a_view_unsure():
    raw = some_raw(1, 10, 8)
    raw[:, :, FEATURES:] = -4.0
    raw[:, :, :FEATURES] = raw[:, :1, :FEATURES]  # all say the same
    agreed = fuse(raw)[1]
    raw[:, :, :FEATURES] += some_raw(1, 10, 8, seed=3)[:, :, :FEATURES]
    assert (fuse(raw)[1] > agreed + 0.2).all()
