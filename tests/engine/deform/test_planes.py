# SPDX-License-Identifier: GPL-3.0-or-later
import torch

from engine.deform.planes import HALF_SIDE, PLANES, TriPlane


def test_against_a_dense_plane_and_grid_sample():
    """The texels that are kept give what torch's own bilinear sampling of whole planes gives, gradients included."""
    random = torch.Generator().manual_seed(0)
    positions = HALF_SIDE * (2.2 * torch.rand(50, 3, generator=random) - 1.1)  # some outside
    side, channels = 16, 3
    planes = TriPlane(50, channels, (side,))
    planes.place(positions)
    dense = torch.zeros(len(PLANES) * side**2, channels)
    for plane, axes in enumerate(PLANES):  # where each kept texel lies in the dense planes
        place = ((positions / HALF_SIDE + 1) / 2).clamp(0, 1) * (side - 1)
        low = place.floor().clamp(max=side - 2).long()
        for corner in range(4):
            u, v = low[:, axes[0]] + corner // 2, low[:, axes[1]] + corner % 2
            kept = planes.index[0, :, 4 * plane + corner].long()
            dense[(plane * side + u) * side + v] = planes.texels[0].detach()[kept]
    dense = dense.view(len(PLANES), side, side, channels).permute(0, 3, 1, 2).requires_grad_()
    grid = torch.stack([positions[:, [axes[1], axes[0]]] / HALF_SIDE for axes in PLANES])[:, None]
    expected = torch.nn.functional.grid_sample(dense, grid, padding_mode="border", align_corners=True).sum(0)[:, 0]
    got = planes()
    torch.testing.assert_close(got, expected)
    weight = torch.randn(channels, 50, generator=random)
    (got * weight).sum().backward()
    (expected * weight).sum().backward()
    torch.testing.assert_close(planes.texels[0].grad.sum(0), dense.grad.sum((0, 2, 3)))
    assert (planes.texels[0].grad.abs().sum(1) > 0).sum() == (dense.grad.abs().sum(1) > 0).sum()


def test_near_points_have_near_features_and_shapes_do_not_depend_on_places():
    positions = torch.tensor([[0.0, 0.0, 0.0], [0.0001, 0.0, 0.0], [0.1, 0.0, 0.0]])
    torch.manual_seed(0)
    planes = TriPlane(3, 4, (8, 16))
    shapes = [value.shape for value in planes.state_dict().values()]
    planes.place(positions)
    assert [value.shape for value in planes.state_dict().values()] == shapes
    a, b, c = planes().T
    assert (a - b).norm() < 0.05 * (a - c).norm() and planes().shape == (8, 3)
