"""`style`: LoRA files of others that give pictures a style; `generate --style-lora` draws with one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from studio.cli.cards import receipt_text
from studio.cli.concepts import check_free, write
from studio.cli.console import AsJson, finished, opened_studio, plain, size, table, tell
from studio.domain.loras import SUFFIX
from studio.domain.style_loras import STRENGTH_MAX, AddStyleLoraRequest, StyleLora, check_file
from studio.errors import InvalidInput

app = typer.Typer(help="Style LoRAs: files of others that pictures are drawn with.", rich_markup_mode=None)

Name = Annotated[str, typer.Argument(help="Its name.")]
Trigger = Annotated[str | None, typer.Option(help="Words put behind every prompt drawn with it; '' for none.")]


@app.callback(invoke_without_command=True)
def style(context: typer.Context) -> None:
    """Style LoRAs: files of others that pictures are drawn with."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command("add")
def add(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A LoRA as .safetensors, made for the base that the studio draws with.")],
    name: Annotated[str, typer.Option(help="What it is to be called; the name of the file if left out.")] = "",
    trigger: Trigger = None,
    strength: Annotated[float, typer.Option(help=f"0–{STRENGTH_MAX}; 1 is as made.")] = 1.0,
    as_json: AsJson = False,
) -> None:
    """Keep a LoRA file as a style; says which parts of it are used."""
    if not file.is_file():
        raise InvalidInput(f"There is no file {file}.")
    check_file(file.name, file.stat().st_size)
    AddStyleLoraRequest(data=b"", name=name, trigger=trigger, strength=strength)  # checked before anything is read
    request = AddStyleLoraRequest(
        data=file.read_bytes(), name=name, file_name=file.name, trigger=trigger, strength=strength
    )
    with opened_studio(context) as studio:
        added = finished(studio.style_loras.add(request))
    tell(record(added), f"{described(added)}\nDraw with it: generate … --style-lora {added.name!r}", as_json=as_json)


@app.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """Show the style LoRAs."""
    with opened_studio(context) as studio:
        styles = studio.style_loras.list()
    rows = [(one.name, f"{one.strength:g}", one.trigger or "–", one.model, one.digest) for one in styles]
    text = table(("name", "strength", "trigger phrase", "base", "hash"), rows)
    if not rows:
        text = "No style LoRA yet. Add one: python -m studio style add FILE.safetensors"
    tell([record(one) for one in styles], text, as_json=as_json)


@app.command("show")
def show(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Show one."""
    with opened_studio(context) as studio:
        found = studio.style_loras.get(name)
    tell(record(found), described(found), as_json=as_json)


@app.command("edit")
def edit(
    context: typer.Context,
    name: Name,
    new_name: Annotated[str | None, typer.Option("--name", help="What it is to be called from now on.")] = None,
    trigger: Trigger = None,
    strength: Annotated[float | None, typer.Option(help=f"0–{STRENGTH_MAX}; 1 is as made.")] = None,
    as_json: AsJson = False,
) -> None:
    """Change the name, the trigger phrase or the strength of one."""
    with opened_studio(context) as studio:
        found = studio.style_loras.get(name)
        changed = studio.style_loras.edit(found.id, name=new_name, trigger=trigger, strength=strength)
    tell(record(changed), described(changed), as_json=as_json)


@app.command("export")
def export(
    context: typer.Context,
    name: Name,
    out: Annotated[Path, typer.Option(help="The file to write, ending in .safetensors; none is overwritten.")],
    as_json: AsJson = False,
) -> None:
    """Write the file of one, bit for bit as it came."""
    check_free(out, SUFFIX, "a LoRA is a file that ends in")
    with opened_studio(context) as studio:
        file = studio.style_loras.file(name)
    write(out, file.data)
    tell({"file": str(out), "bytes": len(file.data)}, f"{out}: {size(len(file.data))}.", as_json=as_json)


@app.command("remove")
def remove(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Remove one with its file; pictures that were drawn with it stay."""
    with opened_studio(context) as studio:
        found = studio.style_loras.get(name)
        receipt = studio.style_loras.remove(found.id)
    tell({"removed": record(found), "complete": receipt.complete}, receipt_text(receipt), as_json=as_json)
    if not receipt.complete:
        raise typer.Exit(1)


def described(style: StyleLora) -> str:
    """Return one for a person."""
    lines = [
        f"{style.name}: adapts {style.layers} layers of {style.model}, strength {style.strength:g}, "
        f"hash {style.digest}.",
        f"Trigger phrase: {style.trigger or 'none'}",
    ]
    if style.left_out:
        lines.append(f"Not used: {'; '.join(style.left_out)}.")
    return "\n".join(lines)


def record(style: StyleLora) -> dict[str, Any]:
    """Return one for JSON."""
    return plain(
        {
            "id": style.id,
            "name": style.name,
            "trigger": style.trigger,
            "strength": style.strength,
            "model": style.model,
            "layers": style.layers,
            "left_out": list(style.left_out),
            "digest": style.digest,
            "created_at": style.created_at.isoformat(),
        }
    )
