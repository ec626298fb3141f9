"""What the contrastive loss does to the embeddings (Fig. 3 and 6): three of the zoo's models, a short training per form.
Not for a zoo: embeddings.py runs it with each form."""
from config import Config, Model

config = Config(
    name='embeddings',
    models=(Model('alexnet-s', 'alexnet-s', ('group',), 1e-4),
            Model('mobilenet-s', 'mobilenet-s', ('local', 'group'), 2e-4),
            Model('resnet8', 'resnet8', ('cloud', 'group'))),
    epochs=4, train_limit=16000, shift=0, erase=0.0)
