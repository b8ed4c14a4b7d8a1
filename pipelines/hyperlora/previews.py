"""Sample grids of a training run, on individuals it never trains on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from pipelines.hyperlora.denoising import DenoisingBase
from pipelines.hyperlora.guidance import Guidance
from pipelines.hyperlora.identities import IdentityViews
from pipelines.hyperlora.modeling_hyperlora import HyperLora
from pipelines.hyperlora.references import TokenEncoder, coat_of, reference_tokens
from pipelines.hyperlora.sampling import RowDenoiser, draw
from pipelines.lora import COAT, LoraFactors, stacked
from pipelines.mini.alpha import contact_sheet
from pipelines.mini.sketching import FOLLOW_DRAWING


@dataclass(frozen=True, eq=False)
class Preview:
    """Draws one row per individual: its reference, the class word alone, and two strengths of the personal LoRA.

    Attributes:
        base: the model.
        pictures: the references, N.
        captions: what is drawn of each.
        tokens: of the references [N, 1, T, D].
        steps: denoising steps.
        guidance: text guidance.
        let_go: share of noise down to which pictures follow their sketches.
    """

    base: DenoisingBase
    pictures: tuple[Image.Image, ...]
    captions: tuple[str, ...]
    tokens: Tensor
    steps: int
    guidance: float
    let_go: float = FOLLOW_DRAWING

    @classmethod
    def of(
        cls,
        views: IdentityViews,
        base: DenoisingBase,
        encoder: TokenEncoder,
        *,
        steps: int,
        guidance: float,
        count: int,
    ) -> Preview:
        """Choose `count` individuals, evenly spread over `views`."""
        references = list(views.references().values())
        chosen = references[:: max(1, len(references) // count)][:count]
        pictures = tuple(views.picture(index) for index in chosen)
        tokens = torch.from_numpy(reference_tokens(pictures, encoder))[:, None]
        captions = tuple(views.records[index]["caption"] for index in chosen)
        return cls(base, pictures, captions, tokens, steps, guidance)

    @torch.no_grad()
    def loras(self, model: HyperLora) -> list[LoraFactors]:
        """Return the LoRA of every individual, with its coat."""
        tokens = self.tokens.to(model.device)
        output = model(tokens, torch.ones(tokens.shape[:2], device=model.device))
        coats = [" ".join(coat_of([picture])) for picture in self.pictures]
        return [output.row(row, self.base.component, {COAT: coat}) for row, coat in enumerate(coats)]

    def write(self, model: HyperLora, path: Path) -> None:
        """Draw the grid and write it as PNG."""
        conditions = self.base.encode_text(["", *self.captions])
        text = {name: value[1:] for name, value in conditions.items()}
        empty = {name: value[:1] for name, value in conditions.items()}
        loras = self.loras(model)
        layers = stacked(loras)
        shape = self.base.encode_pictures(np.array(self.pictures[0])[None]).shape[1:]
        noise = torch.randn(len(self.pictures), *shape, generator=torch.Generator().manual_seed(0))
        columns = [list(self.pictures)]
        for fidelity in (0.0, 0.6, 1.0):
            weights = Guidance.from_fidelity(fidelity, self.guidance)
            sketches = self.base.sketch(self.captions, loras if fidelity else None, fidelity)
            denoiser = RowDenoiser(self.base, text | sketches, empty, layers)
            columns.append(draw(denoiser, noise.to(model.device), weights, self.steps, self.let_go))
        path.parent.mkdir(parents=True, exist_ok=True)
        flat = [picture.resize(columns[1][0].size) for row in zip(*columns, strict=True) for picture in row]
        contact_sheet(flat, len(columns)).save(path)
