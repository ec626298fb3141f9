"""Device and server rules, and the search for their thresholds, on outputs worked out by hand or drawn at random."""
import dataclasses
import unittest

import support  # noqa: F401
import torch

from metrics import auroc
from policies import gate, group_calibrate, group_rules as groups, rules, search
from policies.rules import Outputs, apply


def two(*first):
    """Probabilities of two classes from the first one's."""
    return torch.tensor([[p, 1 - p] for p in first])


def drawn(n=4000, seed=0):
    """A mux, a local and a cloud model of rising skill on images of varying hardness."""
    rng = torch.Generator().manual_seed(seed)
    labels, hard = torch.randint(0, 10, (n,), generator=rng), torch.rand(n, generator=rng)
    truth = torch.nn.functional.one_hot(labels, 10)

    def model(skill):
        return (1.5 * (truth * (skill - 4 * hard[:, None]) + torch.randn(n, 10, generator=rng))).softmax(1)
    score = (0.6 * hard + 0.4 * torch.rand(n, generator=rng)).clamp(0, 1)
    return Outputs(score, model(5.0), model(6.0), model(8.0), labels)


class Device(unittest.TestCase):
    # image 0: mux sure and right; 1: local sure and right; 2: nobody sure, cloud right; 3: mux sure and wrong
    outputs = Outputs(torch.tensor([0.1, 0.4, 0.9, 0.2]), two(0.99, 0.6, 0.5, 0.98), two(0.9, 0.95, 0.55, 0.2),
                      two(0.9, 0.9, 0.9, 0.1), torch.tensor([0, 0, 0, 1]))

    def check(self, mode, thresholds, right, local, offload, cost):
        outcome = apply(mode, thresholds, self.outputs)
        self.assertEqual(outcome.right.tolist(), right)
        self.assertEqual(outcome.local.int().tolist(), local)
        self.assertEqual(outcome.offload.int().tolist(), offload)
        self.assertAlmostEqual(outcome.cost(0.1, 4.0), cost)

    def test_mux_offloads_above_its_threshold_only(self):
        self.check('mux', {'mux': 0.4}, [1, 1, 1, 1], [1, 1, 0, 1], [0, 0, 1, 0], 0.1 + 0.75 + 1)

    def test_cascade_runs_local_always_and_never_the_mux(self):
        self.check('cascade', {'confidence': 0.7}, [1, 1, 1, 1], [1, 1, 1, 1], [0, 0, 1, 0], 1 + 1)

    def test_two_stage_saves_the_local_run_of_the_clearly_hard(self):
        self.check('two-stage', {'offload': 0.5, 'confidence': 0.85}, [1, 1, 1, 1], [1, 1, 0, 1], [0, 0, 1, 1], 0.1 + 0.75 + 2)

    def test_three_tier_lets_the_mux_answer_even_where_it_is_wrong(self):
        self.check('three-tier', {'answer': 0.9, 'confidence': 0.7}, [1, 1, 1, 0], [0, 1, 1, 0], [0, 0, 1, 0], 0.1 + 0.5 + 1)

    def test_fusion_is_a_weighted_product(self):
        fused = rules.fuse(self.outputs, {'fuseLocal': 1.0, 'fuseMux': 2.0})
        self.assertAlmostEqual(fused[1, 0].item(), 0.95 * 0.36 / (0.95 * 0.36 + 0.05 * 0.16), places=5)
        self.assertTrue(torch.equal(rules.fuse(self.outputs, {}), self.outputs.local))

    def test_at_offload_meets_the_share_in_every_mode(self):
        outputs = drawn()
        for mode, base in (('mux', {}), ('cascade', {}), ('two-stage', {'offload': 0.95}), ('three-tier', {'answer': 0.999})):
            share = apply(mode, search.at_offload(mode, base, outputs, 0.2), outputs).offload_share()
            self.assertAlmostEqual(share, 0.2, delta=0.01, msg=mode)


class Search(unittest.TestCase):
    def test_thresholds_for_an_accuracy_hold_on_new_images(self):
        held, new = drawn(seed=1), drawn(seed=2)
        for mode in rules.MODES:
            thresholds, outcome = search.cheapest(search.reaching(mode, held, search.gap_target(held, 0.9)), 0.1, 4.0)
            self.assertAlmostEqual(outcome.accuracy(), search.gap_target(held, 0.9), delta=0.006, msg=mode)
            self.assertAlmostEqual(apply(mode, thresholds, new).accuracy(), search.gap_target(new, 0.9), delta=0.02, msg=mode)

    def test_a_mux_that_may_answer_is_never_dearer_than_a_cascade_on_its_own_data(self):
        held = drawn(seed=3)
        cost = {mode: search.cheapest(search.reaching(mode, held, search.gap_target(held, 0.9)), 0.0, 4.0)[1].cost(0.0, 4.0)
                for mode in ('cascade', 'three-tier')}
        self.assertLessEqual(cost['three-tier'], cost['cascade'] + 0.02)

    def test_fusion_weights_favour_the_better_network(self):
        weights = search.fusion_weights(drawn())
        self.assertGreater(weights['fuseLocal'], weights['fuseMux'])
        self.assertGreater(weights['fuseMux'], 0)

    def test_smoothing_keeps_the_sum_and_rises_with_confidence(self):
        rng = torch.Generator().manual_seed(0)
        scores = torch.rand(5000, generator=rng)
        right = (torch.rand(5000, generator=rng) < scores).double()
        fitted = search.smooth(scores, right)
        self.assertAlmostEqual(fitted.sum().item() / 5000, right.mean().item(), places=3)
        self.assertLess((fitted - scores).abs().mean().item(), 0.05)


class Gate(unittest.TestCase):
    def setUp(self):
        self.weights = {'fuseLocal': 0.8, 'fuseMux': 0.3}
        self.learnt, self.new = drawn(8000, seed=4), drawn(8000, seed=5)
        self.gate = gate.fit(self.learnt, self.weights, seed=1)

    def test_what_is_written_down_is_the_network_that_was_trained(self):
        net = torch.nn.Sequential(torch.nn.Linear(10, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2)).double()
        x = gate.features(self.new, self.weights)
        mean, std = x.mean(0), x.std(0)
        with torch.no_grad():
            need, harm = net((x - mean) / std).sigmoid().unbind(1)
        found = gate.gains(gate.as_dict(net, mean, std, 1), self.new, self.weights)
        self.assertLess((found - (need - harm)).abs().max().item(), 1e-3)

    def test_it_finds_frames_that_gain_by_the_cloud(self):
        gains = gate.gains(self.gate, self.new, self.weights)
        fused = rules.fuse(self.new, self.weights)
        helped = (self.new.right(self.new.cloud) > self.new.right(fused))
        self.assertGreater(auroc(gains, helped), 0.8)
        self.assertTrue(-1 <= gains.min() and gains.max() <= 1)

    def test_the_search_sets_its_threshold_and_the_rule_obeys(self):
        outputs = gate.with_gains(self.gate, self.new, self.weights)
        thresholds = search.at_offload('three-tier', {'answer': 0.999, **self.weights, 'gain': 1.0}, outputs, 0.2)
        outcome = apply('three-tier', thresholds, outputs)
        self.assertAlmostEqual(outcome.offload_share(), 0.2, delta=0.01)
        self.assertTrue(torch.equal(outcome.offload, (outputs.gain > thresholds['gain']) & outcome.local))
        reached = search.cheapest(search.reaching('three-tier', outputs, search.gap_target(outputs, 0.9), gated=True), 0.1, 4.0)
        self.assertIn('gain', reached[0])
        # a gate that rarely speaks up: nearly all gains are tiny, and the search must not lose its way among them
        quiet = dataclasses.replace(outputs, gain=outputs.gain.clamp_min(0) ** 3)
        found = search.cheapest(search.reaching('three-tier', quiet, search.gap_target(quiet, 0.9), gated=True), 0.1, 4.0)
        self.assertAlmostEqual(found[1].accuracy(), search.gap_target(quiet, 0.9), delta=0.01)
        self.assertAlmostEqual(reached[1].accuracy(), search.gap_target(outputs, 0.9), delta=0.006)


class Group(unittest.TestCase):
    def setUp(self):
        self.outputs = groups.GroupOutputs(
            torch.tensor([[0.9, 0.95, 0.97], [0.3, 0.5, 0.9]]), torch.tensor([[0.2, 0.4, 0.4], [0.05, 0.15, 0.8]]),
            torch.stack([two(0.8, 0.3), two(0.9, 0.45), two(0.99, 0.7)]), torch.tensor([0, 0]), torch.tensor([1.0, 4.0, 20.0]))

    def test_a_budget_buys_the_highest_confidence_it_can(self):
        found = [({'mu': 0.0, 'confidence': c, 'ladder': [0, 2]}, accuracy, cost)
                 for c, accuracy, cost in ((0.5, 0.95, 5.0), (0.9, 0.94, 7.0), (0.99, 0.96, 20.0))]
        self.assertEqual([row[0]['confidence'] for row in group_calibrate.spent(found, 8.0)], [0.9])

    def test_single_is_the_papers_argmax_without_mu_and_prefers_cheap_models_with_it(self):
        self.assertEqual(groups.start(self.outputs, 0.0).tolist(), [2, 2])
        self.assertEqual(groups.start(self.outputs, 0.2).tolist(), [1, 2])
        self.assertEqual(groups.start(self.outputs, 2.0).tolist(), [0, 0])
        p, called = groups.single(self.outputs, 0.2)
        self.assertAlmostEqual(p[0, 0].item(), 0.9)
        self.assertEqual(self.outputs.cost(called), (4 + 20) / 2)

    def test_ensemble_averages_those_above_t_and_falls_back_to_the_heaviest(self):
        p, called = groups.ensemble(self.outputs, 0.288)
        self.assertEqual(called.int().tolist(), [[0, 1, 1], [0, 0, 1]])
        self.assertAlmostEqual(p[0, 0].item(), (0.9 + 0.99) / 2, places=6)
        self.assertEqual(groups.ensemble(self.outputs, 0.9)[1].sum(1).tolist(), [1, 1])

    def test_escalation_climbs_until_sure(self):
        ones = torch.ones(3)
        p, called = groups.escalate(self.outputs, 2.0, 0.75, ones)
        self.assertEqual(called.int().tolist(), [[1, 0, 0], [1, 1, 1]])
        self.assertAlmostEqual(p[0, 0].item(), 0.8, places=6)           # one model alone keeps its probabilities
        self.assertEqual(groups.escalate(self.outputs, 2.0, 0.75, ones, [0, 2])[1].int().tolist(), [[1, 0, 0], [1, 0, 1]])

    def test_grid_search_keeps_to_the_budget(self):
        found = groups.evaluated(groups.single, [{'mu': m} for m in (0.0, 0.2, 1.0)], self.outputs)
        self.assertEqual(groups.within(found, 13.0)[0], {'mu': 0.2})
        self.assertIsNone(groups.within(found, 0.5))

    def test_a_calibrated_group_policy_keeps_to_its_budgets(self):
        rng = torch.Generator().manual_seed(0)
        outputs = drawn(1500)
        models = torch.stack([outputs.mux, outputs.local, outputs.cloud])
        right = (models.argmax(2) == outputs.labels).float().t()
        correct = (0.6 * right + 0.4 * torch.rand(1500, 3, generator=rng)).clamp(0, 1)
        policy = group_calibrate.group_policy(groups.GroupOutputs(correct, correct.softmax(1), models, outputs.labels,
                                                                  torch.tensor([1.0, 4.0, 20.0], dtype=torch.double)))
        self.assertIn(policy['policy'], ('single', 'ensemble', 'escalate'))
        for row in policy['targets']:
            self.assertLessEqual(row['flops'], 20 / row['saving'] + 0.5)
        self.assertEqual(set(policy['escalate']), {'mu', 'confidence', 'ladder'})


if __name__ == '__main__':
    unittest.main()
