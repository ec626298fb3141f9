"""Several processes on one job: torchrun's variables (RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR, MASTER_PORT) say who is who.

Every process sees the same shuffled batch, augments it alike and keeps its own slice; gradients are averaged by DDP after
every step. Batch norms see the slice only, and their running statistics are averaged once an epoch: as each update is
linear in the slice's statistics, that equals averaging after every step.
"""
import os
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from config import TrainError


def rank_and_world():
    """(rank, number of processes) from the environment; (0, 1) without it."""
    try:
        rank, world = int(os.environ.get('RANK', 0)), int(os.environ.get('WORLD_SIZE', 1))
    except ValueError as error:
        raise TrainError(f'RANK and WORLD_SIZE are numbers: {error}') from error
    if not 0 <= rank < world:
        raise TrainError(f'RANK {rank} is not below WORLD_SIZE {world}')
    return rank, world


def join(device):
    """Meets the other processes (NCCL between GPUs, gloo between CPUs); returns (rank, world)."""
    rank, world = rank_and_world()
    if world > 1 and not dist.is_initialized():
        if 'MASTER_ADDR' not in os.environ or 'MASTER_PORT' not in os.environ:
            raise TrainError('several processes need MASTER_ADDR and MASTER_PORT (torchrun sets them; by hand: 127.0.0.1 and a free port)')
        dist.init_process_group('nccl' if device.type == 'cuda' else 'gloo', rank=rank, world_size=world)
    return rank, world


def leave():
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()


def wrap(module, world, device):
    """The module itself, or DDP around it. Buffers are averaged by `average_buffers` instead of copied from rank 0."""
    if world == 1:
        return module
    ids = [device.index] if device.type == 'cuda' else None
    return DistributedDataParallel(module, device_ids=ids, broadcast_buffers=False)


def own_slice(tensor, rank, world):
    """This process's share of a batch: [N, …] → [N / world, …]."""
    size = len(tensor) // world
    return tensor[rank * size:(rank + 1) * size]


def average_buffers(module, world):
    """Batch norms' running statistics become their mean over the processes."""
    if world == 1:
        return
    for buffer in module.buffers():
        if buffer.is_floating_point():
            dist.all_reduce(buffer)
            buffer /= world


@contextmanager
def split_batch_norm(module, pieces):
    """One process as `pieces` of them: yields a function to call before each slice's forward pass; at the end
    the running statistics are the mean over the slices, as average_buffers makes it."""
    buffers = list(module.buffers()) if pieces > 1 else []
    start, sums = [b.clone() for b in buffers], [torch.zeros_like(b) for b in buffers]

    def collect():
        for b, total in zip(buffers, sums):
            total += b

    def before_slice(n):
        if n:
            collect()
        for b, old in zip(buffers, start):
            b.copy_(old)

    yield before_slice
    collect()
    for b, total in zip(buffers, sums):
        b.copy_(total / pieces if b.is_floating_point() else total // pieces)
