"""The EmoSplat engine: audio and sliders in, moving Gaussian splats out. Runs in its own process; never imports bpy."""
