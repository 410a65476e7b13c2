# SPDX-License-Identifier: GPL-3.0-or-later
"""What a journal keeps of a film that was looked at in smaller pictures."""

import numpy as np

from engine.capture.tracking.covering import SPOTS
from engine.capture.tracking.flaws import THUMBNAIL
from engine.capture.tracking.journal import TrackJournal, read_columns, read_tracks
from engine.capture.tracking.landmarks import Face


def face(corner: tuple[float, float]) -> Face:
    """A face whose landmarks lie on a line from the picture's first corner to another."""
    share = np.linspace(0, 1, 478)[:, None]
    return Face((share * [*corner, 8]).astype(np.float32), np.full(52, 0.5, np.float32), np.eye(4, dtype=np.float32))


def test_a_corner_stays_a_corner_and_holes_are_no_faces(tmp_path):
    film, picture = (1921, 803), (1280, 535)  # rounded each for itself: 1.5008 across, 1.5009 down
    scale = np.array(film) / picture
    skin, thumbnail = np.zeros((len(SPOTS), 3), np.uint8), np.zeros((THUMBNAIL, THUMBNAIL), np.uint8)
    with TrackJournal(tmp_path / "journal") as journal:
        journal.add(0, [face(picture)], scale, 1.0, skin, thumbnail)
        journal.add(3, [face(picture), face(picture)], scale, 1.0, skin, thumbnail)
        journal.add(4, [], scale, 0.0, None, thumbnail)
        assert journal.found() == 2
    tracks = read_tracks(tmp_path / "journal", film)
    np.testing.assert_allclose(tracks.landmarks[3][-1, :2], film, rtol=1e-6)
    np.testing.assert_allclose(tracks.others[3], [0, 0, *film], rtol=1e-6)
    assert tracks.found.tolist() == [True, False, False, True, False] and tracks.faces.tolist() == [1, 0, 0, 2, 0]
    assert (tracks.blendshapes[3] == 0.5).all() and (tracks.transforms[0] == np.eye(4)).all()
    assert read_columns(tmp_path / "journal", "there")["there"].tolist() == [1, 0, 0, 1, 1]
    (tmp_path / "cut").write_bytes((tmp_path / "journal").read_bytes()[:-1])  # a power cut
    with TrackJournal(tmp_path / "cut") as journal:
        assert journal.frames == 4 and journal.found() == 2
