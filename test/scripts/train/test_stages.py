"""Step 1 in stages, step 2's sources and the paper's mux loss."""
import dataclasses
import unittest

import support
import torch

import config as configs
import train
from config import TrainError
from data import images as datasets, sources
from steps import stages
from steps.runtime import Runtime


class Toy(support.Toy):
    def step1(self, config, out=None, **options):
        runtime = Runtime(out or self.out(), 'off')
        return (*support.quiet(stages.step1, config, datasets.load(config, self.root), runtime, **options), runtime)


class Stages(Toy):
    def test_models_trained_by_several_runs_equal_those_trained_together(self):
        config, parts = support.tiny(epochs=1), [self.out(), self.out()]
        together, *_ = self.step1(config)
        for model, out in zip(config.models, parts):
            self.step1(config, out, only=configs.only(config, [model.id]))
        joined, _, reused, _ = self.step1(config, models_from=parts)
        self.assertTrue(support.same(together.state_dict(), joined.state_dict()))
        self.assertEqual([r['models'] for r in reused], [['mobilenet-xs'], ['resnet-xs']])
        self.assertEqual([r['differs'] for r in reused], [[], []])
        for change, text in (({'seed': 2}, 'other splits'), ({'contrastive': 'paper'}, 'ties the models')):
            with self.assertRaisesRegex(TrainError, text):
                self.step1(dataclasses.replace(config, **change), models_from=parts)

    def test_a_finished_model_is_trained_on_from_its_weights_and_the_first_run_named_wins(self):
        config, runs = support.tiny(epochs=1), [self.out(), self.out()]
        first, *_ = self.step1(config, runs[0])
        slow = dataclasses.replace(config, lr=1e-7)
        self.step1(slow, runs[1], only=['resnet-xs'], start_from=[runs[0]])
        joined, _, reused, _ = self.step1(config, models_from=[f'{runs[1]}:resnet-xs', runs[0]])
        self.assertEqual([r['models'] for r in reused], [['resnet-xs'], ['mobilenet-xs']])
        self.assertEqual(reused[0]['differs'], ['lr'])
        old, new = first[1].head.weight, joined[1].head.weight
        self.assertFalse(torch.equal(old, new))
        self.assertTrue(torch.allclose(old, new, atol=1e-4), 'so small a rate leaves it where it was')

    def test_a_student_learns_from_the_finished_teacher(self):
        base = support.tiny(epochs=1)
        student = dataclasses.replace(base.models[0], teacher='resnet-xs')
        config = configs.check(dataclasses.replace(base, models=(student, base.models[1])))
        plain, *_ = self.step1(base)
        taught, *_ = self.step1(config)
        self.assertTrue(support.same(plain[1].state_dict(), taught[1].state_dict()), 'the teacher trains as ever')
        self.assertFalse(support.same(plain[0].state_dict(), taught[0].state_dict()))
        with self.assertRaisesRegex(TrainError, 'not trained yet'):
            self.step1(config, only=['mobilenet-xs'])
        with self.assertRaisesRegex(TrainError, 'as its teacher'):
            configs.check(dataclasses.replace(base, models=(dataclasses.replace(student, teacher='x'), base.models[1])))

    def test_out_of_fold_models_have_not_seen_what_they_judge(self):
        base = support.tiny(epochs=1)
        config = dataclasses.replace(base, mux=dataclasses.replace(base.mux, folds=2, views=1))
        data, runtime = datasets.load(config, self.root), Runtime(self.out(), 'off')
        folds = support.quiet(stages.fold_models, config, data, runtime)
        rows = torch.cat([rows for _, rows in folds])
        self.assertEqual(sorted(rows.tolist()), list(range(len(data.train))))
        models, *_ = self.step1(config)
        source = sources.source_of(config, data, models, runtime, folds)
        drawn, answers = source.drawn(0), source.answers(0)
        for who, index in (*folds, (models, torch.arange(len(data.train), len(source)))):
            expected = sources.answer(config, who, source.images(drawn, index[:5]), runtime)
            for logits, wanted in zip(answers, expected):
                self.assertTrue(torch.allclose(torch.from_numpy(logits[index[:5].numpy()]).float(), wanted, atol=2e-2))


class Sources(Toy):
    def test_a_view_is_always_the_same_and_its_answers_are_computed_once(self):
        config = support.tiny(epochs=1)
        config = dataclasses.replace(config, erase=0.5, mux=dataclasses.replace(config.mux, views=2))
        models, _, _, runtime = self.step1(config)
        data = datasets.load(config, self.root)
        one, two = (sources.source_of(config, data, models, runtime) for _ in range(2))
        every = torch.arange(len(one))

        def pictures(source, view):
            return source.images(source.drawn(view), every)
        self.assertTrue(torch.equal(pictures(one, 1), pictures(two, 1)))
        self.assertFalse(torch.equal(pictures(one, 0), pictures(one, 1)))
        part = every[7:40:3]
        self.assertTrue(torch.equal(one.images(one.drawn(1), part), pictures(one, 1)[part]), 'any rows, the same pictures')
        first = one.answers(1)
        two.compute = None                                      # must come from the files
        self.assertTrue(all((a == b).all() for a, b in zip(first, two.answers(1))))
        with torch.no_grad():
            models[0].head.bias += 1                            # another model: its file is stale
        three = sources.source_of(config, data, models, runtime)
        third = three.answers(1)
        self.assertFalse((first[0] == third[0]).all())
        self.assertTrue((first[1] == third[1]).all())
        self.assertEqual(len(list(runtime.out.glob('view-1-*'))), 2, 'the stale file is gone')


class PaperLoss(Toy):
    def test_the_papers_mux_trains_both_kinds_and_exports_its_weights(self):
        base = support.tiny(epochs=1)
        config = dataclasses.replace(base, mux=dataclasses.replace(base.mux, loss='paper', epochs=1, views=1))
        models, g, _, runtime = self.step1(config)
        muxes = support.quiet(train.step2, config, datasets.load(config, self.root), models, g, [], runtime)
        x = torch.randn(4, 1, 28, 28)
        for kind in ('pair', 'group'):
            need, _, votes, _ = muxes[kind](x)
            weights = votes.softmax(1)
            self.assertEqual(need.shape[1], 1 if kind == 'pair' else 2)
            kept = weights[:, 1:] if kind == 'pair' else 1 - weights     # pair: need is the logit of the cloud's weight
            self.assertTrue(torch.allclose(need.sigmoid(), kept, atol=1e-5), kind)
            self.assertIsNone(muxes[kind].need)


if __name__ == '__main__':
    unittest.main()
