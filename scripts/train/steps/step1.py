"""Algorithm 1, step 1: all models jointly. Loss = Σ_i cross-entropy of model i + λ · contrastive loss (eq. 2).

Options beyond the paper: a model may learn from a finished one (`Model.teacher`), and without the contrastive loss, which
alone ties the models together, each may come from another run (`given`)."""
import torch
import torch.nn.functional as F
from torch import nn

import equations
from config import TrainError, as_dict
from data.images import augment, batches, generator, normalise
from metrics import accuracy, predict
from networks.architectures import classifier
from steps import parallel
from steps.runtime import seed_epoch
from steps.schedule import one_cycle, set_rate

CONTRASTIVE = {'paper': equations.contrastive_paper, 'bounded': equations.contrastive_bounded}
CHECKPOINT, STUDENTS = 'models.pt', 'students.pt'


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
        losses = [F.cross_entropy(logits.float(), y) for logits, _ in outputs]
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
        weights = [p for p in model.parameters() if p.ndim > 1]
        groups.append({'params': weights, 'weight_decay': spec.weight_decay, 'scale': spec.lr_scale})
        groups.append({'params': [p for p in model.parameters() if p.ndim <= 1], 'weight_decay': 0.0, 'scale': spec.lr_scale})
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


def train_epoch(config, joint, optimiser, train, epoch, runtime):
    """One pass over the training images; returns the mean loss of each model and the mean contrastive term."""
    rng = generator(config.seed, 'models', epoch)
    seed_epoch(rng)
    per_epoch = len(train) // config.batch
    sums = 0.0
    joint.train()
    for n, (images, labels) in enumerate(batches(train, config.batch, rng, runtime.device)):
        set_rate(optimiser, one_cycle(epoch * per_epoch + n, config.epochs * per_epoch, config.lr, config.warmup))
        images = parallel.own_slice(augment(images, config, rng), runtime.rank, runtime.world)
        labels = parallel.own_slice(labels, runtime.rank, runtime.world)
        sums = sums + step(config, joint, optimiser, images, labels, runtime)
    parallel.average_buffers(joint, runtime.world)
    means = (sums / per_epoch).tolist()
    return means[:-1], means[-1]


def train_models(config, data, runtime, until=None, teachers=None, checkpoint=CHECKPOINT, start=None):
    """Trains the models, or goes on from the checkpoint in the run's folder; `until` stops early (epochs done).

    teachers: {id: finished model} for the models that name one. start: {id: state dict} to begin with."""
    channels = data.train.images.shape[3]
    models, projections = build(config, channels, len(data.labels))
    for spec, model in zip(config.models, models):
        if spec.id in (start or {}):
            model.load_state_dict(start[spec.id])
    joint = Joint(config, models, projections, [(teachers or {}).get(m.teacher) for m in config.models])
    joint.to(runtime.device, memory_format=torch.channels_last)
    optimiser = optimiser_of(config, models, projections)
    state = runtime.load(checkpoint, as_dict(config))
    if state:
        models.load_state_dict(state['models'])
        projections.load_state_dict(state['projections'])
        optimiser.load_state_dict(state['optimiser'])
        runtime.scaler.load_state_dict(state.get('scaler', {}))
    wrapped = parallel.wrap(joint, runtime.world, runtime.device)
    train, held = data.train.to(runtime.device), data.calibration
    for epoch in range(state['epoch'] if state else 0, config.epochs if until is None else until):
        losses, contrastive = train_epoch(config, wrapped, optimiser, train, epoch, runtime)
        scores = {spec.id: accuracy(predict(model, held, config, runtime), held.labels)
                  for spec, model in zip(config.models, models) if runtime.rank == 0}
        runtime.say('models', epoch=f'{epoch + 1}/{config.epochs}', **{f'loss/{m.id}': c for m, c in zip(config.models, losses)},
                    contrastive=contrastive, **{f'held/{k}': v for k, v in scores.items()})
        runtime.save(checkpoint, {'config': as_dict(config), 'epoch': epoch + 1, 'models': models.state_dict(),
                                  'projections': projections.state_dict(), 'optimiser': optimiser.state_dict(),
                                  'scaler': runtime.scaler.state_dict()})
    return models.eval(), projections
