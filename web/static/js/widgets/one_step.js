// For pages on which one thing happens after another.

import { faultText, toast } from './toasts.js';

/**
 * One step at a time: what is asked for while another is under way is not begun. What fails is said.
 *
 * @param {(busy: boolean) => void} showBusy
 * @returns {(step: () => unknown) => Promise<void>}
 */
export function oneStepAtATime(showBusy) {
  let isBusy = false;
  return async (step) => {
    if (isBusy) return;
    isBusy = true;
    showBusy(true);
    try {
      await step();
    } catch (fault) {
      toast(faultText(fault), 'danger');
    } finally {
      isBusy = false;
      showBusy(false);
    }
  };
}
