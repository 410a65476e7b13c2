# SPDX-License-Identifier: GPL-3.0-or-later
"""Heads whose mover is a Deformation, on disk."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from engine.deform.deformation import Deformation
from engine.deform.drive import Drive, DriveFrame
from engine.deform.settings import DeformationSettings
from engine.errors import FormatError
from engine.head.head import Head
from engine.head.library import list_heads
from engine.head.storage import load_head, save_head
from tests.engine.damage import damaged_headers

ROOT = Path(__file__).resolve().parents[3]
FRAME = DriveFrame(
    torch.linspace(0, 1, 52), torch.tensor([0.1, -0.1]), torch.tensor([0.5, -0.5, 1.0]),
    torch.linspace(-1, 1, 512).view(8, 64), torch.linspace(-1, 1, 64), torch.linspace(-1, 1, 128),
)
POSE = np.array([0.1, 0, 0.2, 0, 0.01, 0], np.float32)


SETTINGS = DeformationSettings(codes=3, rank=5, nodes=6, mouth_nodes=4, members=2)


@pytest.fixture
def fitted(tiny_head) -> Head:
    torch.manual_seed(1)
    module = Deformation(SETTINGS, len(tiny_head.gaussians))
    torch.nn.init.normal_(module.basis, std=0.3)
    module.torso.uniform_(0, 1)
    still = Drive(torch.rand(9, 52), torch.rand(9, 2), torch.arange(9), torch.rand(9, 3), torch.randn(9, 64))
    module.place_nodes(tiny_head.gaussians, still, torch.arange(12) % 3 == 0)
    for branch in (module.field.face, module.field.mouth):
        for head in branch.decoder.heads.values():
            torch.nn.init.normal_(head.weight, std=0.1)
    return Head("fitted", tiny_head.gaussians, module, {"title": "Fitted"})


@pytest.fixture
def saved(fitted, tmp_path):
    path = tmp_path / "fitted.emohead"
    save_head(fitted, path)
    return path


def change(path, change_tensors=None, change_header=None) -> None:
    tensors = load_file(path)
    with safe_open(path, "np") as file:
        metadata = file.metadata()
    if change_tensors:
        change_tensors(tensors)
    if change_header:
        header = json.loads(metadata["header"])
        change_header(header)
        metadata["header"] = json.dumps(header)
    save_file(tensors, path, metadata)


def test_a_loaded_head_moves_the_same(fitted, saved):
    again = load_head(saved)
    assert again.mover.settings == fitted.mover.settings and again.meta == fitted.meta
    before, after = fitted.pose(FRAME, POSE), again.pose(FRAME, POSE)
    for name in ("means", "quats", "scales", "opacities", "sh"):
        torch.testing.assert_close(getattr(after, name), getattr(before, name), atol=2e-3, rtol=2e-3)
    assert (after.means - before.means).abs().max() < 2e-5  # metres: the basis is kept in half precision
    assert not after.means.requires_grad


def test_loading_leaves_torchs_compiler_and_random_numbers_alone(saved):
    """Importing the compiler takes longer than everything else on the way to a first frame."""
    program = (
        "import sys, torch; from engine.head.storage import load_head; torch.manual_seed(3); load_head(sys.argv[1]);"
        "print('torch._dynamo' in sys.modules, torch.rand(1).item())"
    )
    done = subprocess.run([sys.executable, "-c", program, str(saved)], cwd=ROOT, capture_output=True, text=True)
    torch.manual_seed(3)
    assert done.stdout.split() == ["False", str(torch.rand(1).item())], done.stderr


def test_a_node_that_does_not_exist_is_refused(saved):
    change(saved, lambda tensors: tensors["deformation.field.index"].reshape(-1).__setitem__(5, 10))
    with pytest.raises(FormatError, match="field.index"):
        load_head(saved)


def test_a_file_is_of_what_no_longer_learns(saved):
    assert not any("planes" in name or "texel" in name for name in load_file(saved))


def test_it_is_listed(saved):
    info = list_heads(saved.parent)[-1]
    assert (info.name, info.gaussians, info.title, info.error) == ("fitted", 12, "Fitted", "")


def test_an_expression_alone_moves_it(fitted):
    assert torch.isfinite(fitted.pose(np.ones(52, np.float32), POSE).means).all()


def test_a_deformation_for_another_number_of_gaussians_is_refused(fitted):
    with pytest.raises(ValueError, match="5 Gaussians"):
        Head("no", fitted.gaussians, Deformation(DeformationSettings(), 5))


def _tensor_names() -> list[str]:
    return ["deformation." + name for name in Deformation(SETTINGS, 1, learning=False).state_dict()]


@pytest.mark.parametrize("name", _tensor_names())
def test_missing_misshapen_and_unbounded_tensors(saved, name):
    whole = saved.read_bytes()

    def fill(value: float):
        return lambda tensors: tensors.update({name: np.full_like(tensors[name], value)})

    values = [-9, 10**6] if name.endswith("index") else [np.nan, np.inf]
    for fault in (
        lambda tensors: tensors.pop(name),
        lambda tensors: tensors.update({name: tensors[name].reshape(-1)[:-1].copy()}),
        *(fill(value) for value in values),
    ):
        saved.write_bytes(whole)
        change(saved, fault)
        with pytest.raises(FormatError, match=name.replace(".", r"\.")):
            load_head(saved)


BAD_HEADERS = {
    "no settings": lambda h: h.update(deformation=None),
    "settings of another kind": lambda h: h.update(deformation=[1]),
    "a setting more": lambda h: h["deformation"].update(layers=3),
    "a setting less": lambda h: h["deformation"].pop("rank"),
    "endless memory": lambda h: h["deformation"].update(width=10**12),
    "no nodes": lambda h: h["deformation"].update(nodes=0),
    "more nodes": lambda h: h["deformation"].update(nodes=7),
    "another rank": lambda h: h["deformation"].update(rank=6),
    "a rank that is no number": lambda h: h["deformation"].update(rank="5"),
    "neither": lambda h: h.pop("deformation"),
}


@pytest.mark.parametrize("fault", BAD_HEADERS)
def test_damaged_settings(saved, fault):
    change(saved, change_header=BAD_HEADERS[fault])
    with pytest.raises(FormatError):
        load_head(saved)


def test_random_damage_is_a_format_error_or_harmless(saved):
    refused = 0
    for damaged in damaged_headers(saved.read_bytes(), seed=2, count=300):
        saved.write_bytes(damaged)
        try:
            load_head(saved)
        except FormatError:
            refused += 1
    assert refused > 200
