"""Algorithm 1, step 2: the mux, with the models frozen. One function for the pair's mux and the group's.

The paper's own loss (eq. 4-8) is nearly indifferent between models that agree, so it does not learn who is wrong.
Ours, `correctness`, does: every image is augmented, the frozen models say how wrong they are on *that* picture, and the
mux learns it as a soft label, with the largest model's opinion on the class as a second task.
"""
import torch

import equations
from config import TrainError, as_dict, group_of, role
from data.images import generator
from metrics import accuracy, auroc, predict
from networks.nets import MUXES
from steps.runtime import random_state, seed_epoch, set_random_state
from steps.schedule import one_cycle, set_rate

CHECKPOINTS = {'pair': 'mux.pt', 'group': 'mux-group.pt'}


def watched(config, kind):
    """(models the weights are over, models whose need is told), as indices into config.models."""
    if kind == 'group':
        return group_of(config), group_of(config)
    return [role(config, 'local'), role(config, 'cloud')], [role(config, 'local')]


def build_mux(config, kind, channels, classes, costs):
    """costs: multiply-accumulates of all models."""
    if config.mux.arch not in MUXES:
        raise TrainError(f'no mux architecture "{config.mux.arch}": choose from {", ".join(sorted(MUXES))}')
    paper = config.mux.loss == 'paper'
    choose, told = watched(config, kind)
    relative = equations.relative_costs([costs[k] for k in choose], config.mux.cost_form) if paper or kind == 'group' else None
    seed_epoch(generator(config.seed, 'mux weights', kind))
    return MUXES[config.mux.arch](channels, len(told), classes, costs=relative, told=not paper)


class Teaching:
    """The loss of one batch, and what it needs besides the mux.

    costs: multiply-accumulates of all models. known (paper's loss only): step 1's models and projections, whose embeddings
    eq. 8 pulls the meta-features to; `meta` maps those [width] to the common dimension while training."""

    def __init__(self, config, kind, mux, costs, known=None):
        self.spec, self.mux = config.mux, mux
        self.choose, self.told = watched(config, kind)
        self.costs = torch.tensor([costs[k] for k in self.choose], dtype=torch.float32)
        self.largest = max(self.choose, key=lambda k: costs[k])
        self.known = known if config.mux.loss == 'paper' else None
        self.meta = torch.nn.Linear(mux.width, config.projection_dim, bias=False) if self.known else None

    def modules(self):
        """What is trained and saved."""
        return torch.nn.ModuleDict({'mux': self.mux, **({'meta': self.meta} if self.meta else {})})

    def loss(self, x, y, answers):
        """x [B, C, H, W], y [B], answers [M, B, K] (logits of all models) → scalar."""
        need, logits, votes, m = (None if o is None else o.float() for o in self.mux(x))
        probabilities = answers.softmax(2)
        if self.spec.loss == 'paper':
            class_logits = self.mux.head(m.detach()).float()            # the paper's mux has no class head: ours must not help it
            return self.paper(x, y, votes, m, probabilities) + self.classes(class_logits, answers, y)
        loss = sum(equations.soft_label_loss(need[:, n], probabilities[k], y) for n, k in enumerate(self.told)) / len(self.told)
        if votes is not None:
            loss = loss + self.ensemble(votes, y, probabilities)
        return loss + self.spec.class_weight * self.classes(logits, answers, y)

    def ensemble(self, votes, y, probabilities):
        """Eq. 4-7, and the cost penalty."""
        weights = equations.mux_weights(votes)
        y_ens = equations.ensemble(weights, probabilities[self.choose])
        penalty = equations.cost_penalty(weights, self.costs.to(weights.device))
        return equations.mux_cross_entropy(y_ens, y) + self.spec.cost_penalty * penalty

    def paper(self, x, y, votes, m, probabilities):
        """Eq. 7 + meta_weight · eq. 8."""
        loss = self.ensemble(votes, y, probabilities)
        if self.known:
            models, projections = self.known
            with torch.no_grad():
                embeddings = [equations.project(models[k](x)[1].float(), projections[k]) for k in self.choose]
            loss = loss + self.spec.meta_weight * equations.distillation(self.meta(m), embeddings)
        return loss

    def classes(self, logits, answers, y):
        """The class head's teacher is the largest model, or the mean (of logarithms) of all."""
        teacher = answers[self.largest] if self.spec.teacher == 'largest' else answers[self.choose].log_softmax(2).mean(0)
        return equations.class_head_loss(logits, teacher, y, self.spec.temperature)


def train_mux(config, kind, source, held, costs, runtime, until=None, known=None):
    """Trains the mux of a 'pair' or a 'group'; resumes like step 1.

    held: (Split, the models' logits [M, N, K]) of images no training sees; costs: multiply-accumulates of all models."""
    split, answers = held
    wrong = answers.argmax(2) != split.labels
    mux = build_mux(config, kind, split.images.shape[3], answers.shape[2], costs)
    teaching = Teaching(config, kind, mux, costs, known)
    trained = teaching.modules().to(runtime.device)
    optimiser = torch.optim.AdamW(trained.parameters(), lr=config.mux.lr, weight_decay=config.mux.weight_decay)
    state = runtime.load(CHECKPOINTS[kind], as_dict(config)) or {'epoch': 0}
    if 'mux' in state:
        trained.load_state_dict(state['mux'])
        optimiser.load_state_dict(state['optimiser'])

    def save(epoch, inside=None):
        runtime.save(CHECKPOINTS[kind], {'config': as_dict(config), 'epoch': epoch, 'mux': trained.state_dict(),
                                         'optimiser': optimiser.state_dict(), 'inside': inside})
    inside = state.get('inside')
    for epoch in range(state['epoch'], config.mux.epochs if until is None else until):
        loss = mux_epoch(config, kind, teaching, optimiser, source, epoch, runtime, inside, save)
        inside = None
        need, logits = predict(mux, split, config, runtime, output=(0, 1))
        found = [auroc(need[:, n], wrong[k]) for n, k in enumerate(teaching.told)]
        runtime.say(f'mux-{kind}', epoch=f'{epoch + 1}/{config.mux.epochs}', loss=loss, auroc=mean(found),
                    accuracy=accuracy(logits, split.labels))
        save(epoch + 1)
    return mux.eval()


def mux_epoch(config, kind, teaching, optimiser, source, epoch, runtime, inside, save):
    """One pass, or its rest; returns the mean loss. inside: of a checkpoint, {'batches', 'total', 'random'}; save(epoch, inside)."""
    rng = generator(config.seed, 'mux', kind, epoch)
    seed_epoch(rng)
    spec, per_epoch = config.mux, len(source) // config.mux.batch
    done, total = (inside['batches'], inside['total']) if inside else (0, 0.0)
    progress = runtime.progress(f'mux-{kind}', epoch, spec.epochs, per_epoch, spec.batch, done)
    teaching.mux.train()
    for n, (x, labels, answers) in enumerate(source.epoch(epoch, rng, spec.batch, done), done):
        if n == done and inside:
            set_random_state(rng, inside['random'])
        set_rate(optimiser, one_cycle(epoch * per_epoch + n, spec.epochs * per_epoch, spec.lr, config.warmup))
        with runtime.autocast():
            loss = teaching.loss(x.contiguous(memory_format=torch.channels_last), labels, answers)
        optimiser.zero_grad()
        runtime.scaler.scale(loss).backward()
        runtime.scaler.step(optimiser)
        runtime.scaler.update()
        total += loss.item()
        progress.at(n + 1)
        if n + 1 < per_epoch and runtime.checkpoint_due():
            save(epoch, {'batches': n + 1, 'total': total, 'random': random_state(rng)})
    return total / per_epoch


def mean(values):
    """Mean of the values that are there; None without any."""
    there = [v for v in values if v is not None]
    return sum(there) / len(there) if there else None
