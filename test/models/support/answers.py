"""The peer of test/models: what EfficientNet-Lite answers by Pillow and ONNX Runtime alone.

    answers.py ONNX_FOLDER PHOTOGRAPHS > test/fixtures/imagenet-lite-answers.txt

ONNX_FOLDER is what `npm run zoo:imagenet-lite -- --with-group --float32 --keep ONNX_FOLDER` keeps. A line a photograph: its name, and
the class that lite0, lite1 and lite2 answer. Needs pillow, numpy and onnxruntime.
"""
import os
import sys

import numpy as np
import onnxruntime
from PIL import Image

NETWORKS = (('lite0', 224), ('lite1', 240), ('lite2', 260))
SHARE = 0.875


def cropped(image: Image.Image, side: int) -> np.ndarray:
    """torchvision's Resize of the shorter side to side / 0.875, and CenterCrop."""
    shorter = round(side / SHARE)
    width, height = image.size
    size = (shorter, int(shorter * height / width)) if width < height else (int(shorter * width / height), shorter)
    resized = image.resize(size, Image.BICUBIC)
    left, top = (int(round((length - side) / 2)) for length in size)
    return np.asarray(resized.crop((left, top, left + side, top + side)), np.float32)


def main(folder: str, photographs: str) -> None:
    sessions = [(onnxruntime.InferenceSession(f'{folder}/efficientnet-{name}.onnx'), side) for name, side in NETWORKS]
    for name in sorted(os.listdir(photographs)):
        image = Image.open(f'{photographs}/{name}').convert('RGB')
        answers = []
        for session, side in sessions:
            values = (cropped(image, side) - 127) / 128
            (logits,) = session.run(None, {'images': values.transpose(2, 0, 1)[None]})
            answers.append(int(logits[0].argmax()))
        print(name, *answers, flush=True)


if __name__ == '__main__':
    main(*sys.argv[1:])
