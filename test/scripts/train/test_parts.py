"""FLOP counter, metrics, schedule, data, configs."""
import dataclasses
import math
import tempfile
import unittest
from pathlib import Path

import support
import torch
from torch import nn

import config as configs
import metrics
import plot
from data import images as datasets
from networks import flops
from networks.nets import ARCHITECTURES, MUXES
from steps.schedule import one_cycle, triangle


class Flops(unittest.TestCase):
    def test_known_layers(self):
        for layer, shape, expected in (
            (nn.Conv2d(3, 8, 3, padding=1), (3, 10, 10), 10 * 10 * 8 * 27),
            (nn.Conv2d(4, 4, 3, stride=2, padding=1, groups=4, bias=False), (4, 28, 28), 14 * 14 * 4 * 9),
            (nn.Sequential(nn.Flatten(), nn.Linear(12, 5)), (3, 2, 2), 60),
        ):
            self.assertEqual(flops.count(layer, shape), expected)

    def test_shipped_architectures_keep_their_budgets(self):
        for name, limit in (('mobilenet-s', 1_000_000), ('wide-resnet-l', 25_000_000)):
            self.assertLessEqual(flops.count(ARCHITECTURES[name](1, 10), (1, 28, 28)), limit, name)
        mux = MUXES['mux4'](1, 1, 10)
        self.assertLessEqual(flops.count(mux, (1, 28, 28)), 100_000)
        self.assertEqual(sum(isinstance(m, nn.Conv2d) for m in mux.modules()), 4)

    def test_counting_changes_nothing(self):
        net = ARCHITECTURES['mobilenet-xs'](1, 10).train()
        before = {k: v.clone() for k, v in net.state_dict().items()}
        flops.count(net, (1, 28, 28))
        self.assertTrue(net.training and support.same(before, net.state_dict()))


class Metrics(unittest.TestCase):
    def test_interval_of_an_auroc(self):
        generator = torch.Generator().manual_seed(1)
        wrong = torch.cat([torch.ones(200), torch.zeros(300)])
        chance = torch.rand(500, generator=generator)
        low, high = metrics.auroc_interval(chance, wrong)
        self.assertLess(low, 0.5)
        self.assertGreater(high, 0.5)
        low, high = metrics.auroc_interval(chance + wrong, wrong)
        self.assertGreater(low, 0.9)
        self.assertIsNone(metrics.auroc_interval(chance, torch.ones(500)))

    def test_auroc_of_order_reverse_ties_and_one_kind(self):
        wrong = torch.tensor([0, 0, 1, 1])
        self.assertEqual(metrics.auroc(torch.tensor([0.1, 0.2, 0.3, 0.4]), wrong), 1)
        self.assertEqual(metrics.auroc(torch.tensor([0.4, 0.3, 0.2, 0.1]), wrong), 0)
        self.assertEqual(metrics.auroc(torch.tensor([0.5, 0.5, 0.5, 0.5]), wrong), 0.5)
        self.assertEqual(metrics.auroc(torch.tensor([0.1, 0.3, 0.3, 0.4]), wrong), 3.5 / 4)
        self.assertIsNone(metrics.auroc(torch.tensor([0.1, 0.2]), torch.tensor([0, 0])))

    def test_temperature_undoes_overconfidence(self):
        rng = torch.Generator().manual_seed(0)
        logits = torch.randn(4000, 5, generator=rng)
        labels = torch.multinomial(logits.softmax(1), 1, generator=rng)[:, 0]
        self.assertAlmostEqual(metrics.fit_temperature(logits * 3, labels), 3, delta=0.2)

    def test_one_cycle_rises_to_the_peak_and_falls_to_nothing(self):
        rates = [one_cycle(s, 100, 0.1) for s in range(101)]
        self.assertAlmostEqual(rates[0], 0.004)
        self.assertAlmostEqual(max(rates), rates[20])
        self.assertTrue(all(a > b for a, b in zip(rates[20:], rates[21:])) and rates[100] < 1.1e-5)

    def test_the_triangle_goes_straight_up_and_straight_down(self):
        rates = [triangle(s, 100, 2.0, warmup=0.25) for s in range(101)]
        for step, rate in ((0, 0.4), (25, 2.0), (100, 0.14)):
            self.assertAlmostEqual(rates[step], rate)
        self.assertAlmostEqual(rates[10] - rates[9], rates[20] - rates[19])
        self.assertAlmostEqual(rates[40] - rates[39], rates[90] - rates[89])


class DataSplits(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = support.write_images(Path(folder.name))
        self.config = support.tiny()

    def test_splits_share_no_image_and_depend_on_the_seed_alone(self):
        a, b = datasets.load(self.config, self.root), datasets.load(self.config, self.root)
        sizes = [len(s) for s in (a.train, a.mux, a.calibration, a.test)]
        self.assertEqual(sizes, [336, 64, 200, 200])
        seen = {tuple(i.flatten().tolist()) for s in (a.train, a.mux, a.calibration) for i in s.images}
        self.assertEqual(len(seen), 600)
        self.assertTrue(torch.equal(a.train.images, b.train.images))
        other = datasets.load(dataclasses.replace(self.config, seed=2), self.root)
        self.assertFalse(torch.equal(a.train.images, other.train.images))

    def test_splits_that_leave_too_little_are_refused(self):
        for change in ({'mux_count': 500}, {'train_limit': 10}):
            with self.assertRaisesRegex(configs.TrainError, 'leaves none|are left for batches'):
                datasets.load(support.tiny(**change), self.root)

    def test_augmentation_keeps_shape_and_type_and_follows_its_stream(self):
        images = datasets.load(self.config, self.root).test.images[:50]
        config = dataclasses.replace(self.config, erase=0.5, shift=2)
        one, two = (datasets.augment(images, config, datasets.generator(1, 'x')) for _ in range(2))
        self.assertEqual((one.shape, one.dtype), (images.shape, torch.uint8))
        self.assertTrue(torch.equal(one, two))
        self.assertFalse(torch.equal(one, images))

    def test_augmentation_switched_off_changes_nothing(self):
        images = datasets.load(self.config, self.root).test.images[:50]
        config = dataclasses.replace(self.config, erase=0.0, shift=0, flip=False)
        self.assertTrue(torch.equal(images, datasets.augment(images, config, datasets.generator(1, 'x'))))

    def test_a_reflecting_shift_brings_in_the_pictures_own_pixels(self):
        row = torch.arange(28, dtype=torch.uint8)
        images = row[None, None, :, None].expand(100, 28, 28, 1).contiguous()
        config = dataclasses.replace(self.config, erase=0.0, shift=2, flip=False, fill='reflect')
        moved = datasets.augment(images, config, datasets.generator(1, 'x'))
        found = {tuple(picture[0, :4, 0].tolist()) for picture in moved}
        self.assertEqual(found, {(2, 1, 0, 1), (1, 0, 1, 2), (0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5)})
        self.assertEqual({tuple(p[0, -3:, 0].tolist()) for p in moved},
                         {(23, 24, 25), (24, 25, 26), (25, 26, 27), (26, 27, 26), (27, 26, 25)})

    def test_alternating_flips_show_every_picture_both_ways_in_any_two_epochs(self):
        config = dataclasses.replace(self.config, flip=True, flips='alternate')
        lots = [datasets.flips(config, 1000, epoch) for epoch in range(4)]
        self.assertTrue(torch.equal(lots[0], ~lots[1]) and torch.equal(lots[0], lots[2]) and torch.equal(lots[1], lots[3]))
        self.assertTrue(400 < lots[0].sum().item() < 600)
        self.assertIsNone(datasets.flips(self.config, 1000, 0))
        images = datasets.load(self.config, self.root).test.images[:20]
        plain = dataclasses.replace(config, erase=0.0, shift=0)
        turned = datasets.augment(images, plain, datasets.generator(1, 'x'), lots[0][:20])
        for picture, was, mirrored in zip(turned, images, lots[0]):
            self.assertTrue(torch.equal(picture, was.flip(1) if mirrored else was))

    def test_erasing_fills_one_rectangle_within_its_limits(self):
        images = torch.full((200, 28, 28, 1), 255, dtype=torch.uint8)
        config = dataclasses.replace(self.config, erase=1.0, shift=0, flip=False)
        gone = datasets.augment(images, config, datasets.generator(1, 'x')) != 255
        for mask in gone[:, :, :, 0]:
            rows, cols = mask.any(1).sum().item(), mask.any(0).sum().item()
            self.assertEqual(mask.sum().item(), rows * cols)
            self.assertTrue(rows == 0 or 4 <= rows <= 10 and 4 <= cols <= 10)

    def test_missing_and_damaged_files_are_named(self):
        for damage, text in ((lambda p: p.unlink(), 'No such file'), (lambda p: p.write_bytes(b'\x1f\x8bxx'), 'cannot read')):
            damage(self.root / datasets.FILES['test labels'])
            with self.assertRaisesRegex(configs.TrainError, f't10k-labels.*|{text}'):
                datasets.load(self.config, self.root)
        with self.assertRaisesRegex(configs.TrainError, 'dataset-fashion-mnist'):
            datasets.load(self.config, self.root / 'nowhere')


class Configs(unittest.TestCase):
    def test_every_shipped_config_loads_under_its_own_name(self):
        for path in configs.CONFIGS.glob('*.py'):
            name = path.stem.replace('_', '-')
            self.assertEqual(configs.load(name).name, name)

    def test_mistakes_are_explained(self):
        with self.assertRaisesRegex(configs.TrainError, 'choose one of .*smoke'):
            configs.load('smok')
        for change, text in (({'contrastive': 'eq2'}, 'contrastive'), ({'amp': 'fp8'}, 'amp'),
                             ({'models': support.tiny().models[:1]}, 'two or more')):
            with self.assertRaisesRegex(configs.TrainError, text):
                configs.check(support.tiny(**change))

    def test_generator_streams_differ_by_purpose(self):
        draws = {torch.rand(1, generator=datasets.generator(1, p, e)).item() for p in 'ab' for e in range(20)}
        self.assertEqual(len(draws), 40)
        self.assertTrue(all(math.isfinite(d) for d in draws))


class Plot(unittest.TestCase):
    def test_a_log_becomes_one_panel_a_quantity_and_one_line_a_model(self):
        lines = [{'t': 1.0, 'phase': 'start', 'seed': 1}] + [
            {'t': 2.0 + e, 'phase': 'models', 'epoch': f'{e}/2', 'loss/a&b': 1.0 / e, 'loss/c': 2.0 / e, 'held/c': 0.5} for e in (1, 2)]
        self.assertEqual(plot.series(lines)['models: loss'], {'a&b': [(1, 1.0), (2, 0.5)], 'c': [(1, 2.0), (2, 1.0)]})
        picture = plot.draw(lines)
        self.assertEqual(picture.count('<polyline'), 3)
        self.assertIn('a&amp;b', picture)
        self.assertIsNone(plot.draw(lines[:1]))


if __name__ == '__main__':
    unittest.main()
