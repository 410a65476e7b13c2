# SPDX-License-Identifier: GPL-3.0-or-later
"""Control nodes: which Gaussians are nodes, and which nodes a Gaussian follows.

Embedded deformation (Sumner, Schmid, Pauly, SIGGRAPH 2007) with learned weights (SC-GS, Huang et al., CVPR 2024). What
is near is judged in a space of place and motion: two Gaussians are as far from each other as they are at rest and,
three times over, as what they did in the capture differs. So nodes crowd where motion differs from place to place
(lips, lids, brows), and nothing follows a node across a gap that opens: the lips touch at rest, but one comes with the
jaw.
"""

import torch
from torch import Tensor

from . import cpu

# How much a metre of difference in motion weighs, against a metre of distance.
MOTION = 3.0
# Where nothing moves, nodes may lie this much further apart; from this motion on (metres, rms) they are densest.
SPARSE, LIVELY = 0.2, 0.003
COMPONENTS = 8  # of the motions, that distances are taken in


def motion_space(means: Tensor, motion: Tensor) -> tuple[Tensor, Tensor]:
    """Places and motions as points of one Euclidean space.

    Args:
        means: (N, 3) metres at rest.
        motion: (N, 3, R) metres, how each point moves with R uncorrelated coefficients of unit variance.

    Returns:
        (N, 3 + 8) metres, and (N,) metres, how far each point moves, root mean square.
    """
    flat = motion.flatten(1)
    centred = flat - flat.mean(0)
    keep = min(COMPONENTS, centred.shape[1])
    values, vectors = torch.linalg.eigh(centred.T @ centred)
    return torch.cat([means, MOTION * centred @ vectors[:, -keep:]], 1), flat.norm(dim=1)


def choose_nodes(space: Tensor, reach: Tensor, count: int) -> Tensor:
    """(K,) indices of K = min(count, N) of N points, each the furthest from those before (Gonzalez 1985), still parts
    counting less.

    Args:
        space, reach: of `motion_space`.
    """
    weight = SPARSE + (1 - SPARSE) * (reach / LIVELY).clamp(max=1.0)
    chosen = [int(reach.argmax())]
    distance = (space - space[chosen[0]]).norm(dim=1)
    for _ in range(min(count, len(space)) - 1):
        chosen.append(int((distance * weight).argmax()))
        distance = torch.minimum(distance, (space - space[chosen[-1]]).norm(dim=1))
    return torch.tensor(chosen)


def attach(space: Tensor, nodes: Tensor, neighbours: int) -> tuple[Tensor, Tensor]:
    """Which nodes N points follow, and by how much at first.

    Args:
        space: (N, D), of `motion_space`.
        nodes: (K,) indices of the points that are nodes, K >= neighbours.

    Returns:
        (N, k) places in `nodes`, and (N, k) logits whose softmax falls off with the distance.
    """
    indices, logits = [], []
    for part in space.split(4096):
        distance, index = torch.cdist(part, space[nodes]).topk(neighbours, largest=False)
        scale = distance.mean(1, keepdim=True).clamp_min(1e-6)
        indices.append(index)
        logits.append(-((distance / scale) ** 2))
    return torch.cat(indices), torch.cat(logits)


def follow(
    nodes: Tensor, unsure: Tensor, means: Tensor, centers: Tensor, index: Tensor, logits: Tensor, threads: int = 0
) -> tuple[Tensor, Tensor]:
    """What N points do when they follow their nodes.

    Args:
        nodes: (13, K) changes of the nodes; rows 0 to 2 positions in metres, 3 to 5 rotation vectors in radians.
        unsure: (K,) of the nodes.
        means: (N, 3) the points at rest, metres; centers: (K, 3) the nodes.
        index: (N, k) int32, the nodes of every point.
        logits: (N, k), whose softmax are the weights.
        threads: of the compiled kernel; 0 for all cores.

    Returns:
        (N, 13), positions moved by the nodes' rotations too, to first order in the angle; and (N,) the nodes' `unsure`.
        Gradients flow to `nodes` and `logits`, from the first.
    """
    if cpu.runs(nodes):
        return cpu.follow(nodes, unsure, means, centers, index, logits, threads)
    index, weights = index.long(), torch.softmax(logits, 1)
    changes = nodes.T[index]
    swing = torch.linalg.cross(changes[..., 3:6], means.detach()[:, None] - centers[index])
    changes = torch.cat([changes[..., :3] + swing, changes[..., 3:]], 2)
    return (weights[..., None] * changes).sum(1), (weights * unsure[index]).sum(1).detach()
