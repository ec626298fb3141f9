"""The data file of embeddings for Fig. 3 and 6."""
import contextlib
import hashlib
import io
import json
import tempfile
import unittest
from pathlib import Path

import support
import torch

import embeddings


class File(unittest.TestCase):
    def test_it_holds_unit_vectors_of_every_form_and_says_who_is_right(self):
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            root, out = support.write_images(Path(folder)), Path(folder) / 'out'
            config = Path(folder) / 'tiny_config.py'
            config.write_text('import support\nconfig = support.tiny(epochs=1)\n')
            embeddings.main(['--config', str(config), '--data', str(root), '--out', str(out), '--runs', folder, '--count', '50'])
            header, raw = json.loads((out / 'embeddings.json').read_text()), (out / 'embeddings.bin').read_bytes()
        self.assertEqual(header['sha256'], hashlib.sha256(raw).hexdigest())
        self.assertEqual(header['shape'], [3, 2, 50, 32])
        vectors = torch.frombuffer(bytearray(raw), dtype=torch.int8).reshape(header['shape']).float() / header['scale']
        self.assertTrue(torch.allclose(vectors.norm(dim=3), torch.ones(3, 2, 50), atol=0.03))
        self.assertEqual([f['contrastive'] for f in header['forms']], ['none', 'paper', 'bounded'])
        for form in header['forms']:
            self.assertEqual([len(bits) for bits in form['right']], [50, 50])

    def test_nearness_of_worked_out_vectors(self):
        right = torch.tensor([[True, True, False], [True, False, False]])
        vectors = torch.tensor([[[1.0, 0.0]] * 3, [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]])
        self.assertEqual(embeddings.nearness(vectors, right),
                         {'cosineBothRight': 1.0, 'cosineOneRight': 0.0, 'aurocDisagreement': 1.0})


if __name__ == '__main__':
    unittest.main()
