"""The paper's equations 1–8 as pure functions, and the losses ours adds. Equations 9–14 (costs) live in lab/eval/cost.ts.

M models, N images, K classes, D an embedding's width, P the common dimension of the projected embeddings.
How a misprint is read, and why, stands beside each function.
"""
import torch
import torch.nn.functional as F

EPSILON = 1e-4      # smallest distance: keeps log d of eq. 2 finite


def project(h, g):
    """Eq. 1: e = normalise(h·g). h [N, D], g [D, P] → unit vectors [N, P]."""
    return F.normalize(h @ g, dim=1)


def distance(e1, e2, epsilon=EPSILON):
    """Eq. 3: cosine *distance* in [ε, 1] of unit vectors [N, P] → [N].

    As printed it is the cosine similarity, in [−1, 1]; eq. 2 takes its logarithm and wants it small for a pair that
    agrees, so a distance is what the text means: d = (1 − cos)/2."""
    return ((1 - (e1 * e2).sum(1)) / 2).clamp(epsilon, 1)


def pairs(embeddings, correct):
    """Every i < j: cosine [N], both right [N], exactly one right [N] (floats 0/1). correct: bool [M, N]."""
    for i in range(len(embeddings)):
        for j in range(i + 1, len(embeddings)):
            yield embeddings[i], embeddings[j], (correct[i] & correct[j]).float(), (correct[i] ^ correct[j]).float()


def contrastive_paper(embeddings, correct):
    """Eq. 2: Σ_{i≠j} log d(e_i, e_j) · (both right − exactly one right), mean over the images; none right: no term.

    Minimised: models that are both right are pulled together, models of which one is right are pushed apart.
    embeddings: M of [N, P]; correct: bool [M, N] → scalar. The sum over i ≠ j meets each pair twice."""
    return sum(2 * (distance(a, b).log() * (both - one)).mean() for a, b, both, one in pairs(embeddings, correct))


def contrastive_bounded(embeddings, correct):
    """Ours, in eq. 2's place: −log((1 + cos)/2) where both are right, −log((1 − cos)/2) where exactly one is.

    Both terms are bounded below by 0, and each is the mean over its own images: eq. 2's log d has no floor for the
    (far more frequent) agreeing pairs, so it collapses every embedding onto one point."""
    total = 0.0
    for a, b, both, one in pairs(embeddings, correct):
        apart = distance(a, b)
        near = -(1 - apart).clamp_min(EPSILON).log()
        far = -apart.log()
        total = total + 2 * ((near * both).sum() / both.sum().clamp_min(1) + (far * one).sum() / one.sum().clamp_min(1))
    return total


def ensemble(weights, probabilities):
    """Eq. 4: y_ENS = Σ_i w_i f_i. weights [N, M], probabilities [M, N, K] → [N, K]."""
    return torch.einsum('nm,mnk->nk', weights, probabilities)


COST_FORMS = {
    'relative': lambda c: c / c.min(),                          # as the paper means it: 1 … 90 for our six
    'log': lambda c: 1 + (c / c.min()).log(),                   # 1 … 5.5
    'none': torch.ones_like,                                    # cost acts as a penalty or at decision time only
}


def relative_costs(flops, form='relative'):
    """The c_i of eq. 5 from multiply-accumulates [M]. With raw FLOPs every logit vanishes: one of COST_FORMS → [M]."""
    return COST_FORMS[form](torch.as_tensor(flops, dtype=torch.float32))


def mux_logits(v, m, costs):
    """Eq. 5: w_i = Σ_j v_ij m_j / c_i. v [M, P], meta-features m [N, P], costs [M] (relative_costs) → [N, M]."""
    return (m @ v.t()) / costs


def mux_weights(logits):
    """Eq. 6: softmax over the models (printed with M for the paper's N). [N, M] → [N, M]."""
    return logits.softmax(1)


def mux_cross_entropy(y_ens, labels):
    """Eq. 7: cross-entropy of the weighted prediction; the printed form lacks the minus sign. [N, K], [N] → scalar."""
    return -y_ens.gather(1, labels[:, None]).clamp_min(1e-12).log().mean()


def distillation(m, embeddings):
    """Eq. 8: Σ_i d(m, e_i), mean over the images; m [N, P] is normalised first. → scalar."""
    m = F.normalize(m, dim=1)
    return sum(distance(m, e).mean() for e in embeddings)


def cost_penalty(weights, flops):
    """Ours: expected cost Σ_i w_i c_i / c_max, mean over the images. weights [N, M], flops [M] → scalar in (0, 1]."""
    return (weights @ (flops / flops.max())).mean()


def hardness_targets(probabilities, labels):
    """Ours: two soft labels of "this model is wrong": 1 − p[y] and 1 − max p. [N, K], [N] → [N], [N]."""
    return 1 - probabilities.gather(1, labels[:, None])[:, 0], 1 - probabilities.max(1).values


def soft_label_loss(need, probabilities, labels):
    """Ours: binary cross-entropy of the mux's logit against both soft labels. need [N], [N, K], [N] → scalar.

    The first label says whether the model is wrong, the second how sure it is; the mean of both is less noisy
    than the 0/1 event, which happens on few images only."""
    return sum(F.binary_cross_entropy_with_logits(need, t) for t in hardness_targets(probabilities, labels))


def soft_divergence(logits, teacher_logits, temperature):
    """KL divergence of both outputs softened by T, × T², the usual scale of distillation. [N, K] each → scalar."""
    t = temperature
    return t * t * F.kl_div(F.log_softmax(logits / t, 1), F.softmax(teacher_logits / t, 1), reduction='batchmean')


def class_head_loss(logits, teacher_logits, labels, temperature):
    """Ours: soft_divergence from the largest model's output + cross-entropy. → scalar."""
    return soft_divergence(logits, teacher_logits, temperature) + F.cross_entropy(logits, labels)
