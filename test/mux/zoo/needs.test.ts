/** A file that is newer than the ONNX Runtime at hand is refused in one sentence. */
import t from 'tap';
import { READS, tooNew } from '../../../mux/zoo/needs.js';

t.test('what a release reads is no reason, what it does not read is named with the remedy', (t) => {
  t.equal(tooNew(READS['1.11'], '1.11.0'), null);
  t.equal(tooNew(READS['1.11'], '1.22.0-rev'), null);
  t.match(
    tooNew({ opset: 17, ir: 8 }, '1.11.0'),
    /needs opset 17 and IR 8.*1.11.0 reads up to opset 16.*--target jetpack46/,
  );
  t.match(tooNew({ opset: 13, ir: 9 }, '1.11.0'), /needs opset 13 and IR 9/);
  t.equal(tooNew({ opset: 99, ir: 99 }, '1.15.1'), null, 'never tried: it says itself what it lacks');
  t.end();
});
