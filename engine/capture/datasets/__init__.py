# SPDX-License-Identifier: GPL-3.0-or-later
"""Research data sets as captures: talking portraits as ER-NeRF lays them out, and nerfstudio's transforms.json.

A layout's reader (`er_nerf.py`, `nerfstudio.py`) makes a `DataSet` of what a folder says of itself; `convert.py` makes
a capture of that, whatever the layout.
"""
