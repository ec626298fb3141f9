"""One-cycle learning rates, as a function of the step: nothing to save, nothing to restore."""
import math


def one_cycle(step, steps, peak, warmup=0.2, start=25.0, end=1e4):
    """Rate at `step` of `steps`: cosine from peak/start up to peak in the first `warmup` share, cosine down to peak/end."""
    def ramp(a, b, share):
        return a + (b - a) * (1 - math.cos(math.pi * min(max(share, 0.0), 1.0))) / 2
    rise = max(1.0, warmup * steps)
    if step < rise:
        return ramp(peak / start, peak, step / rise)
    return ramp(peak, peak / end, (step - rise) / max(1.0, steps - rise))


def triangle(step, steps, peak, warmup=0.2, start=0.2, end=0.07):
    """Rate at `step` of `steps`: straight from start · peak up to peak in the first `warmup` share, straight down to end · peak."""
    rise = max(1.0, warmup * steps)
    if step < rise:
        return peak * (start + (1 - start) * step / rise)
    return peak * (1 - (1 - end) * min(1.0, (step - rise) / max(1.0, steps - rise)))


SCHEDULES = {'cosine': one_cycle, 'triangle': triangle}


def set_rate(optimiser, rate):
    """The rate of every parameter group, times the group's own `scale` if it has one."""
    for group in optimiser.param_groups:
        group['lr'] = rate * group.get('scale', 1.0)
