"""Pictures as the trainer has them: JSON lines {"path", "jobs": [{"height", "width", "channels", "fit", "share", "kernel"}]} come in,
raw pixels of every job go out. `--torchvision` makes `stretch` and `crop` by torchvision's transforms instead."""
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(sys.argv[1])))

from data import pictures  # noqa: E402


def by_torchvision(path, job):
    from torchvision import transforms as T
    how = T.InterpolationMode(job['kernel'])
    size = job['height'], job['width']
    if job['fit'] == 'crop':
        steps = [T.Resize(round(size[0] / job['share']), how), T.CenterCrop(size)]
    else:
        steps = [T.Resize(size, how)]
    return T.Compose(steps)(pictures.Image.open(path).convert('RGB')).tobytes()


for line in sys.stdin:
    asked = json.loads(line)
    for job in asked['jobs']:
        if '--torchvision' in sys.argv:
            pixels = by_torchvision(asked['path'], job)
        else:
            pixels = pictures.decode(asked['path'], **job).tobytes()
        sys.stdout.buffer.write(pixels)
    sys.stdout.buffer.flush()
