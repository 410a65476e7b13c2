# SPDX-License-Identifier: GPL-3.0-or-later
"""The reference against gsplat's own torch functions, a pixel by hand, and finite differences."""

import math

import pytest
import torch
from tests.engine.splats.scenes import HEIGHT, WIDTH, double, random_scene

from engine.splats.backends import torch_backend
from engine.splats.rasterize import rasterize

PLANES = {"near_plane": 0.01, "far_plane": 1e10, "eps2d": 0.3}


def test_projection_is_gsplats():
    impl = pytest.importorskip("gsplat.cuda._torch_impl")
    scene = double(random_scene(seed=1, count=320))
    names = ("means", "quats", "scales", "opacities", "viewmats", "Ks")
    means2d, depths, conics, radii = torch_backend.project(*(scene[n] for n in names), WIDTH, HEIGHT, *PLANES.values())
    covars, _ = impl._quat_scale_to_covar_preci(scene["quats"], scene["scales"], True, False)
    want_radii, want_means2d, want_depths, want_conics, _ = impl._fully_fused_projection(
        scene["means"], covars, scene["viewmats"], scene["Ks"], WIDTH, HEIGHT, **PLANES
    )
    drawn = radii[..., 0] > 0
    assert 100 < drawn.sum() < drawn.numel()
    torch.testing.assert_close(means2d[drawn], want_means2d[drawn])
    torch.testing.assert_close(depths[drawn], want_depths[drawn])
    torch.testing.assert_close(conics[drawn], want_conics[drawn])
    # gsplat's torch version does not know the opacities, so its boxes are those of opaque splats.
    assert (radii <= want_radii).all()
    opaque = drawn & (scene["opacities"] > 0.999)
    assert (radii[opaque] >= want_radii[opaque] - 1).all()


@pytest.mark.parametrize("degree", range(4))
def test_spherical_harmonics_are_gsplats(degree):
    impl = pytest.importorskip("gsplat.cuda._torch_impl")
    scene = double(random_scene(seed=2, sh_degree=3))
    campos = torch.inverse(scene["viewmats"])[:, :3, 3]
    got = torch_backend.sh_colors(degree, scene["means"], campos, scene["colors"])
    dirs = scene["means"] - campos[:, None]
    want = impl._spherical_harmonics(degree, dirs, scene["colors"].expand(*dirs.shape[:-1], -1, -1))
    torch.testing.assert_close(got, torch.clamp_min(want + 0.5, 0.0))


def one_splat(opacity: float, depth: float = 2.0, scale: float = 0.05, color=(1.0, 0.5, 0.25)) -> dict:
    return {
        "means": torch.tensor([[0.0, 0, depth]]), "quats": torch.tensor([[1.0, 0, 0, 0]]),
        "scales": torch.full((1, 3), scale), "opacities": torch.tensor([opacity]), "colors": torch.tensor([color]),
        "viewmats": torch.eye(4)[None], "Ks": torch.tensor([[[100.0, 0, 8.5], [0, 100, 8.5], [0, 0, 1]]]),
        "width": 17, "height": 17,
    }  # fmt: skip


def stacked(*splats: dict) -> dict:
    per_splat = ("means", "quats", "scales", "opacities", "colors")
    return splats[0] | {name: torch.cat([s[name] for s in splats]) for name in per_splat}


@pytest.mark.parametrize("backend", ["torch", "numba"])
def test_pixels_by_hand(backend):
    picture, alphas, meta = rasterize(**one_splat(0.8), backend=backend)
    variance = (100 * 0.05 / 2) ** 2 + 0.3
    beside = 0.8 * math.exp(-0.5 * 9 / variance)
    assert alphas[0, 8, 8, 0].item() == pytest.approx(0.8, abs=1e-6)
    assert alphas[0, 8, 11, 0].item() == pytest.approx(beside, abs=1e-6)
    assert picture[0, 11, 8].tolist() == pytest.approx([beside, beside / 2, beside / 4], abs=1e-6)
    assert alphas[0, 0, 0, 0] == 0
    assert meta["means2d"][0, 0].tolist() == pytest.approx([8.5, 8.5])
    assert meta["radii"].tolist() == [[[9, 9]]] and meta["depths"].tolist() == [[2.0]]


@pytest.mark.parametrize("backend", ["torch", "numba"])
def test_rules_of_blending(backend):
    def middle(scene, **options):
        picture, alphas, _ = rasterize(**scene, backend=backend, **options)
        return picture[0, 8, 8].tolist(), alphas[0, 8, 8].item()

    # Opaque splats let 0.001 through, and the splat that would bring a pixel to 1e-4 is left out with what follows.
    wall, red, faint = one_splat(1.0), one_splat(0.95, 3.0, color=(1.0, 0, 0)), one_splat(0.5, 4.0, color=(0, 9.0, 0))
    assert middle(wall)[1] == pytest.approx(0.999, abs=1e-6)
    assert middle(stacked(wall, red))[0] == pytest.approx([0.999, 0.4995, 0.24975], abs=1e-6)
    assert middle(stacked(wall, red, faint))[1] == pytest.approx(0.999, abs=1e-6)
    # Nearer covers farther, whatever the order they come in; at one depth the first comes first.
    pair = stacked(one_splat(0.5, 3.0, color=(1.0, 0, 0)), one_splat(0.5, 2.0, color=(0, 1.0, 0)))
    assert middle(pair)[0] == pytest.approx([0.25, 0.5, 0], abs=1e-6)
    pair = stacked(one_splat(0.5, color=(1.0, 0, 0)), one_splat(0.5, color=(0, 1.0, 0)))
    assert middle(pair)[0] == pytest.approx([0.5, 0.25, 0], abs=1e-6)
    # Depth, backgrounds and planes.
    options = {"backgrounds": torch.tensor([[0, 0, 1.0]]), "render_mode": "RGB+D"}
    assert middle(one_splat(0.5), **options)[0] == pytest.approx([0.5, 0.25, 0.625, 1.0], abs=1e-6)
    assert middle(one_splat(0.5), render_mode="ED")[0] == pytest.approx([2.0], abs=1e-6)
    assert middle(one_splat(0.5), near_plane=2.1)[1] == 0
    assert middle(one_splat(0.5), far_plane=1.9)[1] == 0


def test_reference_gradients_against_finite_differences():
    scene = double(random_scene(seed=3, count=12, cameras=1, sh_degree=2))
    scene |= {"width": 24, "height": 18, "Ks": scene["Ks"] / 3}
    scene["Ks"][:, 2, 2] = 1
    weights = torch.rand(1, 18, 24, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    names = ("means", "quats", "scales", "opacities", "colors", "viewmats")
    backgrounds = torch.rand(1, 3, dtype=torch.float64, requires_grad=True)

    def loss(*tensors):
        values = scene | dict(zip(names, tensors[:-1]))
        picture, alphas, _ = rasterize(
            **values, backgrounds=tensors[-1], render_mode="RGB+D", eps2d=2.0, backend="torch"
        )
        return (picture * weights).sum() + alphas.square().sum()

    inputs = tuple(scene[n].clone().requires_grad_() for n in names)
    assert torch.autograd.gradcheck(loss, (*inputs, backgrounds), eps=1e-7, atol=1e-3, rtol=1e-3, fast_mode=True)


def test_nothing_to_draw():
    empty = {k: v[:0] if k in ("means", "quats", "scales", "opacities", "colors") else v for k, v in
             one_splat(0.5).items()}  # fmt: skip
    picture, alphas, _ = rasterize(**empty, backgrounds=torch.tensor([[0.1, 0.2, 0.3]]), backend="torch")
    assert (alphas == 0).all() and picture[0, 3, 3].tolist() == pytest.approx([0.1, 0.2, 0.3])


def test_shapes_that_do_not_fit_are_named():
    scene = one_splat(0.5)
    for change, message in (
        ({"quats": torch.zeros(2, 4)}, "quats"),
        ({"colors": torch.zeros(3, 3)}, "colors"),
        ({"sh_degree": 1, "colors": torch.zeros(1, 1, 3)}, "too few"),
        ({"sh_degree": 4, "colors": torch.zeros(1, 25, 3)}, "sh_degree"),
        ({"backgrounds": torch.zeros(3)}, "backgrounds"),
        ({"render_mode": "XYZ"}, "render_mode"),
        ({"width": 0}, "0 x 17"),
    ):
        with pytest.raises(ValueError, match=message):
            rasterize(**(scene | change), backend="torch")
