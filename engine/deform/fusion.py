# SPDX-License-Identifier: GPL-3.0-or-later
"""Fusion: what several views, each of several networks, say about the same point, as one Gaussian.

UA-3DTalk (arXiv 2601.19112), section Uncertainty-based Deformation. A view's T networks give means m_t and diagonal
variances. Its covariance is aleatoric plus epistemic (Kendall & Gal, What uncertainties do we need, NeurIPS 2017;
Lakshminarayanan et al., Deep ensembles, NeurIPS 2017): the mean of the variances, D, plus the covariance of the means,
M M^T, of rank T - 1. Views are fused as a product of Gaussians: precisions add, means are weighted by precision. An
expert that knows nothing, N(0, 1), is one of the factors (Wu & Goodman, MVAE, NeurIPS 2018): where no view is sure, the
product falls back to zero.

The inverses are never formed. By Woodbury, a view's precision is D^-1 - W W^T with W = D^-1 M L^-T and
L L^T = I + M^T D^-1 M; the sum over views is E - W W^T with all W side by side, and again by Woodbury
(E - W W^T)^-1 = E^-1 + E^-1 W (I - W^T E^-1 W)^-1 W^T E^-1.
"""

import torch
from torch import Tensor

from . import cpu

FEATURES = 48
PRIOR = 1.0  # precision of the expert that knows nothing
LEAST, MOST = -6.0, 4.0  # log-variance of a network


def split(raw: Tensor) -> tuple[Tensor, Tensor]:
    """Means (V, T, 48, P) and aleatoric variances (V, 48, P) of what networks gave: (V, T, 96, P), means, then
    log-variances, which are held within LEAST and MOST."""
    means, logs = raw.split(FEATURES, 2)
    return means, logs.clamp(LEAST, MOST).exp().mean(1)


def fuse(raw: Tensor, threads: int = 0) -> tuple[Tensor, Tensor]:
    """The product of V views of T networks each, and the expert that knows nothing.

    Args:
        raw: (V, T, 96, P), see `split`.
        threads: of the compiled kernel; 0 for all cores.

    Returns:
        (48, P) fused means, and (P,) how unsure they are: the mean log-eigenvalue of the fused covariance,
        log det / 48, without a gradient; 0 is as much as nothing known.
    """
    if cpu.runs(raw) and raw.shape[1] > 1 and raw.shape[3] >= cpu.LEAST_POINTS:
        return cpu.fuse(raw, threads)
    means, variances = split(raw)
    inverse = 1 / variances
    members = raw.shape[1]
    center = means.mean(1)
    E = inverse.sum(0) + PRIOR
    b = (inverse * center).sum(0)
    if members == 1:
        return b / E, -E.detach().log().mean(0)
    M = ((means - center[:, None]) / (members - 1) ** 0.5).permute(3, 0, 2, 1)  # (P, V, 48, T)
    N = inverse.permute(2, 0, 1)[..., None] * M
    eye = torch.eye(members, dtype=raw.dtype, device=raw.device)
    L = torch.linalg.cholesky(eye + M.mT @ N)
    W = torch.linalg.solve_triangular(L, N.mT, upper=False).mT  # (P, V, 48, T)
    b = b.T - (W @ (W.mT @ center.permute(2, 0, 1)[..., None])).sum(1)[..., 0]
    W = W.transpose(1, 2).flatten(2)  # (P, 48, V T)
    E = E.T
    S = W / E[..., None]
    K = torch.linalg.cholesky(torch.eye(W.shape[2], dtype=raw.dtype, device=raw.device) - W.mT @ S)
    x = b / E
    fused = x + (S @ torch.cholesky_solve(W.mT @ x[..., None], K))[..., 0]
    log_det = E.detach().log().sum(1) + 2 * K.detach().diagonal(dim1=1, dim2=2).log().sum(1)
    return fused.T, -log_det / FEATURES


def fuse_by_inverses(raw: Tensor) -> Tensor:
    """(48, P) fused means as the method's authors compute them: every view's covariance inverted, their sum inverted
    again. What `fuse` is tested and timed against."""
    means, variances = split(raw)
    center = means.mean(1)
    members = raw.shape[1]
    deviations = (means - center[:, None]).permute(0, 3, 2, 1)  # (V, P, 48, T)
    covariances = torch.diag_embed(variances.mT) + deviations @ deviations.mT / max(members - 1, 1)
    precisions = torch.linalg.inv(covariances)
    weighted = (precisions @ center.mT[..., None]).sum(0)
    total = precisions.sum(0) + PRIOR * torch.eye(FEATURES, dtype=raw.dtype, device=raw.device)
    return (torch.linalg.inv(total) @ weighted)[..., 0].T
