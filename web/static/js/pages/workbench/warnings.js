/**
 * What about saving must not wait until somebody looks at the chip.
 *
 * @param {object} options
 * @param {import('../../state/store.js').Store<import('../../state/workbench.js').Workbench>} options.store
 * @param {(message: string, options: {danger: boolean, action: {label: string, run: () => void}}) => void} options.say
 * @param {() => void} options.openSaveDetails
 */
export function warnOfTrouble({ store, say, openSaveDetails }) {
  const told = new Set();
  store.watch((now, before) => {
    if (now.save.signInNeeded && !before.save.signInNeeded) {
      say('Your session has ended. Your work is safe on this device', { danger: true, action: { label: 'Sign in', run: openSaveDetails } });
    }
    if (now.save.numOnlyHere > 0 && !told.has('full')) {
      told.add('full');
      say('This device has no room left. Leave this page open until the chip says Saved', { danger: true, action: { label: 'Download', run: openSaveDetails } });
    }
  });
  window.addEventListener('beforeunload', (event) => {
    if (store.get().save.numOnlyHere > 0) event.preventDefault(); // the browser asks
  });
}
