// The projects page.

import { wireDialog } from '../widgets/forms.js';

const dialog = document.getElementById('new-project');
const opener = document.getElementById('open-new-project');
if (dialog instanceof HTMLDialogElement && opener !== null) wireDialog(dialog, opener);
