"""A split: images and their labels, in memory or in folders."""
from dataclasses import dataclass

import torch


@dataclass
class Split:
    """images uint8 [N, H, W, C], a tensor or Pictures (folders.py), which decodes what is asked for; labels int64 [N]."""
    images: torch.Tensor
    labels: torch.Tensor

    def __len__(self):
        return len(self.labels)

    def to(self, device):
        """Pictures stay where they are: their batches are moved."""
        return Split(self.images.to(device), self.labels.to(device)) if torch.is_tensor(self.images) else self

    def take(self, index):
        images = self.images[index] if torch.is_tensor(self.images) else self.images.take(index)
        return Split(images, self.labels[index])
