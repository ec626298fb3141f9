"""Image folders: decoded once into a mapped file."""
import math
import os
import unittest
from pathlib import Path

import numpy as np
import support
import torch

from data import folders, images as datasets
from data.cache import Mapped, mapped
from data.split import Split


class Cache(support.Toy):
    def setUp(self):
        from PIL import Image
        self.folder, rng = self.out(), torch.Generator().manual_seed(0)
        for k in range(12):
            noise = torch.randint(0, 256, (20 + k, 30, 3), generator=rng)
            Image.fromarray(noise.byte().numpy()).save(self.folder / f'{k:02}.png')
        self.paths = sorted(self.folder.glob('*.png'))

    def test_rows_are_the_pictures_and_come_from_the_file_the_second_time(self):
        pictures, out = folders.Pictures(self.paths, 16), self.out()
        first = mapped(pictures, out, 'train')
        self.assertTrue(torch.equal(first[:], pictures[:]))
        (file,) = out.iterdir()
        self.assertEqual(file.stat().st_size, 12 * 16 * 16 * 3)
        file.write_bytes(bytes([7]) * file.stat().st_size)
        self.assertTrue((mapped(pictures, out, 'train')[3:5] == 7).all())

    def test_parts_are_rows_of_one_file(self):
        pictures = folders.Pictures(self.paths, 16)
        every = mapped(pictures, self.out(), 'train')
        part = every.take(torch.tensor([5, 1, 8]))
        self.assertIsInstance(part, Mapped)
        self.assertEqual(part.shape, (3, 16, 16, 3))
        self.assertTrue(torch.equal(part[torch.tensor([2, 0])], pictures[torch.tensor([8, 5])]))
        self.assertTrue(torch.equal(part[1], pictures[1]))
        joined = part.followed_by(every.take(torch.tensor([0])))
        self.assertTrue(torch.equal(joined[:], pictures[torch.tensor([5, 1, 8, 0])]))
        changed = part[:]
        changed += 1                                            # what is handed out is a copy
        self.assertTrue(torch.equal(part[0], pictures[5]))

    def test_another_picture_another_size_or_another_fit_is_another_file(self):
        out = self.out()
        mapped(folders.Pictures(self.paths, 16), out, 'train')
        mapped(folders.Pictures(self.paths, 24), out, 'train')
        mapped(folders.Pictures(self.paths, 16, {'fit': 'crop', 'share': 0.875, 'kernel': 'bicubic'}), out, 'train')
        os.utime(self.paths[0], (1, 1))
        mapped(folders.Pictures(self.paths, 16), out, 'train')
        mapped(folders.Pictures(self.paths[1:], 16), out, 'train')
        self.assertEqual(len(list(out.iterdir())), 5)

class Memory(support.Toy):
    @unittest.skipUnless(Path('/proc/self/status').exists(), 'needs /proc')
    def test_an_epoch_over_a_large_mapped_file_takes_no_more_memory_of_its_own_than_its_batches(self):
        shape = (100_000, 64, 64, 3)                            # 1.2 GB
        path = self.out() / 'large.u8'
        with open(path, 'wb') as file:
            file.truncate(math.prod(shape))                     # sparse: takes no room
        known = Mapped(np.memmap(path, np.uint8, 'r', shape=shape), torch.arange(shape[0]))
        split = Split(known, torch.zeros(shape[0], dtype=torch.int64))
        config = support.tiny(shift=2, erase=0.5, flip=True, size=64)
        before = own_memory()
        rng = datasets.generator(1, 'memory')
        for n, (images, _, _) in enumerate(datasets.batches(split, 256, rng, 'cpu')):
            datasets.augment(images, config, rng)
            if n == 60:
                break
        drawn = datasets.draws(config, len(split), (64, 64), rng)
        datasets.changed(split.images[torch.arange(256)], config, {k: v[:256] for k, v in drawn.items()})
        self.assertLess(own_memory() - before, 200e6)


def own_memory():
    """Bytes of this process that are not pages of files (RssAnon)."""
    lines = Path('/proc/self/status').read_text(encoding='utf-8').splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith('RssAnon'))


if __name__ == '__main__':
    unittest.main()
