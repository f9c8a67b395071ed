// Whole layers at the 3B's own widths beside float64, in every storage type. layers.browser.test.ts has narrower ones.

import { describeLayers } from './testing/describeLayers';
import { TRUE_WIDTHS } from './testing/oneLayerModel';

describeLayers(TRUE_WIDTHS);
