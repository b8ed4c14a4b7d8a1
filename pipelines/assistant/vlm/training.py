"""Training the small VLM: words first, then whole answers; from cached image tokens, seeded, resumable.

The frozen language model may run in bfloat16, which processors with AMX compute ten times as fast as float32; what is
trained stays in float32.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import Tensor, nn

from pipelines.assistant.vlm.batches import Batch, Branch, batch_of, branches_of
from pipelines.assistant.vlm.configuration_vlm import VlmConfig
from pipelines.assistant.vlm.modeling_vlm import SmallVlm
from pipelines.assistant.vlm.samples import Lesson, lesson
from pipelines.assistant.vlm.shown import Album
from pipelines.assistant.vlm.sight import Tags
from pipelines.assistant.vlm.words import WordLessons, teach_words
from pipelines.mini.training.loop import RunLog, learning_rate_at, resume, save

_TOGETHER = 8  # steps whose lessons are drawn together and sorted by length, so that little is padded
logger = logging.getLogger(__name__)


class _Trained(nn.Module):
    """What a checkpoint holds: the language model's own weights never change and stay out of it."""

    def __init__(self, model: SmallVlm) -> None:
        super().__init__()
        self.projector, self.lora = model.projector, nn.ParameterList(model.lora)


class VlmTrainer:
    """One run.

    Args:
        language: a causal language model of transformers.
        tokenizer: its own, with a chat template.
        album: pictures to learn from.
        config: of the run.
        out: folder for the log, the checkpoint and the trained parts.
    """

    def __init__(
        self,
        language: Any,
        tokenizer: Any,
        album: Album,
        config: VlmConfig,
        out: Path,
    ) -> None:
        set_seed(config.training.seed)
        self.tokenizer, self.album, self.config, self.out = tokenizer, album, config, out
        language = language.to(getattr(torch, config.training.base))
        self.model = SmallVlm.fresh(language, tokenizer, album.tokens.shape[-1], config.model)
        # a picture whose kind its tags do not tell would teach to guess one; it takes part in the words alone
        self._asked_about = [one for one in album.shows if not config.model.tags or album.tells(one)]
        self._drawn: tuple[int, list[Batch]] = (-1, [])

    def train(self) -> Path:
        """Do the steps that are left; return the folder of what was trained."""
        recipe = self.config.training
        accelerator = Accelerator(cpu=not torch.cuda.is_available())
        self.model.to(accelerator.device)
        parts = _Trained(self.model)
        rates = (recipe.learning_rate, recipe.language_learning_rate)
        groups = [{"params": list(parts.projector.parameters())}, {"params": list(parts.lora)}]
        parts, optimizer = accelerator.prepare(parts, torch.optim.AdamW(groups, lr=rates[0], weight_decay=0.0))
        log = RunLog(folder=self.out)
        self.model.train()
        done = resume(accelerator, self.out)
        if not done:
            self.teach_words()
        for step in range(done, recipe.steps):
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = learning_rate_at(step, recipe.steps, rate, max(1, recipe.steps // 30))
            loss = self.loss(step, accelerator.device)
            optimizer.zero_grad()
            accelerator.backward(loss)
            accelerator.clip_grad_norm_(parts.parameters(), recipe.clip)
            optimizer.step()
            log.add(float(loss.detach()))
            if (step + 1) % recipe.log_every == 0:
                logger.info("%s", log.report(step + 1))
            if (step + 1) % recipe.save_every == 0 or step + 1 == recipe.steps:
                save(accelerator, self.out, step + 1)
                self.model.save(self.out / "vlm")
        self.model.eval()
        return self.out / "vlm"

    def teach_words(self) -> None:
        """Give the projector its first lessons, see `pipelines.assistant.vlm.words`."""
        words = self.config.words
        if words.steps:
            table = self.model.language.get_input_embeddings().weight.cpu()
            lessons = WordLessons(table, self.tokenizer, self.album.shows, words.sharpness)
            device = next(self.model.projector.parameters()).device
            teach_words(self.model.projector.cpu(), lessons, self.album.tokens, words, self.config.training.seed)
            self.model.projector.to(device)

    def loss(self, step: int, device: torch.device) -> Tensor:
        """Return the loss of a step; a step draws the same lessons whether the run was broken off or not."""
        made = self.batch(step)
        moved = Batch(**{name: value.to(device) for name, value in vars(made).items()})
        loss: Tensor = self.model(moved)
        return loss

    def batch(self, step: int) -> Batch:
        """Return the lessons of a step."""
        first = step - step % _TOGETHER
        if self._drawn[0] != first:
            self._drawn = (first, self._batches(first))
        return self._drawn[1][step % _TOGETHER]

    def _batches(self, first: int) -> list[Batch]:
        recipe = self.config.training
        rng = random.Random(recipe.seed * 1_000_003 + first)
        lessons = [lesson(self._asked_about, rng, self.config.lessons) for _ in range(recipe.batch * _TOGETHER)]
        laid = [(self._branches(one), one) for one in lessons]
        laid.sort(key=lambda pair: sum(len(branch.answer) for branch in pair[0]) + len(pair[0][0].prompt))
        batches = [laid[at : at + recipe.batch] for at in range(0, len(laid), recipe.batch)]
        rng.shuffle(batches)
        return [self._batch(batch) for batch in batches]

    def _branches(self, one: Lesson) -> list[Branch]:
        tags = Tags() if one.row is None else self.album.tags[one.row]
        return branches_of(one, self.tokenizer, self.config.model, tags)

    def _batch(self, laid: Sequence[tuple[list[Branch], Lesson]]) -> Batch:
        end = self.tokenizer.eos_token_id
        fill = self.tokenizer.pad_token_id if self.tokenizer.pad_token_id is not None else end
        rows = [one.row for _, one in laid]
        return batch_of(
            [branches for branches, _ in laid], rows, self.album.tokens, placeholder=self.model.placeholder, fill=fill
        )
