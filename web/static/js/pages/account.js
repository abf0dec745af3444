// A person's own page: tokens to make, copy and revoke.

import { wireCopyButtons } from '../widgets/copy_button.js';
import { wireForms } from '../widgets/forms.js';

wireForms(document.body);
wireCopyButtons();
