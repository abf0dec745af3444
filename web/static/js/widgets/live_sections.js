// Keeps parts of a page fresh: the page is read again, and the parts that differ are put in place.
// What arrives is the server's own, escaped page; scripts in it cannot run (CSP, and none are there).

const PASSING_MS = 10000;

/**
 * Reads this page again every `everyMs` while it is visible; sections are elements with an id and `data-live`,
 * and `data-live-attributes` marks elements of which only `disabled` is taken over.
 * @param {object} options
 * @param {string} options.path where this page is read
 * @param {number} options.everyMs
 * @param {(state: {ok: boolean, at: Date}) => void} options.onRead
 */
export function keepLive({ path, everyMs, onRead }) {
  const state = { reading: false };
  const read = async () => {
    if (document.hidden || state.reading) return;
    state.reading = true;
    const ok = await refresh(path);
    state.reading = false;
    onRead({ ok, at: new Date() });
  };
  setInterval(() => void read(), everyMs);
  document.addEventListener('visibilitychange', () => void read());
}

/** @param {string} path @returns {Promise<boolean>} whether the page could be read */
async function refresh(path) {
  try {
    const answer = await fetch(path, { cache: 'no-store', signal: AbortSignal.timeout(PASSING_MS) });
    if (answer.redirected) location.reload(); // signed out meanwhile
    if (!answer.ok) return false;
    replaceSections(new DOMParser().parseFromString(await answer.text(), 'text/html'));
    return true;
  } catch {
    return false;
  }
}

/** @param {Document} fresh */
function replaceSections(fresh) {
  for (const old of document.querySelectorAll('[data-live][id]')) {
    const found = fresh.getElementById(old.id);
    if (found !== null && !isInUse(old) && comparable(found) !== comparable(old)) old.replaceWith(document.adoptNode(found));
  }
  for (const old of document.querySelectorAll('[data-live-attributes][id]')) {
    old.toggleAttribute('disabled', fresh.getElementById(old.id)?.hasAttribute('disabled') ?? false);
  }
}

/**
 * What a section shows: the anti-forgery token in its forms is new at each reading.
 * @param {Element} section
 * @returns {string}
 */
function comparable(section) {
  return section.outerHTML.replace(/name="csrfmiddlewaretoken" value="[^"]*"/g, '').replace(/ open(="")?(?=>)/g, '');
}

/**
 * Whether replacing the section would take something from a person's hands.
 * @param {Element} section
 * @returns {boolean}
 */
function isInUse(section) {
  return section.contains(document.activeElement) || section.querySelector('details[open]') !== null;
}
