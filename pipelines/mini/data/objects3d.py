"""3D objects: each textured model of a furniture library is an individual, seen from several sides.

Painted copies (the same shape in other colours) are individuals of their own. Models and materials are read as text
and written anew under names of ours before they are rendered, so no name in an archive is ever used as a path.
"""

from __future__ import annotations

import colorsys
import hashlib
import io
import re
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from pipelines.mini.data.debian import DebianPackage, deb_members, fetch_debian
from pipelines.mini.data.individuals import PAINTED, Individual, fit_views
from pipelines.mini.data.turntable import SIDES, Turntable

PACKAGES = (
    DebianPackage(
        name="sweethome3d-furniture",
        version="1.8-1",
        licence="CC-BY-3.0, CC-BY-3.0-US and CC0-1.0",
        credit="3D models of Sweet Home 3D by Emmanuel Puybaret / eTeks, Scopia Visual Interfaces Systems, "
        "Andrew Kator & Jennifer Legaz, Reallusion, and artists of Blend Swap",
        sha256="3ccb90c63f9525e887a767b9cd5c8b6933b8b6b2973a615a5359ee68a2118668",
    ),
)
STYLE = "glossy"
MOST_OF_A_KIND = 6
_LARGEST_MODEL = 6_000_000  # bytes of OBJ text; the few larger ones are trees that take a minute each
_OVERSAMPLING = 3
_LEAST_AREA = 0.15  # a view with less than this share of the largest one's area shows an edge, not the object
_LEAST_CHANGE = 0.06  # mean difference of pixels, as a share of full scale, that makes a painted copy another one

# What is no thing of its own, is flat, is a person lying down, or cannot be told from a box.
_LEFT_OUT = re.compile(
    r"\b(door|window|socket|plug|switch|parking|crossing|rails?|railing|fence|hedge|pool|carpet|rug|tatami|staircase|"
    r"escalator|elevator|bill|curtain|blind|shutter|antenna|hood|shower|urinal|bidet|toilets?|detector|heater|"
    r"conditioning|sidewalk|column|arrow|frame|intercom|entry|sign|cctv|extension|lower|upper|corner|cabinet|"
    r"doormat|bathmat|towel|radiator|calendar|newspaper|sandpit|contemporary|cutlery|lying|barnum|spotlight|track|"
    r"fluorescent|strip|cooktop|induction|island|whiteboard|white board|screen|technical|pallet|slot|mattress|"
    r"diving|jacuzzi|basin|washbasin|lavatory|furnace|boiler|chimney|locker|island|card game|puzzle|ruler|dart|tape|"
    r"tray|comb|knife stand|utensils|kitchen tools?|tool|base|station|video projector|coathanger|hanger|hanging|"
    r"fitness)\b",
    re.I,
)
# Trade names, and names that a prompt would not use.
_KINDS = {
    "abdominal bench": "weight bench", "acacia": "tree", "apple ibook": "laptop", "apple imac 1998": "computer",
    "apple imac 2004": "computer", "apple iphone": "phone", "armchair ottoman": "armchair",
    "baby high chair": "high chair", "bath": "bathtub", "bended coconut tree": "palm tree", "bike": "bicycle",
    "black table": "table", "blue pine under snow": "snowy pine tree", "bootie": "baby shoe",
    "bowl with fruits": "bowl of fruit", "bowl with salad": "bowl of salad", "bulldog": "dog",
    "bullet trash can": "trash can", "burlap sofa": "sofa", "cafe chair": "chair", "cafe table": "table",
    "cap": "baseball cap", "captain's bed": "bed", "car model": "car", "chair with cushion": "chair",
    "chandelier lamp": "chandelier", "chevrolet": "car", "child bed": "bed", "child chair": "chair",
    "child hut": "playhouse", "child swing": "swing", "children chair": "chair", "children game": "playground",
    "children table": "table", "city bus": "bus", "class seat": "school desk", "classic lamppost": "street lamp",
    "clear sofa": "sofa", "clothes horse": "drying rack", "clothes washing machine": "washing machine",
    "coconut tree": "palm tree", "coffee brewer": "coffee maker", "coffee machine": "coffee maker",
    "concept sedan 01": "car", "concept sedan 02": "car", "concept sedan 02 sport": "car", "concrete bench": "bench",
    "cone": "traffic cone", "convertible sofa bz": "sofa", "cooker": "stove", "copper beech": "tree",
    "cosmetics pot": "jar", "couch": "sofa", "creamer": "milk jug", "cup cake": "cupcake", "cutting pliers": "pliers",
    "cypress": "tree", "decorative plant": "plant", "desk table": "desk", "double oven": "oven",
    "double vanity": "vanity", "drawers cabinet": "chest of drawers", "dresser with drawers": "chest of drawers",
    "dryer machine": "dryer", "dustbin": "trash can", "dvd player": "DVD player", "electronic scale": "kitchen scale",
    "espresso kettle": "moka pot", "extinguisher": "fire extinguisher", "female": "woman", "ficus": "potted plant",
    "flacon": "perfume bottle", "flipper": "pinball machine", "football goal": "soccer goal",
    "football table": "table football", "ford focus": "car", "fork lift": "forklift", "fridge": "refrigerator",
    "full bookcase": "bookcase", "futon couch": "sofa", "gift": "wrapped gift", "glass table": "table",
    "hashtray": "ashtray", "holding female": "woman", "holding male": "man", "indoor bike": "exercise bike",
    "indoor plant": "potted plant", "inkjet printer and scanner": "printer", "iron bed": "bed",
    "japanese maple": "tree", "large fridge": "refrigerator", "large pan": "frying pan", "large stove": "stove",
    "letters box": "mailbox", "lip stick": "lipstick", "little bank": "bench", "little lamp": "lamp",
    "little plant": "potted plant", "male": "man", "mannequin female": "mannequin", "mannequin male": "mannequin",
    "mezzanine bed": "bunk bed", "mini stereo": "stereo", "mobile phone": "phone", "mocassin": "moccasin",
    "modern armchair": "armchair", "mower": "lawn mower", "number lock": "padlock", "oak chair": "chair",
    "oak table": "table", "oil servers": "oil bottles", "old jar": "jar", "open cardboard box": "cardboard box",
    "opened convertible sofa bz": "sofa", "osaka chair": "chair", "oval plate": "plate", "painted bench": "bench",
    "park light": "street lamp", "park trashcan": "trash can", "peach blossom": "tree", "pedestal vase lamp": "lamp",
    "penbox": "pencil holder", "peugeot 308 cc": "car", "pine": "pine tree", "pine under snow": "snowy pine tree",
    "plant box": "flower box", "plastic chair": "chair", "playstation": "game console", "poplar": "tree",
    "propane stove": "stove", "puff": "pouf", "punching ball": "punching bag", "rattan armchair": "armchair",
    "rattan sofa": "sofa", "rattan table": "table", "reflex camera": "camera", "relax chair": "lounge chair",
    "renault scenic": "car", "residential trashcan": "trash can", "rigged fan": "fan", "round chimney": "fireplace",
    "round table": "table", "ryokan chair": "chair", "seat leon": "car", "short": "shorts", "siamese cat": "cat",
    "sitting boy": "boy", "sitting female": "woman", "sitting girl": "girl", "sitting male": "man",
    "small oven": "oven", "small step ladder": "ladder", "smart car": "car", "sofa 2 seats": "sofa",
    "sofa 3 seats": "sofa", "spathiphyllum": "potted plant", "spice tower": "spice rack",
    "spider plant": "potted plant", "squeezer": "juicer", "step ladder": "ladder", "stereo amplifier": "amplifier",
    "stone grill device": "grill", "street light": "street lamp", "succulent plant": "succulent", "suv": "car",
    "sycamore maple": "tree", "table fan": "fan", "table on trestles": "table",
    "table tennis bat": "table tennis racket", "table with tablecloth": "table", "tablet": "tablet computer",
    "teck chair": "chair", "television": "TV", "text marker": "highlighter", "trunck": "trunk", "tv": "TV",
    "tv remote control": "remote control", "tv stand": "TV stand", "vertical shelves": "shelves",
    "vw new beetle": "car", "wall flat tv": "TV", "wall lamp artwork": "wall lamp", "wall light": "wall lamp",
    "white lily": "lily", "winchester armchair": "armchair", "winchester sofa": "sofa", "wireless phone": "phone",
    "woman shoes": "shoes", "wood bank": "bench", "wood logs": "firewood", "wood toy": "wooden toy",
    "wooden alder table": "table", "wooden desk": "desk", "wooden table": "table", "wooden teak table": "table",
    "yamaha yzr r6": "motorbike", "yogurt bottle": "bottle", "yucca": "potted plant",
}  # fmt: skip
# Their colours belong to the kind: a blue hamburger would teach the wrong thing.
_NATURAL = re.compile(
    r"tree|plant|bamboo|bush|cactus|succulent|lily|tulips|orchids|flower|bonsai|apple|bread|butter|milk|fries|hot dog|"
    r"hamburger|chicken|steak|sushi|fruit|salad|cake|sugar|woman|man\b|boy|girl|deer|horse|rabbit|cat|dog|snowman|rock|"
    r"firewood|soap|teddy"
)


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model as the library has it: OBJ text, MTL text, textures by lower-case file name, and its upright rotation."""

    kind: str
    maker: str
    shape: bytes
    materials: str
    textures: dict[str, bytes]
    rotation: tuple[float, ...] | None


def fetch_models(cache: Path) -> Path:
    """Return the fetched archive of the furniture library; see `pipelines.mini.data.debian.fetch_debian`."""
    return fetch_debian(PACKAGES[0], cache)


def render_objects(
    archive: Path, size: int, most: int = 450, most_of_a_kind: int = MOST_OF_A_KIND
) -> Iterator[Individual]:
    """Yield each model in its own colours and, where it can be painted, once more in others.

    Args:
        archive: Debian package that holds libraries of Sweet Home 3D (``.sh3f``).
        size: edge of the pictures in pixels.
        most: models at most.
        most_of_a_kind: models of one kind at most, so that chairs do not outnumber everything.

    Raises:
        RenderError: VTK is missing.
    """
    turntable = Turntable(size * _OVERSAMPLING)
    counts: Counter[str] = Counter()
    for model in read_models(archive):
        if counts.total() >= most:
            return
        if counts[model.kind] >= most_of_a_kind:
            continue
        own = _turn(turntable, model, model.materials, size)
        if own is None:
            continue
        counts[model.kind] += 1
        name = f"3d-{model.kind.lower().replace(' ', '-')}-{counts[model.kind]:02d}"
        yield _individual(name, model, own)
        painted = _painted(turntable, model, name, size)
        if painted is not None and _change(own, painted) > _LEAST_CHANGE:
            yield _individual(f"{name}{PAINTED}", model, painted)


Views = tuple[tuple[np.ndarray, ...], tuple[str, ...]]


def _individual(name: str, model: Model, views: Views) -> Individual:
    pictures, words = views
    source = f"{PACKAGES[0].name}@{PACKAGES[0].version}, {model.maker}"
    return Individual(name=name, kind=model.kind, style=STYLE, pictures=pictures, views=words, source=source)


def _painted(turntable: Turntable, model: Model, name: str, size: int) -> Views | None:
    if _NATURAL.search(model.kind):
        return None
    seed = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16)
    materials = paint(model.materials, np.random.default_rng(seed))
    return None if materials is None else _turn(turntable, model, materials, size)


def _turn(turntable: Turntable, model: Model, materials: str, size: int) -> Views | None:
    """Return the views that show enough of the object and their words, or None where fewer than three do."""
    with tempfile.TemporaryDirectory(prefix="model-") as folder:
        shape, colours = _write(model, materials, Path(folder))
        shots = turntable.render(shape, colours, model.rotation)
    areas = [float(shot[..., 3].mean()) for shot in shots]
    kept = [number for number, area in enumerate(areas) if area > max(_LEAST_AREA * max(areas), 0.5)]
    if len(kept) < 3:
        return None
    return fit_views([shots[i] for i in kept], size), tuple(SIDES[i].words for i in kept)


def _change(own: Views, painted: Views) -> float:
    first, second = (views[0][0].astype(np.float32) for views in (own, painted))
    cover = max(float(first[..., 3].mean()) / 255, 1e-6)
    return float(np.abs(first[..., :3] - second[..., :3])[first[..., 3] > 127].sum() / (765 * cover * first.size / 4))


def _write(model: Model, materials: str, folder: Path) -> tuple[Path, Path]:
    shape, colours = folder / "model.obj", folder / "model.mtl"
    shape.write_bytes(model.shape)
    names: dict[str, str] = {}
    for number, (name, content) in enumerate(model.textures.items()):
        names[name] = f"texture-{number}{PurePosixPath(name).suffix}"
        (folder / names[name]).write_bytes(content)
    colours.write_text(safe_materials(materials, names))
    return shape, colours


_KEPT = ("newmtl", "kd", "ks", "ns", "d", "illum")


def safe_materials(materials: str, textures: dict[str, str]) -> str:
    """Return MTL text with plain colours and known textures alone.

    Args:
        materials: MTL text; its textures may be given by any path, only the file name counts.
        textures: lower-case file name → the name under which it lies beside the materials.
    """
    lines = []
    for line in materials.splitlines():
        key, _, value = line.strip().partition(" ")
        if key.lower() in _KEPT:
            lines.append(f"{key} {value.strip()}")
        elif key.lower() == "map_kd":
            name = _known(value.strip(), textures)
            lines += [f"map_Kd {textures[name]}"] if name else []
    return "\n".join(lines) + "\n"


def _known(value: str, textures: dict[str, str]) -> str | None:
    """Return the texture meant by a path that may hold spaces or follow options (``-s 1 1 1 wood.jpg``)."""
    whole = re.split(r"[/\\]", value.lower())[-1]
    last = whole.split()[-1] if whole.split() else ""
    return next((name for name in (whole, last) if name in textures), None)


def paint(materials: str, rng: np.random.Generator) -> str | None:
    """Give every group of equal plain colours another one; dark ones and glass stay. None where nothing can change."""
    blocks = re.split(r"(?m)^(?=\s*newmtl\s)", materials)
    coats: dict[tuple[float, ...], str] = {}
    painted = [_paint_block(block, coats, rng) for block in blocks]
    return "".join(painted) if coats else None


_COLOUR = re.compile(r"(?mi)^(\s*kd)\s+(\S+)\s+(\S+)\s+(\S+)[ \t]*$")
_OPACITY = re.compile(r"(?mi)^\s*d\s+([\d.]+)")


def _paint_block(block: str, coats: dict[tuple[float, ...], str], rng: np.random.Generator) -> str:
    colour, opacity = _COLOUR.search(block), _OPACITY.search(block)
    if colour is None or "map_kd" in block.lower() or (opacity is not None and float(opacity[1]) < 0.9):
        return block
    own = tuple(round(float(value), 2) for value in colour.groups()[1:])
    if max(own) < 0.12:
        return block
    if own not in coats:
        shade = colorsys.hsv_to_rgb(rng.random(), rng.uniform(0.35, 0.85), rng.uniform(0.45, 0.95))
        coats[own] = " ".join(f"{value:.3f}" for value in shade)
    return _COLOUR.sub(lambda match: f"{match[1]} {coats[own]}", block, count=1)


def read_models(archive: Path) -> Iterator[Model]:
    """Yield the usable models of every library in the package, library by library, in the order of its catalogue."""
    libraries = sorted(deb_members(archive, ".sh3f"))
    for _, content in libraries:
        with zipfile.ZipFile(io.BytesIO(content)) as library:
            yield from _read_library(library)


def _read_library(library: zipfile.ZipFile) -> Iterator[Model]:
    catalogue = read_catalogue(library.read("PluginFurnitureCatalog.properties"))
    folders: dict[str, list[str]] = {}
    for member in library.namelist():
        folders.setdefault(str(PurePosixPath(member).parent), []).append(member)
    for entry in catalogue:
        kind, path = kind_of(entry.get("name", "")), entry.get("model", "").lstrip("/")
        folder = folders.get(str(PurePosixPath(path).parent), [])
        if kind is None or path not in folder or library.getinfo(path).file_size > _LARGEST_MODEL:
            continue
        yield Model(
            kind=kind,
            maker=entry.get("creator", "unknown"),
            shape=library.read(path),
            materials="\n".join(_text(library.read(name)) for name in folder if name.lower().endswith(".mtl")),
            textures={
                PurePosixPath(name).name.lower(): library.read(name)
                for name in folder
                if name.lower().endswith((".png", ".jpg", ".jpeg"))
            },
            rotation=_rotation(entry.get("modelRotation")),
        )


def _text(content: bytes) -> str:
    return content.decode("latin-1").replace("\r\n", "\n")


def _rotation(value: str | None) -> tuple[float, ...] | None:
    return tuple(float(part) for part in value.split()) if value else None


def read_catalogue(properties: bytes) -> list[dict[str, str]]:
    """Return the entries of a catalogue (lines ``key#number=value`` in Java's properties format), by their number."""
    entries: dict[int, dict[str, str]] = {}
    for line in _text(properties).splitlines():
        found = re.match(r"(\w+)#(\d+)\s*=\s*(.*)", line)
        if found:
            value = re.sub(r"\\u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), found[3].strip())
            entries.setdefault(int(found[2]), {})[found[1]] = value
    return [entries[number] for number in sorted(entries)]


def kind_of(name: str) -> str | None:
    """Return the class word of a catalogue name as a prompt would say it; None for what makes no good individual."""
    said = name.strip().lower()
    if said in _KINDS:
        return _KINDS[said]
    if not said or _LEFT_OUT.search(said) or not re.fullmatch(r"[a-z' -]+", said):
        return None
    return said
