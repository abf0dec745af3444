// The page of one model version: promoting asks first.

import { wireForms } from '../widgets/forms.js';

wireForms(document.body);
