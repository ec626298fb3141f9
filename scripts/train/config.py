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
    arch: str                   # key of nets.ARCHITECTURES
    roles: tuple = ()           # 'local' and/or 'cloud'
    weight_decay: float = 5e-4


@dataclass(frozen=True)
class Mux:
    """Step 2 of Algorithm 1."""
    arch: str = 'mux4'          # key of nets.MUXES
    epochs: int = 10
    batch: int = 256
    lr: float = 4e-3            # peak of the one-cycle schedule, AdamW
    weight_decay: float = 1e-2
    class_weight: float = 0.3   # weight of distillation + cross-entropy on the class head
    temperature: float = 2.0    # of the distillation
    heldout_repeat: int = 4     # how often an epoch shows the images step 1 has not seen
    offload_share: float = 0.25  # the shipped threshold aims at this share of held-out images


@dataclass(frozen=True)
class Config:
    """A whole run. `source` is where the images are, unless --data says otherwise."""
    name: str
    models: tuple
    mux: Mux = Mux()
    zoo: str = 'fashion-mnist'
    source: str = '/usr/share/datasets/fashion-mnist'
    seed: int = 1
    mux_count: int = 2000           # training images kept from step 1, seen by step 2
    calibration_count: int = 3000   # training images kept from both steps
    train_limit: int = 0            # use only so many images for step 1 (0: all)
    mean: float = 0.2860            # of a training pixel / 255
    std: float = 0.3530
    # step 1
    epochs: int = 30
    batch: int = 128
    lr: float = 0.1                 # peak of the one-cycle schedule, SGD with Nesterov momentum
    warmup: float = 0.2             # share of the steps in which the rate rises
    momentum: float = 0.9
    contrastive: str = 'none'       # 'paper', 'bounded' or 'none' (eq. 2)
    contrastive_weight: float = 0.5
    projection_dim: int = 32        # common dimension of the projected embeddings (eq. 1)
    # augmentation
    flip: bool = True
    shift: int = 1                  # pixels, each way
    erase: float = 0.5              # probability of one random rectangle
    erase_min: int = 4              # its sides, pixels
    erase_max: int = 10
    # numbers
    amp: str = 'auto'               # 'auto' (bf16 where the processor has it), 'bf16' or 'off'


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
    if config.contrastive not in ('paper', 'bounded', 'none'):
        raise TrainError(f'contrastive is "paper", "bounded" or "none", not "{config.contrastive}"')
    if config.amp not in ('auto', 'bf16', 'off'):
        raise TrainError(f'amp is "auto", "bf16" or "off", not "{config.amp}"')
    if not 0 < config.mux.offload_share < 1:
        raise TrainError(f'mux.offload_share is a share between 0 and 1, not {config.mux.offload_share}')
    return config


def as_dict(config):
    """Plain dict for the manifest and the checkpoint."""
    return dataclasses.asdict(config)
