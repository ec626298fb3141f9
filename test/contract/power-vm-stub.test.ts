import t from 'tap';
import { testInVm } from './power-vm-run.js';

testInVm(t, 'stub', ['power-vm-guest']);
