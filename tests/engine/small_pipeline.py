# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for HuBERT and wav2vec 2.0: the classes and hop of HuBERT Base, but small, and with random weights."""

import torch

PARAMETERS = dict(
    extractor_mode="group_norm",
    extractor_conv_layer_config=[(16, 10, 5), *[(16, 3, 2)] * 4, *[(16, 2, 2)] * 2],
    extractor_conv_bias=False, encoder_embed_dim=24, encoder_projection_dropout=0.0, encoder_pos_conv_kernel=8,
    encoder_pos_conv_groups=4, encoder_num_layers=2, encoder_num_heads=4, encoder_attention_dropout=0.0,
    encoder_ff_interm_features=32, encoder_ff_interm_dropout=0.0, encoder_dropout=0.0, encoder_layer_norm_first=False,
    encoder_layer_drop=0.0, aux_num_out=None,
)


def small_pipeline(seed: int = 0) -> torch.nn.Module:
    import torchaudio

    torch.manual_seed(seed)
    return torchaudio.models.wav2vec2_model(**PARAMETERS).eval()
