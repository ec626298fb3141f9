"""Lookahead (Zhang et al. 2019): every few steps the weights go back to a running mean of themselves, which moves ever less as the
training ends. The decay's form is that of the record (configs/cifar10.py)."""
import torch

EVERY = 5                       # steps


class Lookahead:
    """slow: the running means of all floating-point tensors of `module`'s state; None while it is off."""

    def __init__(self, module, on=True):
        self.fast = [v for v in module.state_dict().values() if v.is_floating_point()]
        self.slow = [v.clone() for v in self.fast] if on else None

    @torch.no_grad()
    def after(self, step, steps):
        """To be called after step number `step` (from 1) of `steps`; the last one leaves the mean in the module."""
        if self.slow is None:
            return
        if step % EVERY == 0:
            decay = 0.95 ** EVERY * (step / steps) ** 3
            torch._foreach_mul_(self.slow, decay)
            torch._foreach_add_(self.slow, self.fast, alpha=1 - decay)
        if step % EVERY == 0 or step == steps:
            for fast, slow in zip(self.fast, self.slow):
                fast.copy_(slow)

    def state(self):
        return self.slow

    def load(self, slow):
        for mine, theirs in zip(self.slow or (), slow or ()):
            mine.copy_(theirs)
