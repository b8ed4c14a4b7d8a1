"""Sums a comparison of ways of personalization up, and draws it.

    python -m tests.bench.personalization_report FILE.json … [--plot FILE] [--pictures FOLDER --sheet FILE]

reads what `bench_personalization` wrote, of several runs too, prints the tables, plots likeness against prompt, a
point a way and a curve over the steps or the dial where there is one, and lays pictures out: a line a subject, the
first of its references and a picture of each of some ways.
"""

from __future__ import annotations

import argparse
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pipelines.mini.alpha import contact_sheet

COLUMNS = (
    "meter", "dino", "clip", "colour distance", "prompt", "margin", "text", "word", "diversity", "seconds",
    "memory MB", "file KB",
)  # fmt: skip
OURS = "hypernetwork + HM-CFG"
STUDIO = f"{OURS}, after the drawing most like it"
COMPARED = ("meter", "dino", "colour distance", "prompt", "margin", "text", "word")
SHOWN = ("class word", "hypernetwork's LoRA alone", OURS, f"{OURS} + refine")
POINTS = {  # rows that are a point of the plot → mark and colour
    "class word": ("s", "#8a8a8a"),
    "another's LoRA": ("X", "#8a8a8a"),
    "hypernetwork's LoRA alone": ("o", "#f2a36b"),
    f"{OURS} + refine": ("*", "#c2410c"),
    STUDIO: ("h", "#c2410c"),
    "image conditioning": ("P", "#2f855a"),
    "image conditioning + HM-CFG": ("P", "#8fd3b0"),
    "textual inversion": ("D", "#6b46c1"),
    "textual inversion + HM-CFG": ("D", "#b9a5ec"),
}
FEWEST = 3  # subjects of a case that is plotted
BLUES = ("#90b8e8", "#2b6cb0", "#12355b")  # of DreamBooth's learning rates
_DREAMBOOTH = re.compile(r"(DreamBooth-LoRA [^,]+), (\d+) steps( \+ HM-CFG)?$")
Figures = dict[str, float]


def summed_up(subjects: Sequence[Mapping[str, Figures]]) -> dict[str, Figures]:
    """Return row → means over the subjects, which are row → figures, and, of two or more, their standard errors."""
    rows: dict[str, Figures] = {}
    for name in dict.fromkeys(name for subject in subjects for name in subject):
        having = [subject[name] for subject in subjects if name in subject]
        found: Figures = {"subjects": len(having)}
        for key in COLUMNS:
            values = np.array([one[key] for one in having if key in one])
            if len(values):
                found[key] = round(float(values.mean()), 4)
            if len(values) > 1:
                found[f"{key} error"] = round(float(values.std(ddof=1) / np.sqrt(len(values))), 4)
        rows[name] = found
    return rows


def differences(subjects: Sequence[Mapping[str, Figures]], than: str = OURS) -> dict[str, Figures]:
    """Return for every row by how much `than` is above it, subject by subject: means and their standard errors."""
    return summed_up(
        [
            {
                name: {key: one[than][key] - row[key] for key in COMPARED if key in row and key in one[than]}
                for name, row in one.items()
                if name != than
            }
            for one in subjects
            if than in one
        ]
    )


def whole(rows: Mapping[str, Figures]) -> dict[str, Figures]:
    """Return the rows that were measured on all subjects: means over others cannot stand beside them."""
    most = max(row["subjects"] for row in rows.values())
    return {name: row for name, row in rows.items() if row["subjects"] == most}


def line(name: str, row: Figures, keys: Iterable[str]) -> str:
    """Return a row of a printed table."""
    return f"| {name} | " + " | ".join(_cell(row, key) for key in keys) + " |"


def _cell(row: Figures, key: str) -> str:
    if key not in row:
        return "–"
    return f"{row[key]:.3g} ± {row[f'{key} error']:.2g}" if f"{key} error" in row else f"{row[key]:.3g}"


def table(rows: Mapping[str, Figures], keys: Sequence[str] = ("subjects", *COLUMNS)) -> str:
    """Return a table in Markdown."""
    head = ["| | " + " | ".join(keys) + " |", "|---" * (1 + len(keys)) + "|"]
    return "\n".join(head + [line(name, row, keys) for name, row in rows.items()])


def picture_file(folder: Path, case: str, number: int, row: str, place: int) -> Path:
    """Return where the bench keeps a picture: of a subject, by a way, the `place`-th that was drawn."""
    return folder / case.replace(" ", "-") / str(number) / row.replace(" ", "-").replace("'", "") / f"{place}.png"


def sheet(folder: Path, subjects: Sequence[tuple[str, int]], rows: Sequence[str], place: int = 0) -> Image.Image:
    """Lay pictures out: a line a subject (its case and number), a column a row of the table."""
    cells = [
        Image.open(picture_file(folder, case, number, row, place)).convert("RGBA")
        for case, number in subjects
        for row in rows
    ]
    return contact_sheet(cells, len(rows))


def curves(rows: Iterable[str]) -> dict[str, list[tuple[str, str]]]:
    """Return curve → its rows in order, each with what its point is called: the dial, and DreamBooth's runs."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name in rows:
        if trained := _DREAMBOOTH.match(name):
            run, steps, hybrid = trained.groups()
            found.setdefault(f"{run}{hybrid or ''}, by steps", []).append((name, steps))
        elif name == OURS:
            found.setdefault(f"{OURS}, by the dial", []).append((name, "0.7"))
        elif name.startswith(f"{OURS} at "):
            found.setdefault(f"{OURS}, by the dial", []).append((name, name.rpartition(" ")[2]))
    return {curve: sorted(points, key=lambda point: float(point[1])) for curve, points in found.items()}


def plot(cases: Mapping[str, Mapping[str, Figures]], file: Path) -> None:
    """Draw the margin of the prompt over likeness, a panel a case; a dotted line is the likeness of a reference."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(cases), figsize=(6.2 * len(cases), 5), dpi=110, squeeze=False)
    for axes, (name, rows) in zip(panels[0], cases.items(), strict=True):
        _draw_panel(axes, rows)
        axes.set_title(name, fontsize=10)
        axes.set_xlabel("likeness: the studio's meter")
        axes.spines[["top", "right"]].set_visible(False)
    panels[0][0].set_ylabel("prompt: by how much its own text is nearest")
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=2, frameon=False, fontsize=8)
    figure.tight_layout(rect=(0, 0.05 + 0.028 * -(-len(labels) // 2), 1, 1))
    _save(figure, file)
    pyplot.close(figure)


def _draw_panel(axes: Any, rows: Mapping[str, Figures]) -> None:
    for number, (curve, points) in enumerate(sorted(curves(rows).items())):
        hybrid, ours = "+ HM-CFG" in curve, curve.startswith(OURS)
        colour = "#c2410c" if ours else BLUES[number // 2 % len(BLUES)]
        places = [(rows[name]["meter"], rows[name]["margin"]) for name, _ in points]
        dash = "--" if hybrid and not ours else "-"
        axes.plot(*zip(*places, strict=True), dash, color=colour, marker="o", markersize=4, label=curve)
        for place, (_, said) in zip(places, points, strict=True):
            axes.annotate(said, place, xytext=(3, 3), textcoords="offset points", fontsize=7, color=colour)
    for name, (mark, colour) in POINTS.items():
        if name in rows:
            axes.plot(rows[name]["meter"], rows[name]["margin"], mark, color=colour, markersize=8, label=name)
    if "its reference" in rows:
        axes.axvline(rows["its reference"]["meter"], color="#8a8a8a", linestyle=":", linewidth=1)


def _save(figure: Any, file: Path) -> None:
    """Write a figure, as PNG or WebP, in a palette where that is smaller."""
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png")
    picture = Image.open(drawn).convert("RGB")
    if file.suffix == ".png":
        picture.quantize(64, dither=Image.Dither.NONE).save(file, optimize=True)
    else:
        picture.save(file, quality=90, method=6)


def read(files: Sequence[Path]) -> dict[str, list[dict]]:
    """Return case → its subjects; runs with the same subjects and further rows are joined subject by subject.

    Raises:
        ValueError: the runs are of different subjects.
    """
    found: dict[str, list[dict]] = {}
    for file in files:
        for name, case in json.loads(file.read_text(encoding="utf-8")).items():
            for number, one in enumerate(case["subjects"] if isinstance(case, dict) else ()):
                known = found.setdefault(name, [])
                if number == len(known):
                    known.append(one)
                elif known[number]["name"] != one["name"]:
                    raise ValueError(
                        f"Subject {number} of {name} is {known[number]['name']!r}, in {file} {one['name']!r}."
                    )
                else:
                    known[number]["rows"] |= one["rows"]
    return found


def report(name: str, subjects: Sequence[Mapping]) -> None:
    """Print the tables of a case: all its subjects, by how much ours is above each row, and family by family."""
    rows = [one["rows"] for one in subjects]
    print(f"\n{name}: {len(subjects)} subjects\n\n{table(summed_up(rows))}")
    if compared := differences(rows):  # a run can do without ours, and be joined with another that has it
        print(f"\n{OURS} less each\n\n{table(compared, ('subjects', *COMPARED))}")
    families = dict.fromkeys(one["family"] for one in subjects)
    for family in families if len(families) > 1 else ():
        found = summed_up([one["rows"] for one in subjects if one["family"] == family])
        print(f"\n{family}\n\n{table(found)}", flush=True)


def main() -> None:
    """Print, plot and lay out what the options name."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="+", help="JSON files of the bench")
    parser.add_argument("--out", type=Path, help="JSON file: means and standard errors of all of them")
    parser.add_argument("--plot", type=Path, help="PNG or WebP file; needs matplotlib")
    parser.add_argument("--pictures", type=Path, help="folder of the bench's pictures")
    parser.add_argument("--sheet", type=Path, help="picture file")
    parser.add_argument("--chosen", nargs="+", default=[], help='"case:number" of the subjects of the sheet')
    parser.add_argument("--rows", nargs="+", default=[*SHOWN], help="of the sheet")
    options = parser.parse_args()
    found = read(options.files)
    for name, subjects in found.items():
        report(name, subjects)
    rows = {name: summed_up([one["rows"] for one in subjects]) for name, subjects in found.items()}
    if options.out is not None:
        counted = {name: {"subjects": len(found[name]), "rows": figures} for name, figures in rows.items()}
        options.out.write_text(json.dumps(counted, indent=1) + "\n", encoding="utf-8")
    if options.plot is not None:
        plot({name: whole(figures) for name, figures in rows.items() if len(found[name]) >= FEWEST}, options.plot)
    if options.sheet is not None:
        chosen = [(case, int(number)) for case, _, number in (one.rpartition(":") for one in options.chosen)]
        sheet(options.pictures, chosen, options.rows).save(options.sheet)


if __name__ == "__main__":
    main()
