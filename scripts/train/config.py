"""What an experiment is: frozen dataclasses, filled in by one file per experiment under configs/."""
import dataclasses
import importlib.util
from dataclasses import dataclass
from pathlib import Path

CONFIGS = Path(__file__).resolve().parent / 'configs'


class TrainError(Exception):
    """A failure the user can act on; train.py prints it without a traceback."""


@dataclass(frozen=True)
class Model:
    """One classifier of the zoo, cheapest first in `Config.models`."""
    id: str                     # name in the manifest
    arch: str                   # key of nets.ARCHITECTURES, or one of torchvision's names (torchvision_nets.NAMES)
    roles: tuple = ()           # 'local', 'cloud' and/or 'group'
    weight_decay: float = 5e-4
    lr_scale: float = 1.0       # times Config.lr
    weights: str = ''           # file of a state dict to start from (torchvision architectures)
    teacher: str = ''           # id of the model whose finished copy it also learns from
    epochs: int = 0             # of step 1, instead of Config.epochs
    mirrors: str = ''           # id of the model that this one is, asked of the mirror image as well (nets.Mirrored): not trained


@dataclass(frozen=True)
class Mux:
    """Step 2 of Algorithm 1. The same settings serve the pair's mux and the group's."""
    arch: str = 'mux4'          # key of nets.MUXES
    loss: str = 'correctness'   # or 'paper' (eq. 4-8)
    epochs: int = 10
    batch: int = 256
    lr: float = 8e-3            # peak of the one-cycle schedule, AdamW
    weight_decay: float = 1e-2
    views: int = 8              # augmented copies of every image; epoch e shows copy e % views
    heldout_repeat: int = 4     # how often a copy holds the images step 1 has not seen
    class_weight: float = 1.0   # weight of distillation + cross-entropy on the class head
    temperature: float = 2.0    # of the distillation
    teacher: str = 'largest'    # who teaches the class head: 'largest' model or the 'mean' of all
    known_limit: int = 0        # learn from so many of the images that step 1 has seen (0: all)
    folds: int = 0              # out-of-fold correctness: train so many further copies of the models (0: none)
    # weights over the models (eq. 5-8): all of the loss 'paper', a further head of the group's mux with 'correctness'
    cost_form: str = 'relative'  # c_i of eq. 5: a key of equations.COST_FORMS
    cost_penalty: float = 0.0   # times the expected cost of the weights, added to eq. 7
    meta_weight: float = 0.1    # of eq. 8 beside eq. 7
    # calibration
    offload_share: float = 0.25  # the score's 0.5 aims at this share of held-out images


@dataclass(frozen=True)
class Config:
    """A whole run. `source` is where the images are, unless --data says otherwise."""
    name: str
    models: tuple
    mux: Mux = Mux()
    zoo: str = 'fashion-mnist'
    licence: str = 'MIT (data: Zalando Fashion-MNIST)'
    source: str = '/usr/share/datasets/fashion-mnist'  # four IDX files, or image folders train/<class>/, val/<class>/
    size: int = 0                   # side of the networks' input, for image folders
    fit: str = 'stretch'            # how a picture becomes that square: 'stretch', 'crop' or 'letterbox', ...
    share: float = 1.0              # ... the share of its shorter side that a crop keeps, ...
    kernel: str = 'lanczos'         # ... and the resizing: 'bilinear', 'bicubic' or 'lanczos'
    seed: int = 1
    mux_count: int = 2000           # training images kept from step 1, seen by step 2
    calibration_count: int = 3000   # training images kept from both steps
    train_limit: int = 0            # use only so many images for step 1 (0: all)
    mean: tuple = (0.2860,)         # of a training pixel / 255, per channel
    std: tuple = (0.3530,)
    # step 1
    epochs: int = 30
    batch: int = 128
    lr: float = 0.1                 # peak of the one-cycle schedule, SGD with Nesterov momentum
    warmup: float = 0.2             # share of the steps in which the rate rises
    schedule: str = 'cosine'        # how it rises and falls, from peak/25 and to peak/1e4; or 'triangle': straight, from and to a share of it
    momentum: float = 0.9
    norm_rate: float = 1.0          # rate of the batch norms' biases, times lr
    smoothing: float = 0.0          # of the labels: this share is spread over all classes
    lookahead: bool = False         # every 5 steps back towards a running mean of the weights, which they end as
    contrastive: str = 'none'       # 'paper', 'bounded' or 'none' (eq. 2)
    contrastive_weight: float = 0.5
    projection_dim: int = 32        # common dimension of the projected embeddings (eq. 1)
    teacher_weight: float = 0.7     # of a teacher's opinion, beside 0.3 of cross-entropy
    teacher_temperature: float = 3.0
    # augmentation
    flip: bool = True
    flips: str = 'random'           # in step 1; or 'alternate': every picture mirrored in every second epoch
    shift: int = 1                  # pixels, each way
    fill: str = 'black'             # what a shift brings in; or 'reflect'
    erase: float = 0.5              # probability of one random rectangle
    erase_min: int = 4              # its sides, pixels
    erase_max: int = 10
    # what is written
    weights: str = 'float32'        # how the files hold weights: 'float32' or 'float16' (half as large; computed in float32)
    golden: str = 'test'            # golden vectors show 'test' images, or 'drawn' pictures where the data set may not be passed on
    # numbers
    amp: str = 'auto'               # 'auto' (bf16 where the hardware has it, else fp16 on GPUs), 'bf16', 'fp16' or 'off'
    # the shipped device policy
    gap_share: float = 0.98         # reach this share of the way from the local model's accuracy to the cloud's ...
    upload_cost: float = 4.0        # ... at the least device cost, an upload costing so many local runs
    gate: bool = True               # train a gate for `three-tier` (policies/gate.py), to compete with its confidence

    @property
    def how(self):
        """Keyword arguments of pictures.fitted."""
        return {'fit': self.fit, 'share': self.share, 'kernel': self.kernel}


def load(name):
    """Config of the experiment `name` (configs/<name>.py, dashes as underscores) or of a .py file's path."""
    path = Path(name) if name.endswith('.py') else CONFIGS / (name.replace('-', '_') + '.py')
    if not path.is_file():
        known = ', '.join(sorted(p.stem.replace('_', '-') for p in CONFIGS.glob('*.py')))
        raise TrainError(f'no experiment "{name}": choose one of {known}, or give the path of a .py file')
    spec = importlib.util.spec_from_file_location('experiment', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not isinstance(getattr(module, 'config', None), Config):
        raise TrainError(f'{path} must define `config = Config(...)`')
    return check(module.config)


def check(config):
    """The same config, or a TrainError that says what is wrong with it."""
    ids = [m.id for m in config.models]
    roles = [r for m in config.models for r in m.roles]
    if len(set(ids)) != len(ids) or len(ids) < 2:
        raise TrainError(f'models need two or more different ids, got {ids}')
    if roles.count('local') != 1 or roles.count('cloud') != 1:
        raise TrainError(f'exactly one model is "local" and one "cloud", got {roles}')
    for name, value, known in (('contrastive', config.contrastive, ('paper', 'bounded', 'none')),
                               ('amp', config.amp, ('auto', 'bf16', 'fp16', 'off')),
                               ('fit', config.fit, ('stretch', 'crop', 'letterbox')),
                               ('kernel', config.kernel, ('bilinear', 'bicubic', 'lanczos')),
                               ('weights', config.weights, ('float32', 'float16')),
                               ('golden', config.golden, ('test', 'drawn')),
                               ('schedule', config.schedule, ('cosine', 'triangle')),
                               ('flips', config.flips, ('random', 'alternate')),
                               ('fill', config.fill, ('black', 'reflect')),
                               ('mux.loss', config.mux.loss, ('correctness', 'paper')),
                               ('mux.teacher', config.mux.teacher, ('largest', 'mean')),
                               ('mux.cost_form', config.mux.cost_form, ('relative', 'log', 'none'))):
        if value not in known:
            raise TrainError(f'{name} is one of {", ".join(known)}, not "{value}"')
    for model in config.models:
        if model.mirrors and (model.mirrors not in ids or named(config, model.mirrors).mirrors or not config.flip):
            raise TrainError(f'{model.id} mirrors "{model.mirrors}": choose a trained model, and a training that mirrors (flip)')
        if model.teacher and (model.teacher not in ids or named(config, model.teacher).teacher):
            raise TrainError(f'{model.id} names "{model.teacher}" as its teacher: choose a model that has no teacher itself')
    if config.contrastive != 'none' and any(m.epochs or m.mirrors for m in config.models):
        raise TrainError('the contrastive loss ties the models together: none can have epochs of its own, or mirror another')
    if config.mux.folds and config.mux.known_limit:
        raise TrainError('mux.folds judges every image that step 1 has seen: mux.known_limit must be 0')
    if config.mux.folds == 1 or config.mux.folds < 0:
        raise TrainError(f'mux.folds is 0 or at least 2, not {config.mux.folds}')
    if not 0 < config.mux.offload_share < 1:
        raise TrainError(f'mux.offload_share is a share between 0 and 1, not {config.mux.offload_share}')
    return config


def named(config, id_):
    return next(m for m in config.models if m.id == id_)


def group_of(config):
    """Indices of the models that the group's mux chooses among; empty where the zoo is a pair only."""
    return [k for k, m in enumerate(config.models) if 'group' in m.roles]


def role(config, name):
    """Index of the model with the role 'local' or 'cloud'."""
    return next(k for k, m in enumerate(config.models) if name in m.roles)


def only(config, ids):
    """The ids, checked: such models train alone as they would among the others, unless a loss ties them."""
    unknown = sorted(set(ids) - {m.id for m in config.models})
    if unknown:
        raise TrainError(f'no model {", ".join(unknown)} in {config.name}: it has {", ".join(m.id for m in config.models)}')
    if config.contrastive != 'none':
        raise TrainError(f'the contrastive loss ties the models of {config.name} together: they train jointly or not at all')
    return tuple(ids)


def as_dict(config):
    """Plain dict for the manifest and the checkpoint."""
    return dataclasses.asdict(config)


def differences(old, new, ignore=()):
    """Keys in which two as_dict()s differ; what an older checkpoint does not know yet counts as its default."""
    def completed(values):
        models = [{**dataclasses.asdict(Model('', '')), **m} for m in values['models']]
        whole = {**dataclasses.asdict(Config('', ())), **values, 'models': models}
        for key in ('mean', 'std'):
            whole[key] = tuple(whole[key]) if isinstance(whole[key], (tuple, list)) else (whole[key],)
        return {**whole, 'mux': {**dataclasses.asdict(Mux()), **whole['mux']}}
    old, new = completed(old), completed(new)
    return sorted(k for k in new if k not in ignore and old.get(k) != new[k])
