"""Algorithm 1, step 1: all models jointly. Loss = Σ_i cross-entropy of model i + λ · contrastive loss (eq. 2)."""
import torch
import torch.nn.functional as F
from torch import nn

import equations
from config import TrainError, as_dict
from data import augment, batches, generator, normalise
from metrics import accuracy, predict
from nets import ARCHITECTURES
from runtime import seed_epoch
from schedule import one_cycle, set_rate

CONTRASTIVE = {'paper': equations.contrastive_paper, 'bounded': equations.contrastive_bounded}
CHECKPOINT = 'models.pt'


def build(config, channels, classes):
    """The models (ModuleList, in the config's order) and eq. 1's projections g_i [D_i, P]."""
    torch.manual_seed(config.seed)
    unknown = [m.arch for m in config.models if m.arch not in ARCHITECTURES]
    if unknown:
        raise TrainError(f'no architecture {unknown}: choose from {sorted(ARCHITECTURES)}')
    models = nn.ModuleList(ARCHITECTURES[m.arch](channels, classes) for m in config.models)
    projections = nn.ParameterList(
        nn.Parameter(torch.randn(m.width, config.projection_dim) / m.width ** 0.5) for m in models)
    return models, projections


def optimiser_of(config, models, projections):
    """SGD with Nesterov momentum; each model has its own weight decay, biases and batch norms have none."""
    groups = [{'params': list(projections), 'weight_decay': 0.0}]
    for spec, model in zip(config.models, models):
        weights = [p for p in model.parameters() if p.ndim > 1]
        groups.append({'params': weights, 'weight_decay': spec.weight_decay})
        groups.append({'params': [p for p in model.parameters() if p.ndim <= 1], 'weight_decay': 0.0})
    return torch.optim.SGD(groups, lr=config.lr, momentum=config.momentum, nesterov=True)


def losses(config, models, projections, x, y):
    """Cross-entropy of each model [M] and the contrastive term (0 without) on one batch: x [N, C, H, W], y [N]."""
    outputs = [model(x) for model in models]
    cross = torch.stack([F.cross_entropy(logits.float(), y) for logits, _ in outputs])
    if config.contrastive == 'none':
        return cross, cross.new_zeros(())
    correct = torch.stack([logits.argmax(1) == y for logits, _ in outputs])
    embeddings = [equations.project(h.float(), g) for (_, h), g in zip(outputs, projections)]
    return cross, CONTRASTIVE[config.contrastive](embeddings, correct)


def train_epoch(config, models, projections, optimiser, train, epoch, runtime):
    """One pass over the training images; returns the mean cross-entropy of each model and the mean contrastive loss."""
    rng = generator(config.seed, 'models', epoch)
    seed_epoch(rng)
    per_epoch = len(train) // config.batch
    sums, contrastive_sum = torch.zeros(len(models)), 0.0
    models.train()
    for n, (images, labels) in enumerate(batches(train, config.batch, rng)):
        set_rate(optimiser, one_cycle(epoch * per_epoch + n, config.epochs * per_epoch, config.lr, config.warmup))
        x = normalise(augment(images, config, rng), config.mean, config.std)
        with runtime.autocast():
            cross, contrastive = losses(config, models, projections, x.contiguous(memory_format=torch.channels_last), labels)
        loss = cross.sum() + config.contrastive_weight * contrastive
        if not torch.isfinite(loss):
            raise TrainError(f'the loss is {loss.item()} in epoch {epoch + 1}: lower lr, or set amp to "off"')
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        sums += cross.detach().cpu()
        contrastive_sum += float(contrastive)
    return (sums / per_epoch).tolist(), contrastive_sum / per_epoch


def train_models(config, data, runtime, until=None):
    """Trains the models, or goes on from the checkpoint in the run's folder; `until` stops early (epochs done)."""
    _, h, w, channels = data.train.images.shape
    models, projections = build(config, channels, len(data.labels))
    models.to(runtime.device, memory_format=torch.channels_last), projections.to(runtime.device)
    optimiser = optimiser_of(config, models, projections)
    state = runtime.load(CHECKPOINT, as_dict(config))
    if state:
        models.load_state_dict(state['models'])
        projections.load_state_dict(state['projections'])
        optimiser.load_state_dict(state['optimiser'])
    train, held = data.train.to(runtime.device), data.calibration
    for epoch in range(state['epoch'] if state else 0, config.epochs if until is None else until):
        cross, contrastive = train_epoch(config, models, projections, optimiser, train, epoch, runtime)
        scores = {spec.id: accuracy(predict(model, held, config, runtime), held.labels)
                  for spec, model in zip(config.models, models)}
        runtime.say('models', epoch=f'{epoch + 1}/{config.epochs}', **{f'loss/{m.id}': c for m, c in zip(config.models, cross)},
                    contrastive=contrastive, **{f'held/{k}': v for k, v in scores.items()})
        runtime.save(CHECKPOINT, {'config': as_dict(config), 'epoch': epoch + 1, 'models': models.state_dict(),
                                  'projections': projections.state_dict(), 'optimiser': optimiser.state_dict()})
    return models.eval(), projections
