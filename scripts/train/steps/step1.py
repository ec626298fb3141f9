"""Algorithm 1, step 1: all models jointly. Loss = Σ_i cross-entropy of model i + λ · contrastive loss (eq. 2).

Options beyond the paper: a model may learn from a finished one (`Model.teacher`), and without the contrastive loss, which
alone ties the models together, each may come from another run (`given`)."""
import torch
import torch.nn.functional as F
from torch import nn

import equations
from config import TrainError, as_dict
from data.images import augment, batches, flips, generator, normalise
from metrics import accuracy, predict_all
from networks.architectures import classifier
from steps import parallel
from steps.lookahead import Lookahead
from steps.runtime import random_state, seed_epoch, set_random_state
from steps.schedule import SCHEDULES, set_rate

CONTRASTIVE = {'paper': equations.contrastive_paper, 'bounded': equations.contrastive_bounded}
CHECKPOINT, STUDENTS = 'models.pt', 'students.pt'
PREPARING = 5000                # pictures from which first filters are made


class Joint(nn.Module):
    """The models with eq. 1's projections g_i [D_i, P]. forward: a batch → (losses [M], contrastive term)."""

    def __init__(self, config, models, projections, teachers):
        super().__init__()
        self.config, self.models, self.projections = config, models, projections
        self.teachers = [(k, t) for k, t in enumerate(teachers) if t is not None]   # a plain list: not ours to train
        projections.requires_grad_(config.contrastive != 'none')

    def forward(self, x, y):
        """x [N, C, H, W] normalised, y [N]."""
        config, outputs = self.config, [model(x) for model in self.models]
        losses = [F.cross_entropy(logits.float(), y, label_smoothing=config.smoothing) for logits, _ in outputs]
        for k, teacher in self.teachers:
            with torch.no_grad():
                wanted = teacher(x)[0].float()
            soft = equations.soft_divergence(outputs[k][0].float(), wanted, config.teacher_temperature)
            losses[k] = (1 - config.teacher_weight) * losses[k] + config.teacher_weight * soft
        losses = torch.stack(losses)
        if config.contrastive == 'none':
            return losses, losses.new_zeros(())
        correct = torch.stack([logits.argmax(1) == y for logits, _ in outputs])
        embeddings = [equations.project(h.float(), g) for (_, h), g in zip(outputs, self.projections)]
        return losses, CONTRASTIVE[config.contrastive](embeddings, correct)


def build(config, channels, classes):
    """The models (ModuleList, in the config's order) and their projections."""
    models, projections = nn.ModuleList(), nn.ParameterList()
    for spec in config.models:                                  # first weights do not depend on the other models
        seed_epoch(generator(config.seed, 'weights', spec.id))
        models.append(classifier(spec, channels, classes))
        width = models[-1].width
        projections.append(nn.Parameter(torch.randn(width, config.projection_dim) / width ** 0.5))
    return models, projections


def optimiser_of(config, models, projections):
    """SGD with Nesterov momentum; each model has its own weight decay and rate, biases and batch norms have no decay."""
    groups = [{'params': list(projections), 'weight_decay': 0.0, 'scale': 1.0}]
    for spec, model in zip(config.models, models):
        norms = {p for m in model.modules() if isinstance(m, nn.BatchNorm2d) for p in (m.bias,)} if config.norm_rate != 1 else set()
        learning = [p for p in model.parameters() if p.requires_grad]
        weights = [p for p in learning if p.ndim > 1]
        biases = [p for p in learning if p.ndim <= 1 and p not in norms]
        groups.append({'params': weights, 'weight_decay': spec.weight_decay, 'scale': spec.lr_scale})
        groups.append({'params': biases, 'weight_decay': 0.0, 'scale': spec.lr_scale})
        if norms:                                               # the decay of a step is that of the weights
            groups.append({'params': [p for p in learning if p in norms], 'weight_decay': spec.weight_decay / config.norm_rate,
                           'scale': spec.lr_scale * config.norm_rate})
    return torch.optim.SGD(groups, lr=config.lr, momentum=config.momentum, nesterov=True)


def step(config, joint, optimiser, images, labels, runtime):
    """One update on this process's share of a batch; returns its losses [M] and contrastive term, detached."""
    x = normalise(images, config.mean, config.std).contiguous(memory_format=torch.channels_last)
    pieces, size = runtime.pieces, len(labels) // runtime.pieces
    optimiser.zero_grad()
    total = 0.0
    with parallel.split_batch_norm(joint, pieces) as before_slice:
        for n in range(pieces):
            before_slice(n)
            part = slice(n * size, (n + 1) * size)
            with runtime.autocast():
                losses, contrastive = joint(x[part], labels[part])
            loss = (losses.sum() + config.contrastive_weight * contrastive) / pieces
            if not torch.isfinite(loss):
                raise TrainError(f'the loss is {loss.item()}: lower lr, or set amp to "off"')
            runtime.scaler.scale(loss).backward()
            total = total + torch.cat([losses.detach(), contrastive.detach()[None]]) / pieces
    runtime.scaler.step(optimiser)
    runtime.scaler.update()
    return total.cpu()


class Training:
    """Step 1 of some models: everything that a checkpoint holds, inside an epoch too."""

    def __init__(self, config, data, runtime, teachers, start):
        self.config, self.runtime, self.epoch = config, runtime, 0
        self.models, self.projections = build(config, data.train.images.shape[3], len(data.labels))
        for spec, model in zip(config.models, self.models):
            if hasattr(model, 'prepare'):                       # first filters that follow from the pictures
                model.prepare(normalise(data.train.images[:PREPARING], config.mean, config.std))
            if spec.id in (start or {}):
                model.load_state_dict(start[spec.id])
        joint = Joint(config, self.models, self.projections, [(teachers or {}).get(m.teacher) for m in config.models])
        joint.to(runtime.device, memory_format=torch.channels_last)
        self.optimiser = optimiser_of(config, self.models, self.projections)
        self.lookahead = Lookahead(self.models, config.lookahead)
        self.inside = None
        self.joint = parallel.wrap(joint, runtime.world, runtime.device)

    def state(self, inside=None):
        """inside: {'batches', 'sums', 'random'}, how far an unfinished epoch is."""
        return {'config': as_dict(self.config), 'epoch': self.epoch, 'models': self.models.state_dict(),
                'projections': self.projections.state_dict(), 'optimiser': self.optimiser.state_dict(),
                'scaler': self.runtime.scaler.state_dict(), 'lookahead': self.lookahead.state(), 'inside': inside}

    def load(self, state):
        self.epoch, self.inside = state['epoch'], state.get('inside')
        self.models.load_state_dict(state['models'])
        self.projections.load_state_dict(state['projections'])
        self.optimiser.load_state_dict(state['optimiser'])
        self.runtime.scaler.load_state_dict(state.get('scaler', {}))
        self.lookahead.load(state.get('lookahead'))

    def one_epoch(self, train, checkpoint):
        """One pass over the training images, or its rest; returns the mean loss of each model and the mean contrastive term."""
        config, runtime, epoch = self.config, self.runtime, self.epoch
        rng = generator(config.seed, 'models', epoch)
        seed_epoch(rng)
        per_epoch, mirrored = len(train) // config.batch, flips(config, len(train), epoch)
        done, sums = (self.inside['batches'], self.inside['sums'].cpu()) if self.inside else (0, 0.0)
        progress = runtime.progress('models', epoch, config.epochs, per_epoch, config.batch, done)
        self.joint.train()
        for n, (images, labels, rows) in enumerate(batches(train, config.batch, rng, runtime.device, done), done):
            if n == done and self.inside:
                set_random_state(rng, self.inside['random'])
            step_number = epoch * per_epoch + n
            set_rate(self.optimiser, SCHEDULES[config.schedule](step_number, config.epochs * per_epoch, config.lr, config.warmup))
            images = augment(images, config, rng, None if mirrored is None else mirrored[rows])
            images = parallel.own_slice(images, runtime.rank, runtime.world)
            labels = parallel.own_slice(labels, runtime.rank, runtime.world)
            sums = sums + step(config, self.joint, self.optimiser, images, labels, runtime)
            self.lookahead.after(step_number + 1, config.epochs * per_epoch)
            progress.at(n + 1)
            if n + 1 < per_epoch and runtime.checkpoint_due():
                runtime.save(checkpoint, self.state({'batches': n + 1, 'sums': sums, 'random': random_state(rng)}))
        self.inside = None
        parallel.average_buffers(self.joint, runtime.world)
        means = (sums / per_epoch).tolist()
        return means[:-1], means[-1]


def train_models(config, data, runtime, until=None, teachers=None, checkpoint=CHECKPOINT, start=None):
    """Trains the models, or goes on from the checkpoint in the run's folder; `until` stops early (epochs done).

    teachers: {id: finished model} for the models that name one. start: {id: state dict} to begin with."""
    training = Training(config, data, runtime, teachers, start)
    state = runtime.load(checkpoint, as_dict(config))
    if state:
        training.load(state)
    train, held = data.train.to(runtime.device), data.calibration
    while training.epoch < (config.epochs if until is None else until):
        losses, contrastive = training.one_epoch(train, checkpoint)
        training.epoch += 1
        scores = {}
        if runtime.rank == 0:
            logits = predict_all(training.models, held, config, runtime)
            scores = {spec.id: accuracy(of_one, held.labels) for spec, of_one in zip(config.models, logits)}
        runtime.say('models', epoch=f'{training.epoch}/{config.epochs}', **{f'loss/{m.id}': c for m, c in zip(config.models, losses)},
                    contrastive=contrastive, **{f'held/{k}': v for k, v in scores.items()})
        runtime.save(checkpoint, training.state())
    return training.models.eval(), training.projections
