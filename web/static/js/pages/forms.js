// Pages that are plain forms.

import { wireForms } from '../widgets/forms.js';

wireForms(document.body);
