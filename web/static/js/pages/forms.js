// Pages that are plain forms.

import { wireCopyButtons } from '../widgets/copy_button.js';
import { wireForms } from '../widgets/forms.js';

wireForms(document.body);
wireCopyButtons();
