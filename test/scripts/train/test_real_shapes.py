"""Networks of real camera shapes, for measuring cost."""
import contextlib
import importlib.util
import io
import json
import tempfile
import unittest
from pathlib import Path

import support  # noqa: F401
import torch
from torch import nn

import export_real_shapes as real
from config import TrainError
from networks import flops


@unittest.skipUnless(importlib.util.find_spec('torchvision'), 'no torchvision')
class RealShapes(unittest.TestCase):
    def test_the_zoo_has_both_roles_null_accuracies_and_a_light_mux(self):
        import onnx
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            real.main(['--out', folder, '--local', 'mobilenet_v2', '--cloud', 'alexnet'])
            manifest = json.loads((Path(folder) / 'manifest.json').read_text())
            graph = onnx.load(str(Path(folder) / 'mux.onnx')).graph
        self.assertEqual([m['roles'] for m in manifest['models']], [['local'], ['cloud']])
        self.assertEqual(manifest['models'][0]['flops'], 300_774_272)
        self.assertTrue(all(m['accuracy'] is None for m in [*manifest['models'], manifest['mux']['pair']]))
        self.assertLess(manifest['mux']['pair']['flops'], 0.05 * manifest['models'][0]['flops'])
        self.assertEqual([d.dim_param or d.dim_value for d in graph.input[0].type.tensor_type.shape.dim], ['N', 224, 224, 3])
        self.assertFalse({'golden', 'test'} & manifest.keys())
        self.assertIn('cost only', manifest['training']['notes'])

    def test_weights_follow_the_seed_and_outputs_are_finite(self):
        one, two, other = (real.classifier('mobilenet_v2', 10, s) for s in (1, 1, 2))
        self.assertTrue(support.same(one.state_dict(), two.state_dict()))
        self.assertFalse(support.same(one.state_dict(), other.state_dict()))
        with torch.no_grad():
            self.assertTrue(torch.isfinite(one(torch.randn(1, 3, 224, 224))).all())

    def test_the_mux_has_four_convolutions(self):
        mux = real.mux224(10)
        self.assertEqual(sum(isinstance(m, nn.Conv2d) for m in mux.modules()), 4)
        self.assertGreater(flops.count(mux, (3, 224, 224)), 1_000_000)

    def test_wrong_names_are_explained(self):
        with self.assertRaisesRegex(TrainError, 'choose from alexnet'):
            real.classifier('resnet51')
        with self.assertRaisesRegex(TrainError, 'same network'):
            real.main(['--local', 'alexnet', '--cloud', 'alexnet'])


if __name__ == '__main__':
    unittest.main()
