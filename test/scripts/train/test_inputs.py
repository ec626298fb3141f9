"""What a user brings: labels files of models of theirs, image folders, torchvision's networks with weights."""
import dataclasses
import json
import unittest

import support
import torch

import from_labels
import train
from config import Model, TrainError
from data import images as datasets, labels as label_files
from steps import stages
from steps.runtime import Runtime


class FromLabels(support.Toy):
    def lines(self, folder, mistake=None):
        config = support.tiny()
        test = datasets.load(config, self.root).test
        rng = torch.Generator().manual_seed(0)
        rows = [{'format': 'edgemux-labels', 'version': 1, 'labels': list(datasets.FASHION), 'part': 'test', 'models': [
            {'id': 'small', 'flops': 1e6, 'roles': ['local', 'group']}, {'id': 'big', 'flops': 2e7, 'roles': ['cloud', 'group']}]}]
        for i, label in enumerate(test.labels.tolist()):
            p = {m: (3 * torch.randn(10, generator=rng) + s * torch.nn.functional.one_hot(torch.tensor(label), 10)).softmax(0).tolist()
                 for m, s in (('small', 6), ('big', 9))}
            rows.append({'index': i, 'label': label, 'probabilities': p})
        if mistake:
            mistake(rows)
        path = folder / 'labels.jsonl'
        path.write_text('\n'.join(json.dumps(row) for row in rows) + '\n')
        return path

    def test_a_mux_joins_a_zoo_of_somebody_elses_models(self):
        out, zoo = self.out(), self.out()
        (zoo / 'manifest.json').write_text(json.dumps({
            'schema': 1, 'name': 'yours', 'labels': list(datasets.FASHION), 'models': [{'id': 'small'}, {'id': 'big'}], 'golden': {},
            'input': {'height': 28, 'width': 28, 'channels': 1, 'layout': 'NHWC', 'dtype': 'uint8'}, 'policy': {'mode': 'cascade'}}))
        arguments = ['--from-labels', str(self.lines(out)), '--data', str(self.root), '--zoo', str(zoo), '--out', str(out), '--epochs', '1']
        before = (zoo / 'manifest.json').read_text()
        with self.assertRaisesRegex(TrainError, 'no better than chance.*--force'):
            support.quiet(from_labels.main, arguments)
        self.assertEqual((zoo / 'manifest.json').read_text(), before)
        support.quiet(from_labels.main, [*arguments, '--resume', '--force'])
        manifest = json.loads((zoo / 'manifest.json').read_text())
        self.assertEqual(manifest['mux']['group']['models'], ['small', 'big'])
        self.assertTrue((zoo / manifest['mux']['pair']['file']).is_file())
        self.assertIn('three-tier', manifest['policy']['calibration']['modes'])
        self.assertEqual((manifest['name'], 'golden' in manifest), ('yours', False))

    def test_wrong_rows_are_named(self):
        out = self.out()
        for mistake, text in (
            (lambda rows: rows[0].update(version=2), 'not a header'),
            (lambda rows: rows[3]['probabilities'].pop('big'), 'line 4 has no probabilities of big'),
            (lambda rows: rows[3]['probabilities'].update(big=[1.0]), 'line 4 has 1 probabilities'),
            (lambda rows: rows[3]['probabilities'].update(big=[1.0] * 10), 'image 2 sum to 10.000'),
            (lambda rows: rows[3].update(label=10), 'outside 0 … 9'),
            (lambda rows: rows.__delitem__(slice(50, None)), 'has 49 images'),
        ):
            with self.assertRaisesRegex(TrainError, text):
                label_files.read(self.lines(out, mistake))

    def test_sparse_probabilities_spread_the_rest_and_npz_says_the_same(self):
        self.assertTrue(torch.allclose(torch.from_numpy(label_files.dense({'1': 0.7}, 4, 1)), torch.tensor([.1, .7, .1, .1])))
        out = self.out()
        found = label_files.read(self.lines(out))
        import numpy as np
        np.savez(out / 'labels.npz', models=['small', 'big'], flops=[1e6, 2e7], roles=['local,group', 'cloud,group'],
                 classes=found.labels, images=found.images, labels=found.truth.numpy(), probabilities=found.probabilities.numpy())
        again = label_files.read(out / 'labels.npz')
        self.assertTrue(torch.equal(found.probabilities, again.probabilities) and torch.equal(found.truth, again.truth))
        self.assertEqual(found.models, again.models)


class Folders(support.Toy):
    def test_image_folders_of_any_size_train_a_zoo(self):
        from PIL import Image
        root, rng = self.out(), torch.Generator().manual_seed(0)
        for part, count in (('train', 40), ('val', 12)):
            for k, name in enumerate(('dark', 'light')):
                (root / part / name).mkdir(parents=True)
                for i in range(count):
                    noise = torch.randint(0, 100, (40 + i, 60, 3), generator=rng) + 150 * k
                    Image.fromarray(noise.byte().numpy()).save(root / part / name / f'{i}.png')
        base = support.tiny()
        config = dataclasses.replace(base, size=32, mean=(0.5,) * 3, std=(0.5,) * 3, epochs=1, batch=16, mux_count=12, calibration_count=20,
                                     mux=dataclasses.replace(base.mux, epochs=1, batch=16))
        data = datasets.load(config, root)
        self.assertEqual((data.labels, data.train.images.shape), (('dark', 'light'), (48, 32, 32, 3)))
        self.assertEqual(data.test.images[3:5].shape, (2, 32, 32, 3))
        runtime = Runtime(self.out(), 'off')
        models, g, _ = support.quiet(stages.step1, config, data, runtime)
        muxes = support.quiet(train.step2, config, data, models, g, [], runtime)
        self.assertEqual(muxes['group'].outputs, 2)
        with self.assertRaisesRegex(TrainError, 'size'):
            datasets.load(base, root)
        (root / 'val' / 'other').mkdir()
        with self.assertRaisesRegex(TrainError, 'classes that train/ lacks: other'):
            datasets.load(config, root)

    def test_pictures_are_stretched_turned_and_made_grey_as_the_device_does(self):
        from data import folders
        from PIL import Image
        path = self.out() / 'half.jpg'
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = Image.new('RGB', (80, 40), (250, 250, 250))
        picture.paste((5, 5, 5), (40, 0, 80, 40))                       # white left, black right
        exif = Image.Exif()
        exif[0x0112] = 6                                                # to be shown turned clockwise: white above
        picture.save(path, exif=exif, quality=95)
        pixels = folders.Pictures([path], (24, 10, 1))[0:1]
        self.assertEqual(pixels.shape, (1, 24, 10, 1))
        self.assertGreater(pixels[0, :10].float().mean().item(), 240)
        self.assertLess(pixels[0, 14:].float().mean().item(), 15)

    def test_torchvisions_networks_are_tapped_before_their_last_layer(self):
        from networks import architectures
        net = architectures.classifier(Model('m', 'mobilenet_v2'), 3, 7).eval()
        logits, h = net(torch.randn(1, 3, 64, 64))
        self.assertEqual((logits.shape, h.shape, net.width), ((1, 7), (1, 1280), 1280))
        self.assertTrue(torch.equal(net.head(h), logits))
        with self.assertRaisesRegex(TrainError, 'needs 3 channels'):
            architectures.classifier(Model('m', 'alexnet'), 1, 7)
        with self.assertRaisesRegex(TrainError, 'choose from alexnet'):
            architectures.classifier(Model('m', 'vgg16'), 3, 7)

    def test_weights_of_the_users_are_loaded_and_strangers_refused(self):
        from networks import architectures
        from networks import torchvision_nets
        path, other = self.out() / 'weights.pth', self.out() / 'other.pth'
        whole = torchvision_nets.network('mobilenet_v2', 5)
        torch.save(whole.state_dict(), path)
        same = architectures.classifier(Model('m', 'mobilenet_v2', weights=str(path)), 3, 5)
        self.assertTrue(torch.equal(same.head.weight, whole.classifier[1].weight))
        fewer = architectures.classifier(Model('m', 'mobilenet_v2', weights=str(path)), 3, 3)   # another head: starts fresh
        self.assertTrue(torch.equal(fewer.trunk.features[0][0].weight, whole.features[0][0].weight))
        torch.save({'x': torch.zeros(1)}, other)
        with self.assertRaisesRegex(TrainError, 'does not fit'):
            architectures.classifier(Model('m', 'mobilenet_v2', weights=str(other)), 3, 5)


if __name__ == '__main__':
    unittest.main()
