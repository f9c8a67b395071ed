// Whole layers beside float64: heads of the 3B's sizes, widths as narrow as they allow. layers.long.browser.test.ts has
// the 3B's own widths.

import { describeLayers } from './testing/describeLayers';
import { NARROW_WIDTHS } from './testing/oneLayerModel';

describeLayers(NARROW_WIDTHS);
