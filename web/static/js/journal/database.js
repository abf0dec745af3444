/** IndexedDB with promises: one transaction per call. */

const VERSION = 1;

/**
 * Opens the journal's database of one person.
 *
 * @param {string} person UUID
 * @param {IDBFactory} factory
 * @returns {Promise<IDBDatabase>}
 * @throws {DOMException} when the browser keeps no data for this page
 */
export function openDatabase(person, factory) {
  const request = factory.open(`maskwright-${person}`, VERSION);
  request.addEventListener('upgradeneeded', () => {
    const database = request.result;
    database.createObjectStore('outbox', { keyPath: 'mask' }).createIndex('image', 'image');
    database.createObjectStore('confirmed', { keyPath: 'mask' });
    database.createObjectStore('timelines', { keyPath: 'image' });
    database.createObjectStore('interactions', { keyPath: 'id' });
  });
  return outcome(request);
}

/**
 * Runs `act` in one transaction and resolves with what it returned, after the commit.
 *
 * @template Result
 * @param {IDBDatabase} database
 * @param {IDBTransactionMode} mode
 * @param {string[]} stores
 * @param {(...stores: IDBObjectStore[]) => Promise<Result>} act must wait for nothing but requests
 *   of this transaction
 * @returns {Promise<Result>}
 */
export async function transact(database, mode, stores, act) {
  const transaction = database.transaction(stores, mode, { durability: mode === 'readwrite' ? 'strict' : 'default' });
  const committed = new Promise((resolve, reject) => {
    transaction.addEventListener('complete', () => resolve(undefined));
    transaction.addEventListener('abort', () => reject(transaction.error ?? new DOMException('aborted', 'AbortError')));
  });
  const [result] = await Promise.all([act(...stores.map((name) => transaction.objectStore(name))), committed]);
  return result;
}

/**
 * @template Result
 * @param {IDBRequest<Result>} request
 * @returns {Promise<Result>}
 */
export function outcome(request) {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(request.error));
  });
}
