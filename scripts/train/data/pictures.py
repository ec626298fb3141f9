"""A picture file as the device sees it: the product's rule of colour (mux/image/decode.ts) and of fitting (mux/image/fit.ts), by
Pillow, whose resizing the product follows. test/mux/image/pixels.test.ts compares the two.

Turned as EXIF says; what is transparent lies on black; the upper eight of sixteen bits; colour profiles are ignored.
"""
import numpy as np
from PIL import Image, ImageOps

KERNELS = {'bilinear': Image.BILINEAR, 'bicubic': Image.BICUBIC, 'lanczos': Image.LANCZOS}


def opened(path):
    """The whole picture in mode L or RGB. Raises OSError."""
    with Image.open(path) as file:
        picture = ImageOps.exif_transpose(file)
    if picture.mode.startswith('I'):                             # 16 bits of grey
        return Image.fromarray((np.asarray(picture).astype(np.uint32) >> 8).astype(np.uint8), 'L')
    grey = picture.mode in ('1', 'L', 'LA', 'La')
    if picture.mode in ('RGBA', 'RGBa', 'LA', 'La', 'PA') or 'transparency' in picture.info:
        seen = picture.convert('RGBA')
        picture = Image.new('RGB', seen.size)
        picture.paste(seen, mask=seen.getchannel('A'))
    return picture.convert('L' if grey else 'RGB')


def fitted(picture, height, width, fit='stretch', share=1.0, kernel='lanczos'):
    """The picture as a network's input of that size has it: torchvision's Resize and CenterCrop for `crop`."""
    w, h = picture.size
    if fit == 'stretch':
        return picture.resize((width, height), KERNELS[kernel])
    if fit == 'letterbox':
        scale = min(width / w, height / h)
        size = min(width, max(1, round(w * scale))), min(height, max(1, round(h * scale)))
        boxed = Image.new(picture.mode, (width, height))
        boxed.paste(picture.resize(size, KERNELS[kernel]), ((width - size[0]) // 2, (height - size[1]) // 2))
        return boxed
    across, down = round(width / share), round(height / share)
    if across * h >= down * w:
        size = across, max(height, int(across * h / w))
    else:
        size = max(width, int(down * w / h)), down
    left, top = round((size[0] - width) / 2), round((size[1] - height) / 2)
    return picture.resize(size, KERNELS[kernel]).crop((left, top, left + width, top + height))


def decode(path, height, width, channels, **how):
    """uint8 array [height, width, channels]; `how` as for fitted. Raises OSError."""
    picture = fitted(opened(path), height, width, **how).convert('L' if channels == 1 else 'RGB')
    return np.array(picture).reshape(height, width, channels)
