# SPDX-License-Identifier: GPL-3.0-or-later
"""numba in float32, and gsplat where there is a GPU, against the torch reference in float64."""

import pytest
import torch

from engine.errors import BackendError
from engine.splats.choose import choose_backend
from engine.splats.rasterize import RENDER_MODES, rasterize
from tests.engine.splats.scenes import HEIGHT, WIDTH, double, random_scene, without_close_calls

LEAVES = ("means", "quats", "scales", "opacities", "colors", "viewmats", "backgrounds")


def fast_backends():
    for name in ("numba", "gsplat"):
        try:
            choose_backend(name)
            yield pytest.param(name)
        except BackendError as error:
            yield pytest.param(name, marks=pytest.mark.skip(reason=str(error)))


@pytest.fixture(params=fast_backends())
def fast(request) -> str:
    return request.param


def tolerances(backend: str) -> tuple[float, float]:
    """Of the picture and of the gradients over the largest; gsplat's kernels use the GPU's fast exp and no float64."""
    return (2e-5, 1e-5) if backend == "numba" else (1 / 255, 1e-3)


def draw_and_differentiate(scene: dict, backend: str, **options) -> tuple:
    """Picture, alphas, and the gradients of a fixed random functional of both."""
    leaves = {name: scene[name].clone().requires_grad_() for name in LEAVES if scene.get(name) is not None}
    picture, alphas, _ = rasterize(**(scene | leaves), backend=backend, **options)
    g = torch.Generator().manual_seed(1)
    weights = torch.randn(len(picture), HEIGHT, WIDTH, picture.shape[-1] + 1, generator=g).to(picture)
    if options.get("render_mode", "").endswith("ED"):
        # Where almost nothing is, the expected depth divides by almost nothing: any error there is magnified.
        weights[..., -2] *= (alphas[..., 0] > 0.1).to(picture)
    ((picture * weights[..., :-1]).sum() + (alphas[..., 0] * weights[..., -1]).sum()).backward()
    return picture.detach(), alphas.detach(), {name: leaf.grad for name, leaf in leaves.items()}


def assert_agreement(scene: dict, backend: str, **options) -> None:
    want_picture, want_alphas, want = draw_and_differentiate(double(scene), "torch", **options)
    picture, alphas, got = draw_and_differentiate(scene, backend, **options)
    picture_tolerance, gradient_tolerance = tolerances(backend)
    largest = max(1.0, want_picture.abs().max().item())
    assert (picture - want_picture).abs().max() < picture_tolerance * largest
    assert (alphas - want_alphas).abs().max() < picture_tolerance
    for name, gradient in want.items():
        if gradient is None or not gradient.any():
            assert got[name] is None or not got[name].any(), name
            continue
        error = (got[name] - gradient).abs().max() / gradient.abs().max()
        assert error < gradient_tolerance, (name, error.item())


@pytest.mark.parametrize("mode", RENDER_MODES)
def test_render_modes_and_backgrounds(fast, mode):
    scene = without_close_calls(random_scene(seed=5))
    scene["backgrounds"] = torch.tensor([[0.2, 0.9, 0.4], [0.7, 0.1, 0.5]])
    assert_agreement(scene, fast, render_mode=mode)


@pytest.mark.parametrize("degree", range(4))
def test_spherical_harmonics(fast, degree):
    scene = without_close_calls(random_scene(seed=10 + degree, sh_degree=3))
    scene["sh_degree"] = degree
    assert_agreement(scene, fast, render_mode="RGB+D")


def test_coefficients_and_colors_of_each_camera(fast):
    scene = without_close_calls(random_scene(seed=20, sh_degree=1))
    own = scene | {"colors": torch.stack([scene["colors"], scene["colors"].flip(1)])}
    assert_agreement(own, fast)
    scene = without_close_calls(random_scene(seed=21))
    assert_agreement(scene | {"colors": torch.stack([scene["colors"], 1 - scene["colors"]])}, fast)


@pytest.mark.parametrize("channels", [1, 2, 5, 9])
def test_any_number_of_channels(fast, channels):
    scene = without_close_calls(random_scene(seed=30 + channels, channels=channels))
    scene["backgrounds"] = torch.linspace(0, 1, 2 * channels).reshape(2, channels)
    assert_agreement(scene, fast)


@pytest.mark.parametrize("seed", range(40, 46))
def test_many_random_scenes(fast, seed):
    assert_agreement(without_close_calls(random_scene(seed=seed, count=320, cameras=3)), fast)


def test_dense_opaque_layers(fast):
    """Pixels close early, at different depths, and hide what follows."""
    scene = random_scene(seed=50, count=1200, cameras=1)
    scene["opacities"] = 0.6 + 0.4 * scene["opacities"]
    scene["scales"] = scene["scales"] * 2
    assert_agreement(without_close_calls(scene), fast)


def test_planes_and_blur(fast):
    scene = without_close_calls(random_scene(seed=60))
    near_far = {"near_plane": 1.8, "far_plane": 2.2}
    assert_agreement(scene, fast, **near_far)
    picture, alphas, meta = rasterize(**scene, **near_far, backend=fast)
    drawn = meta["radii"][..., 0] > 0
    assert drawn.any() and meta["depths"][drawn].min() >= 1.8 and meta["depths"][drawn].max() <= 2.2


def test_picture_of_one_tile_and_of_odd_size(fast):
    for width, height in ((1, 1), (7, 33), (8, 32), (9, 5)):
        scene = random_scene(seed=70) | {"width": width, "height": height}
        scene["Ks"] = scene["Ks"] * torch.tensor([width / WIDTH, height / HEIGHT, 1])[:, None]
        want, want_alphas, _ = rasterize(**double(scene), backend="torch")
        picture, alphas, _ = rasterize(**scene, backend=fast)
        assert picture.shape == (2, height, width, 3) and alphas.shape == (2, height, width, 1)
        assert (picture - want).abs().max() < 1 / 255 and (alphas - want_alphas).abs().max() < 1 / 255


def test_gradient_of_means2d_is_kept(fast):
    """As gsplat's densification strategies want it."""
    gradients = []
    for backend, scene in ((fast, random_scene(seed=80)), ("torch", double(random_scene(seed=80)))):
        scene["means"].requires_grad_()
        picture, _, meta = rasterize(**scene, backend=backend)
        meta["means2d"].retain_grad()
        picture.sum().backward()
        gradients.append(meta["means2d"].grad.cpu())
    assert (gradients[0] - gradients[1]).abs().max() < 1e-3 * gradients[1].abs().max()


def test_nothing_to_draw(fast):
    scene = random_scene(seed=90, count=16)
    nothing = scene | {n: scene[n][:0] for n in ("means", "quats", "scales", "opacities", "colors")}
    behind = scene | {"means": scene["means"] - torch.tensor([0, 50.0, 0])}
    for case in (nothing, behind):
        case["means"] = case["means"].clone().requires_grad_()
        picture, alphas, _ = rasterize(**case, backgrounds=torch.full((2, 3), 0.5), backend=fast)
        assert (picture == 0.5).all() and (alphas == 0).all()
        picture.sum().backward()
        assert not case["means"].grad.any()


def test_not_a_number_spoils_only_its_own_splat():
    scene = random_scene(seed=95, count=64)
    scene["means"][3, 0] = scene["scales"][4, 1] = scene["opacities"][5] = float("nan")
    scene["quats"][6] = float("inf")
    picture, alphas, meta = rasterize(**scene, backend="numba")
    assert picture.isfinite().all() and alphas.isfinite().all()
    assert not meta["radii"][:, 3:7].any()


def test_same_twice_and_on_any_number_of_threads():
    scene = random_scene(seed=100, count=5000, sh_degree=2)
    scene["backgrounds"] = torch.rand(2, 3, generator=torch.Generator().manual_seed(0))
    first = draw_and_differentiate(scene, "numba", render_mode="RGB+ED", threads=1)
    for threads in (1, 2, 5):
        again = draw_and_differentiate(scene, "numba", render_mode="RGB+ED", threads=threads)
        assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])
        for name, gradient in first[2].items():
            assert torch.equal(gradient, again[2][name]), name


def test_layers_just_beyond_the_right_border(fast):
    """Vectors of pixels reach past an odd width: what happens there must not come back through the gradients."""
    count = 60
    scene = random_scene(seed=97, count=count, cameras=1)
    scene |= {"width": 9, "height": 9, "viewmats": torch.eye(4)[None], "opacities": torch.full((count,), 0.99)}
    scene["Ks"] = torch.tensor([[[100.0, 0, 4.5], [0, 100, 4.5], [0, 0, 1]]])
    scene["means"] = torch.tensor([0.16, 0, 2.0]) + torch.arange(count)[:, None] * torch.tensor([0, 0, 1e-3])
    scene["scales"] = torch.full((count, 3), 0.05)
    gradients = []
    for backend, case in ((fast, scene), ("torch", double(scene))):
        case["means"] = case["means"].clone().requires_grad_()
        rasterize(**case, backend=backend)[0].sum().backward()
        gradients.append(case["means"].grad)
    assert gradients[1].any()
    assert (gradients[0] - gradients[1]).abs().max() < 1e-3 * gradients[1].abs().max()
