"""Several processes on one job compute what one does whose batch norms see the same slices."""
import contextlib
import io
import os
import socket
import subprocess
import sys
import tempfile
import unittest
import unittest.mock
from pathlib import Path

import support
import torch

from config import TrainError
from data import images as datasets
from steps import parallel
from steps.runtime import Runtime, number_format
from steps.step1 import train_models

WORKER = f'''
import sys; sys.path[:0] = [{str(Path(__file__).parent)!r}]
import support, torch
from data import images as datasets
from steps import parallel
from pathlib import Path
from steps.runtime import Runtime
from steps.step1 import train_models
config = support.tiny(contrastive='bounded', epochs=1)
runtime = Runtime(Path(sys.argv[1]), 'off', device='cpu')
models, g = train_models(config, datasets.load(config, sys.argv[2]), runtime)
torch.save([models.state_dict(), g.state_dict()], f'{{sys.argv[1]}}/rank-{{runtime.rank}}.pt')
parallel.leave()
'''


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class TwoProcesses(unittest.TestCase):
    def test_two_processes_equal_one_whose_batch_norm_sees_the_same_halves(self):
        with tempfile.TemporaryDirectory() as folder:
            support.write_images(Path(folder))
            env = {**os.environ, 'WORLD_SIZE': '2', 'MASTER_ADDR': '127.0.0.1', 'MASTER_PORT': str(free_port()), 'OMP_NUM_THREADS': '1'}
            workers = [subprocess.Popen([sys.executable, '-c', WORKER, folder, folder], env={**env, 'RANK': str(rank)},
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for rank in (0, 1)]
            for worker in workers:
                _, err = worker.communicate(timeout=120)
                self.assertEqual(worker.returncode, 0, err[-2000:])
            first, second = (torch.load(f'{folder}/rank-{rank}.pt') for rank in (0, 1))
            log = (Path(folder) / 'log.jsonl').read_text().splitlines()
            self.assertEqual(len(log), 1, 'only the first process writes the log')
            one = self.alone(Path(folder) / 'one', folder, pieces=2)
            whole = self.alone(Path(folder) / 'whole', folder, pieces=1)
        for n in (0, 1):                                        # models, projections
            self.assertTrue(support.same(first[n], second[n]), 'both processes hold the same parameters')
            for key, value in one[n].items():
                self.assertTrue(torch.allclose(value.float(), first[n][key].float(), rtol=1e-4, atol=1e-6), key)
        self.assertFalse(torch.allclose(whole[0]['0.head.weight'], one[0]['0.head.weight'], rtol=1e-4, atol=1e-6),
                         'the halves matter: without them the result is another')

    def alone(self, out, root, pieces):
        config = support.tiny(contrastive='bounded', epochs=1)
        with contextlib.redirect_stdout(io.StringIO()):
            models, g = train_models(config, datasets.load(config, root), Runtime(out, 'off', device='cpu', pieces=pieces))
        return models.state_dict(), g.state_dict()


class Pieces(unittest.TestCase):
    def test_running_statistics_are_the_mean_over_the_slices(self):
        norm = torch.nn.BatchNorm2d(2)
        x = torch.randn(8, 2, 3, 3)
        with parallel.split_batch_norm(norm, 2) as before_slice:
            for n in (0, 1):
                before_slice(n)
                norm(x[4 * n:4 * n + 4])
        expected = 0.1 * torch.stack([x[:4].mean((0, 2, 3)), x[4:].mean((0, 2, 3))]).mean(0)
        self.assertTrue(torch.allclose(norm.running_mean, expected, atol=1e-6))
        self.assertEqual(norm.num_batches_tracked.item(), 1)

    def test_each_process_takes_its_own_slice(self):
        batch = torch.arange(8)
        self.assertEqual([parallel.own_slice(batch, r, 2).tolist() for r in (0, 1)], [[0, 1, 2, 3], [4, 5, 6, 7]])


class Environment(unittest.TestCase):
    def test_mistakes_are_explained(self):
        for rank, world, text in (('2', '2', 'not below'), ('x', '2', 'numbers')):
            with self.subTest(rank=rank), unittest.mock.patch.dict(os.environ, {'RANK': rank, 'WORLD_SIZE': world}):
                with self.assertRaisesRegex(TrainError, text):
                    parallel.rank_and_world()
        with unittest.mock.patch.dict(os.environ, {'RANK': '0', 'WORLD_SIZE': '2'}):
            os.environ.pop('MASTER_ADDR', None)
            with self.assertRaisesRegex(TrainError, 'MASTER_ADDR'):
                parallel.join(torch.device('cpu'))

    def test_number_formats_by_device(self):
        cuda = torch.device('cuda')
        with unittest.mock.patch('torch.cuda.is_bf16_supported', return_value=False):
            self.assertEqual(number_format('auto', cuda), torch.float16)
        with unittest.mock.patch('torch.cuda.is_bf16_supported', return_value=True):
            self.assertEqual(number_format('auto', cuda), torch.bfloat16)
        self.assertIsNone(number_format('off', cuda))
        self.assertEqual(number_format('fp16', cuda), torch.float16)


if __name__ == '__main__':
    unittest.main()
