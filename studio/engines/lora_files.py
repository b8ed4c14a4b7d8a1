"""Personal LoRAs as safetensors files for other programs."""

from __future__ import annotations

from datetime import date

from studio.domain.loras import LoraLayout
from studio.errors import InvalidInput


class SafetensorsLoraFiles:
    """Writes LoRAs in diffusers' and kohya's layouts; importing this module loads nothing."""

    def export(self, adapter: bytes, layout: LoraLayout, *, trigger: str, made: date) -> bytes:
        """See `LoraFileEngine.export`."""
        from pipelines.lora import LoraError, LoraFactors
        from pipelines.lora_files import LoraLabel, export_lora

        try:
            return export_lora(LoraFactors.from_bytes(adapter), layout, LoraLabel(trigger=trigger, made=made))
        except LoraError as error:
            raise InvalidInput(str(error)) from error
