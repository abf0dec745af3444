/** Where a reviewer left the queue to correct a mask: the filters of its address, in this tab's storage. */
export const LAST_REVIEW = 'maskwright.review';
