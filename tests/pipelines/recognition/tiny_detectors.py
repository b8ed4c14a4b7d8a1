"""Open-vocabulary detectors with the real classes at tiny random size."""

from __future__ import annotations

from typing import Any

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import (
    BertConfig,
    BertTokenizerFast,
    GroundingDinoConfig,
    GroundingDinoForObjectDetection,
    GroundingDinoImageProcessor,
    GroundingDinoProcessor,
    Owlv2Config,
    Owlv2ForObjectDetection,
    Owlv2ImageProcessor,
    Owlv2Processor,
    PreTrainedTokenizerFast,
    SwinConfig,
)

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
WORDS = [*SPECIAL, ".", "person", "animal", "toy", "object", "dog", "mug"]
EDGE = 64


def owlv2() -> tuple[Owlv2ForObjectDetection, Owlv2Processor]:
    """Boxes of 64 patches of 8 pixels, seeded."""
    torch.manual_seed(0)
    small = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = Owlv2Config(
        text_config={"vocab_size": len(WORDS), "max_position_embeddings": 16, **_ends(), **small},
        vision_config={"image_size": EDGE, "patch_size": 8, **small},
        projection_dim=32,
    )
    words = Tokenizer(models.WordLevel({word: at for at, word in enumerate(WORDS)}, unk_token="[UNK]"))
    words.normalizer, words.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]", model_max_length=16
    )
    processor = Owlv2Processor(Owlv2ImageProcessor(size={"height": EDGE, "width": EDGE}), tokenizer)
    return Owlv2ForObjectDetection(config), processor


def grounding_dino(folder: Any) -> tuple[GroundingDinoForObjectDetection, GroundingDinoProcessor]:
    """With a Swin and a BERT of one or two layers, seeded; its tokenizer's words are written into `folder`."""
    torch.manual_seed(0)
    file = folder / "vocab.txt"
    file.write_text("\n".join(WORDS) + "\n")
    tokenizer = BertTokenizerFast(vocab_file=str(file), vocab=str(file), model_max_length=64)
    backbone = SwinConfig(
        image_size=EDGE, patch_size=4, embed_dim=16, depths=[1, 1, 1, 1], num_heads=[1, 1, 1, 1], window_size=2,
        out_features=["stage2", "stage3", "stage4"],
    )  # fmt: skip
    config = GroundingDinoConfig(
        backbone_config=backbone,
        text_config=BertConfig(
            vocab_size=len(WORDS), hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
            max_position_embeddings=64,
        ),
        d_model=32, num_queries=20, encoder_layers=1, decoder_layers=2, encoder_ffn_dim=32, decoder_ffn_dim=32,
        encoder_attention_heads=2, decoder_attention_heads=2, max_text_len=64,
    )  # fmt: skip
    images = GroundingDinoImageProcessor(size={"shortest_edge": EDGE, "longest_edge": 2 * EDGE})
    return GroundingDinoForObjectDetection(config), GroundingDinoProcessor(images, tokenizer)


def _ends() -> dict[str, int]:
    return {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3}
