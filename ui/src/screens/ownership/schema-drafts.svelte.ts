// Schemas that were typed and not kept, for as long as the window is open: closing their sheet loses nothing. They are
// in no force and known to nobody else; what is kept is the host's.

/** By the name of the schema; one that has no name yet stands under "", and its name beside it. */
export const drafts = $state<{ texts: Record<string, string>; name: string }>({ texts: {}, name: "" });
