# SPDX-License-Identifier: GPL-3.0-or-later
from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.errors import FormatError
from engine.splats.gaussians import Gaussians
from engine.splats.ply import read_ply, write_ply


def random_gaussians(count: int = 50, degree: int = 0) -> Gaussians:
    g = torch.Generator().manual_seed(degree)
    return Gaussians(
        means=torch.randn(count, 3, generator=g),
        quats=torch.nn.functional.normalize(torch.randn(count, 4, generator=g), dim=1),
        scales=torch.rand(count, 3, generator=g) * 0.01 + 1e-4,
        opacities=torch.rand(count, generator=g),
        sh=torch.randn(count, (degree + 1) ** 2, 3, generator=g),
    )


@pytest.mark.parametrize("degree", range(4))
def test_round_trip(tmp_path, degree):
    gaussians = random_gaussians(degree=degree)
    write_ply(tmp_path / "a.ply", gaussians)
    back = read_ply(tmp_path / "a.ply")
    assert back.sh_degree == degree
    for name in ("means", "quats", "scales", "opacities", "sh"):
        torch.testing.assert_close(getattr(back, name), getattr(gaussians, name), rtol=2e-6, atol=2e-7)


@pytest.mark.parametrize("degree", range(4))
def test_nothing_goes_out_and_comes_in(tmp_path, degree):
    write_ply(tmp_path / "a.ply", random_gaussians(0, degree))
    back = read_ply(tmp_path / "a.ply")
    assert (len(back), back.sh_degree) == (0, degree)


def test_a_comment_may_speak_of_the_header(tmp_path):
    write_ply(tmp_path / "a.ply", random_gaussians(3))
    raw = (tmp_path / "a.ply").read_bytes()
    (tmp_path / "a.ply").write_bytes(raw.replace(b"element", b"comment before end_header\nelement", 1))
    assert len(read_ply(tmp_path / "a.ply")) == 3


def test_layout_is_the_original_one(tmp_path):
    gaussians = random_gaussians(count=3, degree=1)
    write_ply(tmp_path / "a.ply", gaussians)
    head, body = (tmp_path / "a.ply").read_bytes().split(b"end_header\n")
    names = [line.split()[-1] for line in head.decode().splitlines() if line.startswith("property")]
    rest = [f"f_rest_{i}" for i in range(9)]
    assert names == [
        *"xyz", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2", *rest, "opacity", "scale_0", "scale_1", "scale_2",
        "rot_0", "rot_1", "rot_2", "rot_3",
    ]  # fmt: skip
    row = dict(zip(names, np.frombuffer(body, "<f4").reshape(3, -1)[1]))
    assert row["scale_2"] == pytest.approx(np.log(gaussians.scales[1, 2].item()))
    assert 1 / (1 + np.exp(-row["opacity"])) == pytest.approx(gaussians.opacities[1].item(), abs=1e-6)
    assert row["f_rest_2"] == gaussians.sh[1, 3, 0]  # channel by channel: all of red first
    assert row["f_rest_3"] == gaussians.sh[1, 1, 1]
    assert row["rot_0"] == gaussians.quats[1, 0]


def test_opaque_and_flat_splats_stay_finite(tmp_path):
    gaussians = random_gaussians(count=2)
    gaussians.opacities[:] = torch.tensor([0.0, 1.0])
    gaussians.scales[0, 1] = 0
    write_ply(tmp_path / "a.ply", gaussians)
    back = read_ply(tmp_path / "a.ply")
    torch.testing.assert_close(back.opacities, gaussians.opacities, atol=1e-6, rtol=0)
    assert back.scales.isfinite().all() and back.scales[0, 1] < 1e-20


def binary(path, order, code="float", change=lambda table: None, names=None, count=None, tail=b"") -> None:
    names = names or ["x", "y", "z", "f_dc_0", "f_dc_1", "f_dc_2", "opacity", "scale_0", "scale_1", "scale_2", "rot_0",
                      "rot_1", "rot_2", "rot_3"]  # fmt: skip
    kind = "binary_big_endian" if order == ">" else "binary_little_endian"
    table = np.tile(np.arange(1.0, len(names) + 1) / 10, (4, 1)).astype(order + ("f8" if code == "double" else "f4"))
    change(table)
    head = ["ply", f"format {kind} 1.0", "comment made by hand", f"element vertex {4 if count is None else count}"]
    head += [f"property {code} {name}" for name in names] + ["element face 0", "property list uchar int vertex_indices"]
    path.write_bytes("\n".join([*head, "end_header\n"]).encode() + table.tobytes() + tail)


@pytest.mark.parametrize("order, code", [("<", "float"), (">", "float"), ("<", "double")])
def test_without_normals_in_either_byte_order(tmp_path, order, code):
    binary(tmp_path / "a.ply", order, code)
    back = read_ply(tmp_path / "a.ply")
    assert len(back) == 4 and back.sh_degree == 0
    assert back.means[2].tolist() == pytest.approx([0.1, 0.2, 0.3])
    assert back.scales[0, 0].item() == pytest.approx(np.exp(0.8))
    assert back.quats.norm(dim=1).tolist() == pytest.approx([1.0] * 4)


def test_ascii(tmp_path):
    binary(tmp_path / "a.ply", "<")
    head = (tmp_path / "a.ply").read_bytes().split(b"end_header\n")[0].replace(b"binary_little_endian", b"ascii")
    rows = "\n".join(" ".join(f"{v / 10:.1f}" for v in range(1, 15)) for _ in range(4))
    (tmp_path / "b.ply").write_bytes(head + b"end_header\n" + rows.encode())
    assert torch.equal(read_ply(tmp_path / "b.ply").means, read_ply(tmp_path / "a.ply").means)
    (tmp_path / "c.ply").write_bytes(head + b"end_header\n" + rows.encode()[:-40] + b"oops" * 20)
    with pytest.raises(FormatError, match="4 rows of numbers"):
        read_ply(tmp_path / "c.ply")


def test_strangers_files_are_refused_with_a_reason(tmp_path):
    path = tmp_path / "bad.ply"

    def refused(message: str) -> None:
        with pytest.raises(FormatError, match=message) as caught:
            read_ply(path)
        assert caught.value.todo

    refused("There is no file")
    path.write_bytes(b"")
    refused("not a PLY")
    path.write_bytes(b"ply\n" + b"x" * 200_000)
    refused("not a PLY")
    binary(path, "<", names=["x", "y", "z", "red"])
    refused("lacks the property f_dc_0")
    binary(path, "<", count=5)
    refused("cut off: 5 splats need 280 bytes and 224 are there")
    binary(path, "<", count=10**15)
    refused("declares 1000000000000000 splats")

    def spoil(table):
        table[1, 4] = np.nan
        table[3, 0] = np.inf

    binary(path, "<", change=spoil)
    refused("2 of 4 splats")
    binary(path, ">", change=lambda table: table.__setitem__((0, slice(10, 14)), 0))
    refused("1 splats have a rotation of length 0")
    write_ply(path, random_gaussians(degree=2))
    path.write_bytes(path.read_bytes().replace(b"property float f_rest_23\n", b""))
    refused("23 f_rest")
    path.write_bytes(b"ply\nformat binary_middle 1.0\nelement vertex 0\nend_header\n")
    refused("unknown format")
    path.write_bytes(b"ply\nformat ascii 1.0\nelement vertex -3\nend_header\n")
    refused("makes no sense")


def test_a_full_disk_leaves_no_file(tmp_path, monkeypatch):
    from engine.errors import StorageError

    with pytest.raises(StorageError):
        write_ply(tmp_path / "missing" / "a.ply", random_gaussians())
    assert not list(tmp_path.iterdir())


def test_of_degree_four_degree_three_is_kept(tmp_path):
    path = tmp_path / "four.ply"
    gaussians = random_gaussians(degree=3)
    write_ply(path, replace(gaussians, sh=torch.cat([gaussians.sh, torch.ones(len(gaussians), 9, 3)], 1)))
    assert torch.equal(read_ply(path).sh, gaussians.sh)
