"""Whole runs on toy images: export contract, golden vectors, resume, every contrastive form, the command line."""
import base64
import json
import tempfile
import unittest
from pathlib import Path

import support
import torch

import train
from config import TrainError
from data import images as datasets
from export import zoo
from export.graphs import file_entry, run_twin
from policies.calibrate import calibrate, measure, pair_outputs
from policies.gate import with_gains
from policies.rules import apply
from steps.runtime import Runtime
from steps.step1 import train_models


class Toy(support.Toy):
    def train(self, config, out, models_until=None, mux_until=None):
        data, runtime = datasets.load(config, self.root), Runtime(out, config.amp)
        models, g = support.quiet(train_models, config, data, runtime, until=models_until)
        muxes = support.quiet(train.step2, config, data, models, g, [], runtime, until=mux_until) if models_until is None else None
        return data, models, muxes, runtime


class Resume(Toy):
    def test_stopping_in_either_step_and_going_on_equals_not_stopping(self):
        config, whole, parts = support.tiny(contrastive='bounded'), self.out(), self.out()
        _, models, muxes, _ = self.train(config, whole)
        self.train(config, parts, models_until=1)
        self.train(config, parts, mux_until=1)
        _, again, muxes_again, _ = self.train(config, parts)
        self.assertTrue(support.same(models.state_dict(), again.state_dict()))
        for kind in ('pair', 'group'):
            self.assertTrue(support.same(muxes[kind].state_dict(), muxes_again[kind].state_dict()), kind)

    def test_the_log_has_one_line_an_epoch_and_a_clock_that_goes_on(self):
        config, out = support.tiny(), self.out()
        self.train(config, out, models_until=1)
        self.train(config, out)
        lines = [json.loads(line) for line in (out / 'log.jsonl').read_text().splitlines()]
        self.assertEqual([line['epoch'] for line in lines], ['1/2', '2/2'] * 3)
        self.assertEqual([line['t'] for line in lines], sorted(line['t'] for line in lines))

    def test_a_checkpoint_of_another_config_is_refused(self):
        out = self.out()
        self.train(support.tiny(), out, models_until=1)
        with self.assertRaisesRegex(TrainError, 'differs in lr'):
            self.train(support.tiny(lr=0.2), out, models_until=1)


class Forms(Toy):
    def test_each_contrastive_form_trains_and_changes_the_models(self):
        states = [self.train(support.tiny(contrastive=form, epochs=1), self.out(), models_until=1)[1].state_dict()
                  for form in ('none', 'paper', 'bounded')]
        self.assertFalse(support.same(states[0], states[1]) or support.same(states[0], states[2]))
        self.assertTrue(all(torch.isfinite(v).all() for s in states for v in s.values()))


class Zoo(Toy):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.config, cls.folder = support.tiny(), Path(folder.name) / 'zoo'
        cls.data, models, muxes, runtime = cls().train(cls.config, Path(folder.name))
        cls.graphs = calibrate(cls.config, cls.data, models, muxes['pair'], muxes['group'], runtime)
        run = {'command': 'test', 'durationS': 1, 'machine': zoo.machine(), 'notes': ''}
        cls.manifest = zoo.write_zoo(cls.config, cls.data, cls.graphs, cls.folder, run)

    def runTest(self):
        """Lets setUpClass make an instance."""

    def test_onnx_files_keep_the_contract_of_old_runtimes(self):
        import onnx
        for name, outputs in (('local.onnx', ['probabilities']), ('cloud.onnx', ['probabilities']),
                              ('mux.onnx', ['score', 'probabilities']),
                              ('mux-group.onnx', ['correct', 'weights', 'probabilities'])):
            model = onnx.load(str(self.folder / name))
            self.assertLessEqual(model.ir_version, 8)
            self.assertLessEqual(max(o.version for o in model.opset_import), 16)
            self.assertEqual([o.name for o in model.graph.output], outputs)
            (images,) = model.graph.input
            self.assertEqual((images.name, images.type.tensor_type.elem_type), ('images', onnx.TensorProto.UINT8))
            dims = images.type.tensor_type.shape.dim
            self.assertEqual([d.dim_param or d.dim_value for d in dims], ['N', 28, 28, 1])
            for output in model.graph.output:
                self.assertEqual(output.type.tensor_type.elem_type, onnx.TensorProto.FLOAT)
                self.assertEqual(output.type.tensor_type.shape.dim[0].dim_param, 'N')
            self.assertFalse(any(node.doc_string for node in model.graph.node), 'source paths leak')

    def test_manifest_describes_the_files_beside_it(self):
        entries = [*self.manifest['models'], *self.manifest['mux'].values(), self.manifest['golden'],
                   self.manifest['test']['images'], self.manifest['test']['labels']]
        for entry in entries:
            self.assertEqual({k: entry[k] for k in ('file', 'sha256', 'bytes')}, file_entry(self.folder, entry['file']))
        self.assertEqual(json.loads((self.folder / 'manifest.json').read_text()), json.loads(json.dumps(self.manifest)))

    def test_outputs_are_probabilities_and_scores(self):
        score, classes = run_twin(self.graphs.mux, self.data.test.images)
        self.assertTrue(((score >= 0) & (score <= 1)).all() and score.shape == (200,))
        correct, weights, group = run_twin(self.graphs.group, self.data.test.images)
        self.assertEqual((correct.shape, weights.shape), ((200, 2), (200, 2)))
        self.assertTrue(((correct >= 0) & (correct <= 1)).all())
        for p in (classes, weights, group, *(run_twin(g, self.data.test.images)[0] for g in self.graphs.models)):
            self.assertTrue(torch.allclose(p.sum(1), torch.ones(200), atol=1e-5))

    def test_the_threshold_one_half_offloads_the_wanted_share_of_held_out_images(self):
        mode = self.manifest['policy']['calibration']['modes']['mux']
        self.assertEqual(mode['thresholds'], {'mux': 0.5})
        images = self.data.calibration.images
        score = run_twin(self.graphs.mux, images)[0]
        self.assertAlmostEqual((score > 0.5).float().mean().item(), self.config.mux.offload_share, delta=0.01)

    def test_golden_vectors_are_reproducible_and_show_how_the_shipped_policy_decides(self):
        images = json.loads((self.folder / 'golden.json').read_text())['images']
        self.assertGreaterEqual(len(images), 8)
        policy = self.manifest['policy']
        again = zoo.golden(self.config, self.graphs, self.data.test, measure(self.config, self.graphs, self.data.test), policy)
        self.assertEqual(images, json.loads(json.dumps(again)))
        chosen = self.data.test.take(torch.tensor([g['index'] for g in images]))
        pair = with_gains(policy['gate'], pair_outputs(self.config, measure(self.config, self.graphs, chosen)), policy['thresholds'])
        outcome = apply(policy['mode'], policy['thresholds'], pair)
        self.assertEqual(outcome.decisions(), [g['decision'] for g in images])
        for g in images:
            pixels = torch.frombuffer(bytearray(base64.b64decode(g['pixels'])), dtype=torch.uint8)
            self.assertTrue(torch.equal(pixels.view(28, 28, 1), self.data.test.images[g['index']]))

    def test_install_replaces_a_zoo_but_keeps_its_readme(self):
        target = self.out()
        (target / 'README.md').write_text('words')
        (target / 'old.onnx').write_text('x')
        zoo.install(self.folder, target)
        self.assertEqual((target / 'README.md').read_text(), 'words')
        self.assertFalse((target / 'old.onnx').exists())
        self.assertEqual((target / 'manifest.json').read_bytes(), (self.folder / 'manifest.json').read_bytes())
        with self.assertRaisesRegex(TrainError, 'no finished zoo'):
            zoo.install(self.out(), target)


class CommandLine(Toy):
    def test_a_finished_run_is_not_overwritten_by_accident(self):
        out = self.out()
        self.train(support.tiny(), out, models_until=1)
        with self.assertRaisesRegex(TrainError, '--resume, --overwrite or another --out'):
            support.quiet(train.main, ['--config', 'smoke', '--out', str(out), '--data', str(self.root)])


if __name__ == '__main__':
    unittest.main()
