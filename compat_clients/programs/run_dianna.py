"""dianna's explainers of tables, texts, images and time series."""

import numpy as np
from common import COLUMNS, FOREST, ROWS, report
from dianna.methods.lime_image import LIMEImage
from dianna.methods.lime_tabular import LIMETabular
from dianna.methods.lime_text import LIMEText
from dianna.methods.lime_timeseries import LIMETimeseries

TEXT = "the plot is dull and slow but the cast is fine and the music a small wonder"
IMAGE = np.random.RandomState(0).randint(0, 255, (32, 32, 3)).astype(np.float32)
SERIES = np.random.RandomState(0).normal(size=(1, 6, 1)).astype(np.float32)


class Tokenizer:
    mask_token = "UNKWORDZ"

    def tokenize(self, text):
        return text.split()

    def convert_tokens_to_string(self, tokens):
        return " ".join(tokens)


def classify_texts(texts):
    has_word = np.array([[word in text for word in ("dull", "slow", "fine", "wonder")] for text in texts])
    score = has_word @ [-2.0, -1.0, 2.0, 3.0]
    return np.column_stack([1 / (1 + np.exp(score)), 1 / (1 + np.exp(-score))])


def classify_images(images):
    brightness = np.asarray(images)[:, :16].mean(axis=(1, 2, 3)) / 255
    return np.column_stack([1 - brightness, brightness])


def classify_series(batch):
    score = np.asarray(batch)[:, 2, 0] - np.asarray(batch)[:, 4, 0]
    return np.column_stack([1 / (1 + np.exp(score)), 1 / (1 + np.exp(-score))])


def table(seed):
    explainer = LIMETabular(ROWS.to_numpy(), feature_names=COLUMNS, random_state=seed)
    return dict(enumerate(explainer.explain(FOREST.predict_proba, ROWS.to_numpy()[0]).ravel()))


def text(seed):
    found = LIMEText(random_state=seed).explain(classify_texts, TEXT, labels=[1], tokenizer=Tokenizer(), num_features=20)
    return {(str(word), int(place)): weight for word, place, weight in found[0]}


def image(seed):
    def quarters(image):
        return np.repeat(np.repeat(np.arange(16).reshape(4, 4), 8, axis=0), 8, axis=1)

    explainer = LIMEImage(random_state=seed, preprocess_function=None)
    found = explainer.explain(classify_images, IMAGE, labels=[1], segmentation_fn=quarters, hide_color=0.0, return_masks=False)
    return dict(enumerate(found[0][4::8, 4::8].ravel()))


def series(seed):
    found = LIMETimeseries().explain(classify_series, SERIES[0], labels=[1], num_features=6, num_samples=200, batch_size=50)
    return dict(enumerate(found.ravel()))


report("dianna", LIMETabular=table, LIMEText=text, LIMEImage=image, LIMETimeseries=series)
