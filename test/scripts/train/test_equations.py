"""Equations 1–8 and our own losses, against values worked out by hand."""
import math
import unittest

import support  # noqa: F401
import torch

import equations as eq

EAST, NORTH, WEST = (torch.tensor([v]) for v in ([1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]))


def flags(*rows):
    return torch.tensor(rows, dtype=torch.bool)


class Embeddings(unittest.TestCase):
    def test_eq1_projects_linearly_to_unit_length(self):
        h, g = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 0.0, 0.0], [0.0, 2.0, 0.0]])
        self.assertTrue(torch.allclose(eq.project(h, g), torch.tensor([[0.6, 0.8, 0.0]])))

    def test_eq3_is_a_distance_from_epsilon_to_one(self):
        self.assertAlmostEqual(eq.distance(EAST, EAST).item(), eq.EPSILON)
        self.assertAlmostEqual(eq.distance(EAST, NORTH).item(), 0.5)
        self.assertAlmostEqual(eq.distance(EAST, WEST).item(), 1.0)

    def test_eq2_counts_both_right_positive_one_right_negative_none_right_not(self):
        log_half = math.log(0.5)
        for correct, expected in ((flags([1], [1]), 2 * log_half), (flags([1], [0]), -2 * log_half), (flags([0], [0]), 0)):
            self.assertAlmostEqual(eq.contrastive_paper([EAST, NORTH], correct).item(), expected, places=6)

    def test_eq2_sums_over_ordered_pairs_and_averages_over_images(self):
        a, b = torch.cat([EAST, EAST]), torch.cat([NORTH, WEST])
        value = eq.contrastive_paper([a, b, a], flags([1, 1], [1, 0], [0, 0]))
        # image 1: ab both right (log .5), ac one right (−log ε), bc one right (−log .5); image 2: ab one right
        # (−log 1), ac one right (−log ε), bc none right
        log_half, log_eps = math.log(0.5), math.log(eq.EPSILON)
        self.assertAlmostEqual(value.item(), 2 * ((log_half - log_eps - log_half) + (-log_eps)) / 2, places=4)

    def test_eq2_minimised_pulls_agreeing_pairs_together_and_others_apart(self):
        for form in (eq.contrastive_paper, eq.contrastive_bounded):
            for correct, sign in ((flags([1], [1]), 1), (flags([1], [0]), -1)):
                angle = torch.tensor(1.0, requires_grad=True)
                moving = torch.stack([angle.cos(), angle.sin()])[None]
                form([EAST, moving], correct).backward()
                self.assertEqual(torch.sign(angle.grad).item(), sign, form.__name__)   # descent shrinks the angle if +

    def test_bounded_form_balances_rare_disagreement_and_is_never_negative(self):
        a = EAST.repeat(100, 1)
        b = torch.cat([EAST.repeat(99, 1), NORTH])
        correct = torch.ones(2, 100, dtype=torch.bool)
        correct[1, 99] = False
        self.assertAlmostEqual(eq.contrastive_bounded([a, b], correct).item(), 2 * math.log(2), places=3)


class MuxPaper(unittest.TestCase):
    def test_eq4_weights_probabilities_per_image(self):
        w = torch.tensor([[0.25, 0.75], [1.0, 0.0]])
        f = torch.tensor([[[1.0, 0.0], [0.5, 0.5]], [[0.0, 1.0], [0.0, 1.0]]])
        self.assertTrue(torch.equal(eq.ensemble(w, f), torch.tensor([[0.25, 0.75], [0.5, 0.5]])))

    def test_eq5_divides_by_cost_relative_to_the_cheapest(self):
        v, m = torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[3.0, 8.0]])
        self.assertTrue(torch.equal(eq.mux_logits(v, m, eq.relative_costs([5e6, 20e6])), torch.tensor([[3.0, 2.0]])))

    def test_relative_costs_start_at_one_in_every_form(self):
        for form, second in (('relative', 4.0), ('log', 1 + math.log(4)), ('none', 1.0)):
            self.assertTrue(torch.allclose(eq.relative_costs([5e6, 20e6], form), torch.tensor([1.0, second])), form)

    def test_cost_penalty_is_the_expected_share_of_the_largest_cost(self):
        w = torch.tensor([[1.0, 0.0], [0.5, 0.5]])
        self.assertAlmostEqual(eq.cost_penalty(w, torch.tensor([1.0, 4.0])).item(), (0.25 + 0.625) / 2)

    def test_eq6_normalises_over_models(self):
        w = eq.mux_weights(torch.tensor([[0.0, math.log(3.0)]]))
        self.assertTrue(torch.allclose(w, torch.tensor([[0.25, 0.75]])))

    def test_eq7_is_a_positive_cross_entropy(self):
        loss = eq.mux_cross_entropy(torch.tensor([[0.25, 0.75], [0.5, 0.5]]), torch.tensor([0, 1]))
        self.assertAlmostEqual(loss.item(), (math.log(4) + math.log(2)) / 2, places=6)

    def test_eq8_sums_distances_to_all_embeddings_of_the_normalised_meta_features(self):
        self.assertAlmostEqual(eq.distillation(7 * EAST, [EAST, NORTH, WEST]).item(), eq.EPSILON + 0.5 + 1, places=6)


class MuxOurs(unittest.TestCase):
    p = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1]])
    y = torch.tensor([1, 1])

    def test_soft_labels_are_doubt_in_the_label_and_doubt_in_the_answer(self):
        wrong, unsure = eq.hardness_targets(self.p, self.y)
        self.assertTrue(torch.allclose(wrong, torch.tensor([0.8, 0.2])))
        self.assertTrue(torch.allclose(unsure, torch.tensor([0.3, 0.2])))

    def test_soft_label_loss_is_least_where_the_score_is_the_mean_label(self):
        need = torch.zeros(2, requires_grad=True)
        optimiser = torch.optim.Adam([need], lr=0.05)
        for _ in range(600):
            optimiser.zero_grad()
            eq.soft_label_loss(need, self.p, self.y).backward()
            optimiser.step()
        self.assertTrue(torch.allclose(need.sigmoid(), torch.tensor([0.55, 0.2]), atol=1e-3))

    def test_class_head_loss_of_the_teachers_own_logits_is_cross_entropy_alone(self):
        logits = self.p.log()
        expected = torch.nn.functional.cross_entropy(logits, self.y)
        self.assertAlmostEqual(eq.class_head_loss(logits, logits, self.y, 2.0).item(), expected.item(), places=6)
        self.assertGreater(eq.class_head_loss(logits, logits.flip(1), self.y, 2.0).item(), expected.item())


if __name__ == '__main__':
    unittest.main()
