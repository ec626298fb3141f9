"""The recipe of configs/cifar10.py in its parts, and a training that stops inside an epoch."""
import base64
import dataclasses
import json
import unittest
from unittest import mock

import support
import torch
from torch import nn

import config as configs
import train
from config import Model, TrainError
from data import images as datasets, sources
from export import zoo
from export.graphs import run_twin
from metrics import predict, predict_all
from networks.whitened import Whitened, WHITENED, Whitening
from policies.calibrate import calibrate
from steps import stages
from steps.lookahead import Lookahead
from steps.runtime import Runtime
from steps.step1 import build, optimiser_of, train_models

RECIPE = {'schedule': 'triangle', 'norm_rate': 64.0, 'smoothing': 0.2, 'lookahead': True, 'flips': 'alternate', 'shift': 2,
          'fill': 'reflect', 'momentum': 0.85, 'lr': 0.05}


class Parts(unittest.TestCase):
    def test_whitened_patches_have_unit_variance_and_are_uncorrelated(self):
        rng = torch.Generator().manual_seed(0)
        x = torch.randn(200, 3, 8, 8, generator=rng).cumsum(2) / 3               # neighbours alike, as in pictures
        layer = Whitening(3)
        layer.prepare(x)
        out = layer(x).detach().transpose(0, 1).reshape(24, -1)
        self.assertTrue(torch.equal(layer.conv.weight[:12], -layer.conv.weight[12:]))
        self.assertTrue(torch.allclose(out[:12] @ out[:12].t() / out.shape[1], torch.eye(12), atol=0.02))
        self.assertFalse(layer.conv.weight.requires_grad)
        self.assertTrue(layer.conv.bias.requires_grad)

    def test_the_family_grows_in_multiply_accumulates_and_starts_near_the_identity(self):
        from networks import flops
        costs = [flops.count(make(3, 10), (3, 32, 32)) for make in WHITENED.values()]
        self.assertEqual(costs, sorted(costs))
        self.assertTrue(6e6 < costs[0] < 8e6 and 115e6 < costs[-1] < 120e6)
        body = [m for m in Whitened(3, 10, (32, 48, 64)).modules() if isinstance(m, nn.Conv2d)][1:]
        for layer in body:
            x = torch.randn(1, layer.in_channels, 5, 5)
            handed = min(layer.in_channels, layer.out_channels)
            self.assertTrue(torch.allclose(layer(x)[:, :handed], x[:, :handed], atol=1e-6))

    def test_lookahead_pulls_back_every_fifth_step_and_ends_in_the_mean(self):
        net = nn.Linear(1, 1, bias=False)
        with torch.no_grad():
            net.weight.zero_()
        ahead, slow = Lookahead(net), 0.0
        for step in range(1, 13):
            with torch.no_grad():
                net.weight += 1
            before = net.weight.item()
            ahead.after(step, 12)
            if step % 5 == 0:
                decay = 0.95 ** 5 * (step / 12) ** 3
                slow = decay * slow + (1 - decay) * before
            expected = slow if step % 5 == 0 or step == 12 else before
            self.assertAlmostEqual(net.weight.item(), expected, places=5)

    def test_norms_have_a_rate_of_their_own_and_the_weights_decay_a_step(self):
        config = support.tiny(models=(Model('a', 'conv7-xs', ('local',), 1e-3), Model('b', 'conv7-m', ('cloud',))), norm_rate=64.0)
        models, projections = build(config, 3, 10)
        _, weights, biases, norms = optimiser_of(config, models[:1], projections).param_groups
        self.assertEqual([len(g['params']) for g in (weights, biases, norms)], [7, 2, 6])
        self.assertEqual((norms['scale'], norms['weight_decay'] * norms['scale']), (64.0, 1e-3))
        self.assertTrue(all(p.requires_grad for g in (weights, biases, norms) for p in g['params']))


class Recipe(support.Toy):
    def config(self, **changes):
        models = (Model('a', 'mobilenet-xs', ('local', 'group')), Model('b', 'conv7-xs', ('cloud', 'group')))
        return support.tiny(models=models, **{**RECIPE, **changes})

    def test_a_run_that_stops_inside_epochs_ends_bit_for_bit_where_an_unbroken_one_does(self):
        config, data = self.config(), datasets.load(self.config(), self.root)

        def run(runtime):
            models, g = support.quiet(train_models, config, data, runtime)
            return models.state_dict(), support.quiet(train.step2, config, data, models, g, [], runtime)

        whole, muxes = run(Runtime(self.out(), 'off'))
        out, stops = self.out(), 0
        saves = Runtime.save
        while True:
            count = 0

            def save(runtime, name, state):
                nonlocal count
                saves(runtime, name, state)
                count += 1
                if count == 4 and state['inside']:               # as if the power went, after a checkpoint inside an epoch
                    raise InterruptedError

            try:
                with mock.patch.object(Runtime, 'save', save):
                    parts, again = run(Runtime(out, 'off', every_s=0))
                break
            except InterruptedError:
                stops += 1
        self.assertGreaterEqual(stops, 4)
        self.assertTrue(support.same(whole, parts))
        for kind in ('pair', 'group'):
            self.assertTrue(support.same(muxes[kind].state_dict(), again[kind].state_dict()), kind)

    def test_checkpoints_inside_an_epoch_come_after_the_wanted_seconds_only(self):
        runtime = Runtime(self.out(), 'off', every_s=1000)
        self.assertFalse(runtime.checkpoint_due())
        runtime.saved -= 1001
        self.assertTrue(runtime.checkpoint_due())
        runtime.save('x.pt', {})
        self.assertFalse(runtime.checkpoint_due())

    def test_models_may_have_epochs_of_their_own(self):
        base = self.config(epochs=1)
        config = dataclasses.replace(base, models=(dataclasses.replace(base.models[0], epochs=2), base.models[1]))
        data, out = datasets.load(config, self.root), self.out()
        support.quiet(stages.step1, config, data, Runtime(out, 'off'))
        self.assertEqual(sorted(p.name for p in out.glob('*.pt')), ['models-2.pt', 'models.pt'])
        states = {p.name: torch.load(p) for p in out.glob('*.pt')}
        self.assertEqual({n: s['epoch'] for n, s in states.items()}, {'models-2.pt': 2, 'models.pt': 1})
        models, _, (record,) = support.quiet(stages.step1, config, data, Runtime(self.out(), 'off'), models_from=[out])
        self.assertEqual(sorted(record['models']), ['a', 'b'])
        with self.assertRaisesRegex(TrainError, 'none can have epochs of its own'):
            configs.check(dataclasses.replace(config, contrastive='paper'))

    def test_a_mirrored_model_is_another_one_asked_twice_and_costs_twice(self):
        from networks import flops
        config = self.config(epochs=1)
        twice = Model('c', 'mobilenet-xs', ('group',), mirrors='a')
        config = configs.check(dataclasses.replace(config, flip=True, models=(config.models[0], twice, config.models[1])))
        data, out = datasets.load(config, self.root), self.out()
        runtime = Runtime(out, 'off')
        models, *_ = support.quiet(stages.step1, config, data, runtime)
        self.assertIs(models[1].net, models[0])
        self.assertEqual(flops.count(models[1], (1, 28, 28)), 2 * flops.count(models[0], (1, 28, 28)))
        images = data.test.images[:9]
        answers = sources.answer(config, models, images, runtime)
        mean = (answers[0] + sources.answer(config, models[:1], images.flip(2), runtime)[0]) / 2
        self.assertTrue(torch.allclose(answers[1], mean, atol=1e-5))
        self.assertTrue(torch.allclose(sources.answer(config, models[1:2], images, runtime)[0], mean, atol=1e-5), 'alone too')
        again, _, (record,) = support.quiet(stages.step1, config, data, Runtime(self.out(), 'off'), models_from=[out])
        self.assertEqual(record['models'], ['a', 'b'])
        self.assertIs(again[1].net, again[0])
        for change in ({'flip': False}, {'models': (config.models[0], dataclasses.replace(twice, mirrors='x'), config.models[2])}):
            with self.assertRaisesRegex(TrainError, 'choose a trained model'):
                configs.check(dataclasses.replace(config, **change))

    def test_a_zoo_of_half_precision_weights_and_drawn_golden_pictures(self):
        import onnx
        from onnx import numpy_helper
        base = self.config(epochs=2, norm_rate=4.0, weights='float16', golden='drawn', gate=False, flip=True)
        twice = Model('c', 'conv7-xs', ('group',), mirrors='b')
        config = configs.check(dataclasses.replace(base, models=(*base.models, twice)))
        data, out = datasets.load(config, self.root), self.out()
        runtime = Runtime(out, 'off')
        models, g, _ = support.quiet(stages.step1, config, data, runtime)
        train.as_shipped(config, models)
        muxes = support.quiet(train.step2, config, data, models, g, [], runtime)
        train.as_shipped(config, muxes.values())
        graphs = calibrate(config, data, models, muxes['pair'], muxes['group'], runtime)
        written = zoo.write_zoo(config, data, graphs, out / 'zoo', {'command': '', 'durationS': 1, 'machine': '', 'notes': ''})
        self.assertEqual((written['schema'], written['input']['fit'], written['models'][0]['needs']['opset']), (2, 'stretch', 13))
        for name, net in (('cloud.onnx', models[1]), ('c.onnx', models[2]), ('mux.onnx', muxes['pair'])):
            model = onnx.load(str(out / 'zoo' / name))
            halves = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer if t.data_type == onnx.TensorProto.FLOAT16}
            large = [p for p in net.parameters() if p.numel() >= 64 and p.ndim > 1]
            self.assertEqual(sum(v.size for v in halves.values()), sum(p.numel() for p in large), name)
            (last,) = [o for o in model.graph.output if o.name == 'probabilities']
            dims = last.type.tensor_type.shape.dim
            self.assertEqual([d.dim_param or d.dim_value for d in dims], ['N', 10], name)
            casts = [n for n in model.graph.node if n.op_type == 'Cast' and n.input[0] in halves]
            self.assertEqual(len(casts), len(halves))
        self.assertNotIn('gate', written['policy'])
        golden = json.loads((out / 'zoo' / 'golden.json').read_text())['images']
        shown = torch.frombuffer(bytearray(base64.b64decode(golden[0]['pixels'])), dtype=torch.uint8).reshape(1, 28, 28, 1)
        self.assertFalse((data.test.images == shown).flatten(1).all(1).any(), 'no picture of the data set is passed on')
        self.assertNotIn('label', golden[0])
        said = run_twin(graphs.models[1], shown)[0][0]
        self.assertTrue(torch.allclose(said, torch.tensor(golden[0]['models']['b']), atol=1e-6))

    def test_all_models_are_asked_of_pictures_that_are_read_once(self):
        config = self.config()
        data, runtime = datasets.load(config, self.root), Runtime(self.out(), 'off')
        models, _ = build(config, 1, 10)
        reads = []

        class Counted:
            def __getitem__(self, index):
                reads.append(index)
                return data.test.images[index]

        split = dataclasses.replace(data.test, images=Counted())
        found = predict_all(models, split, config, runtime, size=64)
        self.assertEqual(len(reads), 4)
        for logits, model in zip(found, models):
            self.assertTrue(torch.equal(logits, predict(model, data.test, config, runtime, size=64)))


if __name__ == '__main__':
    unittest.main()
