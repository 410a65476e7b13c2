# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Deformation is made of; JSON in a head's header."""

from dataclasses import asdict, dataclass, fields

# What each number may be. A stranger's file can ask for no more memory than the largest of these take.
BOUNDS = {
    "codes": (0, 256), "rank": (1, 64), "width": (1, 256), "nodes": (0, 200_000), "mouth_nodes": (0, 200_000),
    "neighbours": (1, 8), "members": (1, 32),
}  # fmt: skip


@dataclass(frozen=True)
class DeformationSettings:
    """Sizes of a Deformation.

    Args:
        codes: landmark components beside expression and gaze, C.
        rank: of the residual per Gaussian.
        width: of the code network's hidden layer.
        nodes: control nodes of the face; 0 for no networks at all.
        mouth_nodes: of the mouth interior.
        neighbours: nodes that a Gaussian follows.
        members: networks per view, T.
        appearance: whether the face's networks change opacity and colour, too.

    Raises:
        ValueError: a number outside BOUNDS, or fewer nodes than neighbours.
    """

    codes: int = 0
    rank: int = 16
    width: int = 64
    nodes: int = 0
    mouth_nodes: int = 0
    neighbours: int = 4
    members: int = 10
    appearance: bool = False

    def __post_init__(self) -> None:
        for name, (low, high) in BOUNDS.items():
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
                raise ValueError(f"{name} must be a whole number from {low} to {high}, not {value!r:.40}")
        if not all(count == 0 or count >= self.neighbours for count in (self.nodes, self.mouth_nodes)):
            raise ValueError(f"{self.nodes} and {self.mouth_nodes} nodes are too few for {self.neighbours} neighbours")
        if not isinstance(self.appearance, bool):
            raise ValueError(f"appearance must be true or false, not {self.appearance!r:.40}")

    def to_json(self) -> dict:
        return asdict(self)

    @staticmethod
    def from_json(data: object) -> "DeformationSettings":
        """Raises ValueError for anything that is not what `to_json` gives."""
        names = {field.name for field in fields(DeformationSettings)}
        if not isinstance(data, dict) or set(data) != names:
            raise ValueError(f"a deformation has exactly the settings {', '.join(sorted(names))}")
        return DeformationSettings(**data)
