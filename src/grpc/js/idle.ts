/** Tells when a connection has had no stream for a while. */

export interface IdleWatch {
  opened(stream: { once(event: "close", then: () => void): unknown }): void;
  stop(): void;
}

/** @param idle called once, after `idleMs` without any stream, or up to twice that: a look now and then, no timer per stream */
export function watchIdle(idleMs: number, idle: () => void): IdleWatch {
  let open = 0;
  let used = false;
  const look = (): void => {
    const over = open === 0 && !used;
    used = false;
    if (over) idle();
    else timer = setTimeout(look, idleMs);
  };
  let timer = setTimeout(look, idleMs);
  return {
    opened(stream) {
      used = true;
      open++;
      stream.once("close", () => {
        used = true;
        open--;
      });
    },
    stop: () => clearTimeout(timer),
  };
}
