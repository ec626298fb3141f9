"""Algorithm 1, step 2: the mux, with the models frozen.

The paper's own mux loss (eq. 7) is nearly indifferent between models that agree, so it does not learn who is wrong.
Ours teaches correctness: every batch is augmented, the frozen models say how wrong they are on *that* picture, and the
mux learns it as a soft label, with the largest model's opinion on the class as a second task.
"""
import torch

import equations
from config import TrainError, as_dict
from data import Split, augment, batches, generator, normalise
from metrics import accuracy, auroc, predict
from nets import MUXES
from runtime import seed_epoch
from schedule import one_cycle, set_rate

CHECKPOINT = 'mux.pt'


def build_mux(config, channels, classes, outputs=1):
    torch.manual_seed(config.seed + 1)
    if config.mux.arch not in MUXES:
        raise TrainError(f'no mux architecture "{config.mux.arch}": choose from {sorted(MUXES)}')
    return MUXES[config.mux.arch](channels, outputs, classes)


def mux_split(config, data):
    """Images the models know, and those they do not know repeated, so that true errors are not rare."""
    repeat = config.mux.heldout_repeat
    return Split(torch.cat([data.train.images] + [data.mux.images] * repeat),
                 torch.cat([data.train.labels] + [data.mux.labels] * repeat))


def role(config, name):
    """Index of the model with the role."""
    return next(i for i, m in enumerate(config.models) if name in m.roles)


def train_mux(config, data, models, runtime, until=None):
    """Trains the pair's mux against the local model's errors; resumes like step 1."""
    local, cloud = models[role(config, 'local')], models[role(config, 'cloud')]
    mux = build_mux(config, data.train.images.shape[3], len(data.labels)).to(runtime.device)
    optimiser = torch.optim.AdamW(mux.parameters(), lr=config.mux.lr, weight_decay=config.mux.weight_decay)
    state = runtime.load(CHECKPOINT, as_dict(config))
    if state:
        mux.load_state_dict(state['mux'])
        optimiser.load_state_dict(state['optimiser'])
    train, held = mux_split(config, data).to(runtime.device), data.calibration
    held_wrong = predict(local, held, config, runtime).argmax(1) != held.labels
    for epoch in range(state['epoch'] if state else 0, config.mux.epochs if until is None else until):
        loss = mux_epoch(config, mux, local, cloud, optimiser, train, epoch, runtime)
        need = predict(mux, held, config, runtime)[:, 0]
        runtime.say('mux', epoch=f'{epoch + 1}/{config.mux.epochs}', loss=loss, auroc=auroc(need, held_wrong),
                    accuracy=accuracy(predict(mux, held, config, runtime, output=1), held.labels))
        runtime.save(CHECKPOINT, {'config': as_dict(config), 'epoch': epoch + 1, 'mux': mux.state_dict(),
                                  'optimiser': optimiser.state_dict()})
    return mux.eval()


def mux_epoch(config, mux, local, cloud, optimiser, train, epoch, runtime):
    """One pass; returns the mean loss."""
    rng = generator(config.seed, 'mux', epoch)
    seed_epoch(rng)
    spec, total = config.mux, 0.0
    per_epoch = len(train) // spec.batch
    mux.train()
    for n, (images, labels) in enumerate(batches(train, spec.batch, rng)):
        set_rate(optimiser, one_cycle(epoch * per_epoch + n, spec.epochs * per_epoch, spec.lr, config.warmup))
        x = normalise(augment(images, config, rng), config.mean, config.std).contiguous(memory_format=torch.channels_last)
        with runtime.autocast():
            with torch.no_grad():
                probabilities = local(x)[0].float().softmax(1)
                teacher = cloud(x)[0].float()
            need, logits = mux(x)
        loss = equations.soft_label_loss(need.float()[:, 0], probabilities, labels)
        loss = loss + spec.class_weight * equations.class_head_loss(logits.float(), teacher, labels, spec.temperature)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        total += loss.item()
    return total / per_epoch
