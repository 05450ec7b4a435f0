/** The keys of one user's mailbox; the braces keep them on one shard. */
export const keysOf = (userId: string) => ({
  /** Stream of frames, entry `<n>-0`: event id → text or pointer. */
  frames: `relay:{${userId}}`,
  /**
   * Hash. `box`: epoch, n (the newest), trimmedTo (the newest that is gone), bytes, day of the last append, or
   * `gone` for an erased user; one field, since each that Redis looks up costs. `day:<day>`: the newest before it.
   * Event id → n, for as long as the frame is there.
   */
  meta: `relay:{${userId}}:meta`,
  /** Hash: socket node → `<lease's end in ms> <status>`. */
  nodes: `relay:{${userId}}:nodes`,
  /** When the user was last connected, in ms. */
  seen: `relay:{${userId}}:seen`,
})

/** Which mailboxes hold: those of another generation are void. */
export const generationKey = 'relay:generation'
/** How many frames were ever appended; less than before means that Redis has forgotten. */
export const appendsKey = 'relay:appends'
/** How many of them the database has noted; if it says less itself, it has forgotten. */
export const notedKey = 'relay:noted'
