"""Pictures of image folders as pixels in a file that is mapped into memory: decoded once, and the operating system keeps of them what
fits. A training then needs no more memory for a million pictures than for a thousand."""
import hashlib
import os
import sys
import time

import numpy as np
import torch

CHUNK = 1000


class Mapped:
    """A tensor's stand-in of shape [N, height, width, channels] over the file's rows: indexing copies what is asked for."""

    def __init__(self, pixels, rows):
        self.pixels, self.rows = pixels, rows

    @property
    def shape(self):
        return (len(self.rows), *self.pixels.shape[1:])

    def __len__(self):
        return len(self.rows)

    def take(self, index):
        return Mapped(self.pixels, self.rows[index])

    def __getitem__(self, index):
        """uint8 [n, height, width, channels] of a slice or an index tensor; one picture of a number."""
        return torch.from_numpy(np.asarray(self.pixels[self.rows[index].numpy()]))

    def followed_by(self, *others):
        """These pictures, then those of further Mapped of the same file."""
        return Mapped(self.pixels, torch.cat([self.rows, *(o.rows for o in others)]))


def mapped(pictures, folder, part):
    """The Mapped of folders.Pictures; its file is `folder`/<part>-<fingerprint>.u8 and is written where it is missing."""
    path = folder / f'{part}-{fingerprint(pictures)}.u8'
    if not path.is_file():
        write(pictures, path, part)
    return Mapped(np.memmap(path, np.uint8, 'r', shape=pictures.shape), torch.arange(len(pictures)))


def fingerprint(pictures):
    """Changes with the files, their sizes and times, and with how they become an input."""
    digest = hashlib.sha256(repr((pictures.size, sorted(pictures.how.items()))).encode())
    for path in pictures.paths:
        found = os.stat(path)
        digest.update(f'{path}\0{found.st_size}\0{found.st_mtime_ns}\n'.encode())
    return digest.hexdigest()[:16]


def write(pictures, path, part):
    """Decodes all pictures into the file, whole or not at all, and says on stderr how far it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f'.{os.getpid()}.tmp')
    started = said = time.monotonic()
    with open(temporary, 'wb') as file:
        for n in range(0, len(pictures), CHUNK):
            file.write(pictures[n:n + CHUNK].numpy().tobytes())
            if time.monotonic() - said > 10:
                said = time.monotonic()
                print(f'{part}: {n + CHUNK} of {len(pictures)} pictures decoded, {(n + CHUNK) / (said - started):.0f} a second',
                      file=sys.stderr, flush=True)
    os.replace(temporary, path)
