# SPDX-License-Identifier: GPL-3.0-or-later
"""The sync expert: motion in any unit, offsets with their sign, gradients for the mouth."""

import numpy as np
import pytest
import torch

from engine.prior.storage import load_network, save_network
from engine.prior.sync_expert import KIND, SyncExpert, find_offset, motion_of, motion_of_curves


class Seeing:
    """An expert that knows: sound and motion hold their embeddings."""

    def embed_sound(self, content: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.normalize(content[:, :, ::2], dim=1)

    def embed_motion(self, motion: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.normalize(motion, dim=1)


@pytest.mark.parametrize("late", [-9, -4, 0, 3, 11])
def test_a_late_mouth_is_positive(late):
    content = np.random.default_rng(0).normal(size=(200, 64)).astype(np.float32)
    motion = torch.from_numpy(content[::2].T.copy())[None].roll(late, 2)
    offset, confidence = find_offset(content, motion, Seeing())
    assert offset * 25 == pytest.approx(late, abs=0.5)
    assert confidence > 0.5


def test_a_mouth_that_has_nothing_to_do_with_the_sound_has_no_confidence():
    rng = np.random.default_rng(0)
    content = rng.normal(size=(500, 64)).astype(np.float32)
    other = torch.from_numpy(rng.normal(size=(1, 64, 250)).astype(np.float32))
    assert find_offset(content, other, Seeing())[1] < 0.1


def test_units_of_the_motion_do_not_matter():
    gap, width = torch.rand(2, 1, 100, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(motion_of(gap, width), motion_of(40.0 * gap + 3.0, 0.01 * width), atol=2e-2, rtol=1e-2)


def test_both_towers_give_one_vector_of_unit_length_a_window():
    torch.manual_seed(0)
    expert = SyncExpert().eval()
    sound, motion = expert.embed_sound(torch.randn(2, 64, 100)), expert.embed_motion(torch.randn(2, 4, 50))
    assert sound.shape == motion.shape == (2, 64, 50)
    for embedding in (sound, motion):
        torch.testing.assert_close(embedding.norm(dim=1), torch.ones(2, 50))


def test_gradients_reach_the_mouth():
    """It is the lip expert of a head's training."""
    torch.manual_seed(0)
    curves = (0.3 * torch.rand(1, 60, 27)).requires_grad_()
    SyncExpert().eval().embed_motion(motion_of_curves(curves))[0, 0].sum().backward()
    assert torch.isfinite(curves.grad).all() and curves.grad.abs().max() > 0.0


def test_an_expert_on_disk(tmp_path):
    torch.manual_seed(0)
    expert, again = SyncExpert().eval(), SyncExpert()
    save_network(expert, KIND, {}, tmp_path / "sync.safetensors")
    load_network(again, KIND, tmp_path / "sync.safetensors")
    motion = torch.randn(1, 4, 50)
    torch.testing.assert_close(again.embed_motion(motion), expert.embed_motion(motion), atol=0.02, rtol=0.02)
