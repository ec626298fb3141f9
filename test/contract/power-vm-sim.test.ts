import t from 'tap';
import { testInVm } from './power-vm-run.js';

testInVm(t, 'sim', ['power-vm-sampler-guest', 'power-vm-guest']);
