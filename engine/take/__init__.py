"""Take: what drives a head over time."""
