"""Take the gallery's pictures: ``python docs/gallery/make.py [FOLDER]``, with Debian's chromium and the dev and demo extras.

The photograph needs the folder with real data (CONTRIBUTING.md); without it its picture stays as it is.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from contextlib import redirect_stdout
from io import BytesIO, StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, sync_playwright
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier

from limelight import Explanation, ImageExplainer, OnnxModel, TabularExplainer
from limelight.demo.run import run

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("LIMELIGHT_DATA") or HERE.parents[2] / "shared" / "data")

# Picture, page, the part of it that is shown, width of the window, colour scheme.
SHOTS = (
    ("index", "index.html", "main", 1200, "light"),
    ("mail", "mail.html", ".explained-label", 1100, "light"),
    ("mail_dark", "mail.html", "main", 1100, "dark"),
    ("digit", "digit.html", ".labels", 1100, "light"),
    ("pulse", "pulse.html", ".explained-label", 1100, "light"),
    ("chord_narrow", "chord.html", "main", 400, "light"),
    ("tumour", "tumour-unsure.html", "main", 1000, "light"),
    ("photograph", "photograph.html", ".labels", 1200, "light"),
    ("report", "report.html", "main", 1200, "light"),
)
TALLEST, MARGIN = 1500, 16  # CSS pixels


def main(folder: Path) -> None:
    """Run the demonstration and take a picture of each of its kinds of page."""
    with TemporaryDirectory() as temporary, sync_playwright() as playwright:
        pages = Path(temporary)
        with redirect_stdout(StringIO()):
            run(pages)
        report(pages / "report.html")
        if DATA.is_dir():
            photograph().save_to_file(pages / "photograph.html")
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, page, part, width, scheme in SHOTS:
            if (pages / page).exists():
                take(browser, pages / page, part, width, scheme, folder / f"{name}.png")
        browser.close()


def report(path: Path) -> None:
    """What a forest says of tumours that it has not seen, with their diagnoses."""
    data = load_breast_cancer()
    model = RandomForestClassifier(200, random_state=0).fit(data.data[:400], data.target[:400])
    explainer = TabularExplainer(data.data[:400], feature_names=data.feature_names, class_names=data.target_names)
    explanations = explainer.explain_many(data.data[400:], model, num_features=5, num_samples=20_000)
    explanations.save_report(path, title="Tumours", labels=data.target[400:], num_picks=2, num_features=6)


def photograph() -> Explanation:
    """What in the picture of a cat speaks for two kinds of cat, by a MobileNet of ImageNet."""
    from skimage.data import chelsea

    index = json.loads((DATA / "imagenet" / "imagenet_class_index.json").read_text())
    names = ["background", *(index[str(number)][1].replace("_", " ") for number in range(1000))]
    model = OnnxModel(DATA / "imagenet" / "mobilenet_v2_1.0_224_qat.int8w.onnx", mean=127.5, std=127.5)
    image = np.asarray(Image.fromarray(chelsea()).resize((224, 224)))
    return ImageExplainer(class_names=names).explain_instance(image, model, top_labels=2)


def take(browser: Browser, page: Path, part: str, width: int, scheme: str, picture: Path) -> None:
    """A picture of one part of a page, in 256 colours, which are enough for a page and take a third of the room."""
    tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme, device_scale_factor=1.5)
    tab.goto(page.as_uri())
    box = tab.locator(part).first.bounding_box()
    left, top = max(0, box["x"] - MARGIN), max(0, box["y"] - MARGIN)
    clip = {
        "x": left,
        "y": top,
        "width": min(width - left, box["width"] + 2 * MARGIN),
        "height": min(box["height"] + 2 * MARGIN, TALLEST),
    }
    taken = Image.open(BytesIO(tab.screenshot(clip=clip, full_page=True))).convert("RGB")
    taken.quantize(256, dither=Image.Dither.NONE).save(picture, optimize=True)
    tab.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
