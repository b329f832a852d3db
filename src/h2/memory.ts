/** What all connections of a process hold for their peers, and who pays when it is too much. */

/** A connection's part. */
export interface Account {
  heldBytes: number;
  /** False: it has left, nothing is booked any more. */
  open: boolean;
  /** Closes the connection, so that it holds nothing. */
  readonly shed: () => void;
}

export interface Memory {
  readonly maxBytes: number;
  heldBytes: number;
  readonly accounts: Set<Account>;
  relieving: boolean;
}

/** Of `maxBytes`: above it all go carefully. */
const fillingShare = 0.25;
/** Of `maxBytes`: above it those who hold more than their share get no new streams. */
const crowdedShare = 0.5;

export function createMemory(maxBytes: number): Memory {
  return { maxBytes, heldBytes: 0, accounts: new Set(), relieving: false };
}

/** Books bytes that an account holds from now on; negative, that it holds no more. */
export function charge(memory: Memory, account: Account, bytes: number): void {
  if (!account.open) return;
  account.heldBytes += bytes;
  memory.heldBytes += bytes;
  if (memory.heldBytes <= memory.maxBytes || memory.relieving) return;
  memory.relieving = true;
  // not now: whoever charges is in the middle of a frame or a write
  queueMicrotask(() => relieve(memory));
}

/** The one that holds most is closed, until the rest fits: an attacker of many small parts loses them one by one. */
function relieve(memory: Memory): void {
  memory.relieving = false;
  while (memory.heldBytes > memory.maxBytes) {
    let greediest: Account | undefined;
    for (const account of memory.accounts)
      if (account.heldBytes > (greediest?.heldBytes ?? 0)) greediest = account;
    if (greediest === undefined) return;
    greediest.shed();
    leave(memory, greediest);
  }
}

export function isFilling({ heldBytes, maxBytes }: Memory): boolean {
  return heldBytes > maxBytes * fillingShare;
}

/** True in a memory half full for one that holds more than its share of what is left: the fuller, the less that is. */
export function isCrowding({ heldBytes, maxBytes, accounts }: Memory, account: Account): boolean {
  return heldBytes > maxBytes * crowdedShare && account.heldBytes * accounts.size > maxBytes - heldBytes;
}

export function leave(memory: Memory, account: Account): void {
  if (!memory.accounts.delete(account)) return;
  account.open = false;
  memory.heldBytes -= account.heldBytes;
  account.heldBytes = 0;
}
