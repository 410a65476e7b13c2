# SPDX-License-Identifier: GPL-3.0-or-later
"""Poses over time against landmarks and a prior on the head's acceleration, solved for the whole clip at once.

The solve is the maximum a posteriori path of a head whose acceleration is white noise (a Rauch-Tung-Striebel smoother
would find the same): it uses the future as well as the past and so has no lag, trusts landmarks where they say much
(sideways) and the prior where they say little (depth), and bridges frames without a face.
"""

import numpy as np

from ...disk_rows import blocks
from ...report import Report
from .poses import FramePoses, exp_so3, log_so3, reprojection

# Root mean square accelerations of a talking head: where the poses agreed best with a film's optical flow.
TURN_ACCELERATION = 4.0  # radians per second squared
MOVE_ACCELERATION = 50.0  # centimetres per second squared
STEPS = 6
GROUP = 8  # frames per block of the block-tridiagonal system; at least 2
SEGMENT = 128  # groups whose eliminated blocks are in memory at once


def smooth_poses(
    poses: FramePoses,
    observed: np.ndarray,
    shape: np.ndarray,
    focal: float,
    found: np.ndarray,
    fps: float,
    noise: float,
    independent: float,
    cuts: np.ndarray | None,
    report: Report,
) -> FramePoses:
    """Gauss-Newton over all poses, shape and lens held. Time grows with the number of frames T, and so does memory, by
    less than a kilobyte for each.

    Args:
        poses: first guess; frames without a face are filled by interpolation.
        observed: (T, P, 2) pixels from the principal point, an array or what reads slices of one.
        shape: (P, 3) centimetres.
        found: (T,) bool, frames whose landmarks count.
        noise: pixels per axis.
        independent: how many independent points a frame's landmarks are worth.
        cuts: frames that begin a new shot.
    """
    poses = _filled(poses, found)
    tension = _tension(len(found), cuts)
    stiffness = np.repeat([TURN_ACCELERATION, MOVE_ACCELERATION], 3) / fps**2
    stiffness = 1 / stiffness**2
    for step in range(STEPS):
        report.progress("poses", step, STEPS)
        hessians, gradients = _data_terms(poses, observed, shape, focal, found, noise, independent, report)
        bends = stiffness * _bends(poses) * tension[:, None]
        gradients[:-2] += bends
        gradients[1:-1] -= 2 * bends
        gradients[2:] += bends
        del bends
        move = _solve_banded(hessians, tension, stiffness, gradients, report)
        del hessians, gradients
        poses = poses.moved(-move)
    report.progress("poses", STEPS, STEPS)
    return poses


def _tension(frames: int, cuts: np.ndarray | None) -> np.ndarray:
    """(T - 2,) 1 where the prior binds frames k, k + 1 and k + 2, 0 where a shot begins among the last two."""
    tension = np.ones(max(frames - 2, 0))
    for cut in () if cuts is None else cuts:
        tension[max(cut - 2, 0) : max(cut, 0)] = 0
    return tension


def _filled(poses: FramePoses, found: np.ndarray) -> FramePoses:
    """Frames without a face, between their neighbours' poses; before the first and after the last, as those."""
    known = np.flatnonzero(found)
    wanted = np.arange(len(found))
    right = np.clip(np.searchsorted(known, wanted), 0, len(known) - 1)
    left = np.where(known[right] == wanted, right, np.maximum(right - 1, 0))
    right = np.where(wanted > known[-1], left, right)
    a, b = known[left], known[right]
    share = np.clip((wanted - a) / np.maximum(b - a, 1), 0, 1)[:, None]
    filled = FramePoses(np.empty_like(poses.rotations), np.empty_like(poses.translations))
    for part in blocks(len(found)):
        before, after, way = poses[a[part]], poses[b[part]], share[part]
        turn = log_so3(after.rotations @ before.rotations.transpose(0, 2, 1))
        filled.rotations[part] = exp_so3(way * turn) @ before.rotations
        filled.translations[part] = (1 - way) * before.translations + way * after.translations
    return filled


def _data_terms(poses, observed, shape, focal, found, noise, independent, report) -> tuple[np.ndarray, np.ndarray]:
    """Hessians (T, 6, 6) and gradients (T, 6) of the landmarks, robust; zero where there is no face."""
    frames = len(found)
    hessians, gradients = np.zeros((frames, 6, 6)), np.zeros((frames, 6))
    for part in blocks(frames):
        report.check()
        projected = reprojection(poses[part], shape, focal)
        misses = projected.pixels - observed[part]
        squares = (misses**2).sum(-1)
        # A frame that is off as a whole is a head faster than the prior, and not a frame of outliers.
        scale = 9 * np.maximum(noise**2, np.median(squares, axis=1, keepdims=True) / (2 * np.log(2)))
        weights = (scale / (scale + squares)) ** 2 * independent / len(shape) / noise**2
        weights = weights * found[part, None]
        jacobian = projected.pose_jacobian()
        weighted = jacobian * weights[..., None, None]
        hessians[part] = np.einsum("tpic,tpid->tcd", weighted, jacobian, optimize=True)
        gradients[part] = np.einsum("tpic,tpi->tc", weighted, misses, optimize=True)
    return hessians, gradients


def _bends(poses: FramePoses) -> np.ndarray:
    """(T - 2, 6) how the poses' velocities change from frame to frame."""
    bends = np.empty((max(len(poses) - 2, 0), 6))
    for part in blocks(len(bends)):
        some = poses[part.start : part.stop + 2]
        turns = log_so3(some.rotations[1:] @ some.rotations[:-1].transpose(0, 2, 1))
        moves = np.diff(some.translations, axis=0)
        bends[part] = np.diff(np.concatenate([turns, moves], -1), axis=0)
    return bends


def _solve_banded(
    hessians: np.ndarray, tension: np.ndarray, stiffness: np.ndarray, right_hand: np.ndarray, report: Report
) -> np.ndarray:
    """Solve (blockdiag(hessians) + D' diag(tension) D x diag(stiffness)) move = right_hand, D second differences.

    GROUP frames form a block, so that the system is block-tridiagonal and falls to one sweep of block elimination. What
    is eliminated is 2 kB for each frame: of all but the last SEGMENT only where it began is kept, and it is done again
    on the way back.
    """
    frames = len(hessians)
    groups = -(-frames // GROUP)
    padded = groups * GROUP
    bands = np.zeros((3, padded))  # of the symmetric pentadiagonal D' diag(tension) D
    n = len(tension)
    bands[0, :n] += tension
    bands[0, 1 : n + 1] += 4 * tension
    bands[0, 2 : n + 2] += tension
    bands[1, :n] -= 2 * tension
    bands[1, 1 : n + 1] -= 2 * tension
    bands[2, :n] += tension

    block = GROUP * 6
    right = np.zeros((padded, 6))
    right[:frames] = right_hand
    right = right.reshape(groups, block)

    def eliminate(first: int, pivot, carried, upper) -> list[tuple]:
        """A segment's pivots, right-hand sides and blocks to the right, one of each for each group, from those of the
        group before it (None: there is none)."""
        report.check()
        done = []
        for g in range(first, min(first + SEGMENT, groups)):
            diagonal, next_upper = _group(bands, hessians, stiffness, g)
            rhs = right[g]
            if pivot is not None:
                through = np.linalg.solve(pivot, np.column_stack([upper, carried]))
                diagonal = diagonal - upper.T @ through[:, :-1]
                rhs = rhs - upper.T @ through[:, -1]
            pivot, carried, upper = diagonal, rhs, next_upper
            done.append((pivot, carried, upper))
        return done

    firsts, begins = range(0, groups, SEGMENT), [(None, None, None)]
    for first in firsts:
        done = eliminate(first, *begins[-1])
        begins.append(done[-1])
    solution = np.zeros((groups, block))
    for segment in reversed(range(len(firsts))):
        first = firsts[segment]
        if segment < len(firsts) - 1:
            done = eliminate(first, *begins[segment])
        for g, (pivot, carried, upper) in zip(range(first + len(done) - 1, first - 1, -1), reversed(done)):
            rhs = carried if g == groups - 1 else carried - upper @ solution[g + 1]
            solution[g] = np.linalg.solve(pivot, rhs)
    return solution.reshape(padded, 6)[:frames]


def _group(bands: np.ndarray, hessians: np.ndarray, stiffness: np.ndarray, g: int) -> tuple[np.ndarray, np.ndarray]:
    """Diagonal block and the block to its right, (6 GROUP, 6 GROUP) each, of group g."""
    first = g * GROUP
    time = np.zeros((GROUP, 2 * GROUP))
    for offset in range(3):
        for k in range(GROUP):
            time[k, k + offset] = bands[offset, first + k]
            if offset and k + offset < GROUP:
                time[k + offset, k] = time[k, k + offset]
    diagonal = np.kron(time[:, :GROUP], np.diag(stiffness))
    for k in range(GROUP):
        own = hessians[first + k] if first + k < len(hessians) else np.eye(6)
        diagonal[6 * k : 6 * k + 6, 6 * k : 6 * k + 6] += own + 1e-9 * np.eye(6)
    return diagonal, np.kron(time[:, GROUP:], np.diag(stiffness))
