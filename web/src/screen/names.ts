/** The most signs of a name that a line has room for. */
const most = 40

/*
 * What has no width, changes the direction of what follows, or breaks lines. Joiners
 * stay: Tibetan and emoji need them.
 */
const unseen = /[\u0000-\u001f\u007f-\u009f\u00ad\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g

/** More marks than these on one sign reach into the neighbouring lines. */
const piled = /(\p{M}{4})\p{M}+/gu

/**
 * A name as a screen shows it. The server masks names and checks them; a screen that runs
 * for days before a whole town takes no chances with what is left.
 */
export function lineOf(name: string): string {
  const clean = name.normalize('NFC').replace(/\s+/g, ' ').replace(unseen, '').replace(piled, '$1').trim()
  const signs = Array.from(clean)
  return signs.length > most ? signs.slice(0, most - 1).join('') + '…' : clean
}
